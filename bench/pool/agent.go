package pool

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"farmproxy/bench/proof"
	"farmproxy/bench/wire"
)

// agentLink is the extra state of a link whose client is an agent. Guarded by Pool.mu.
type agentLink struct {
	responses  bool    // shares are answered
	difficulty float64 // the link's, for workers without one of their own
	workers    map[uint16]*agentWorker
	names      map[string]int // currently registered, by user.worker
	own        ownDifficulties
	next       uint16 // index of the next share
	books      AgentBooks
}

// agentWorker is one sub-session, from REGISTER to UNREGISTER. Immutable.
type agentWorker struct{ name string } // user.worker

// ownDifficulties are those of a link's workers, by session. Immutable: jobs keep the
// ones they were sent with. They have no entry for a session that meanwhile has another
// worker.
type ownDifficulties map[uint16]ownDifficulty

type ownDifficulty struct {
	worker   *agentWorker
	exponent uint8 // the difficulty is 2^exponent
}

func (d ownDifficulty) value() float64 { return float64(uint64(1) << d.exponent) }

// SetWorkerDifficulty tells each worker of an agent its own difficulty, 2^exponent,
// from the next job on; nil leaves all as they are.
func (p *Pool) SetWorkerDifficulty(exponent func(worker string) uint8) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = exponent
}

// SpreadExponents assigns each worker an exponent from low to high, by its name.
func SpreadExponents(low, high uint8) func(worker string) uint8 {
	return func(worker string) uint8 {
		sum := uint32(2166136261) // FNV-1a
		for i := range len(worker) {
			sum = (sum ^ uint32(worker[i])) * 16777619
		}
		return low + uint8(sum%uint32(high-low+1))
	}
}

// shortID returns the id under which agents get a job: its own if that fits, so that a
// scripted job keeps it, or the next number. The caller holds p.mu.
func (p *Pool) shortID(id string) string {
	p.shortIDs++
	if n, err := strconv.ParseUint(id, 10, 8); err == nil && strconv.Itoa(int(n)) == id {
		return id
	}
	return strconv.Itoa(p.shortIDs % 256)
}

// withID returns the params of a notify with another id.
func withID(params, id string) string {
	_, rest, _ := strings.Cut(params, ",") // no id that proof.NewJob accepts contains a comma
	return "[" + strconv.Quote(id) + "," + rest
}

// capabilities answers an agent's first request, which it repeats after authorization:
// only then are its shares answered.
func (l *link) capabilities(m message) {
	l.capable = true
	if l.agent != nil && l.ready {
		l.agent.responses = strings.Contains(string(m.Params), `"subres"`)
	}
	l.send(fmt.Appendf(nil, `{"id":%s,"result":{"capabilities":["verrol","subres"]}}`+"\n", m.ID))
}

func (l *link) sendMask() {
	l.notify("mining.set_version_mask", fmt.Sprintf(`["%08x"]`, l.pool.mask&l.minerMask))
}

func (l *link) sendExtranonce(extranonce1 []byte, size2 int) {
	l.notify("mining.set_extranonce", fmt.Sprintf(`["%x",%d]`, extranonce1, size2))
}

// meetAgent treats the client as an agent if its user agent says so. The caller holds
// Pool.mu.
func (l *link) meetAgent(subscribe []any) {
	if len(subscribe) == 0 {
		return
	}
	if name, _ := subscribe[0].(string); strings.HasPrefix(name, wire.AgentPrefix) {
		l.agent = &agentLink{workers: map[uint16]*agentWorker{}, names: map[string]int{}, books: newAgentBooks(l.id)}
	}
}

func (l *link) isAgent() bool {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	return l.agent != nil
}

// readFrame returns an error if no pool could read on after the frame.
func (l *link) readFrame(in *bufio.Reader) ([]byte, error) {
	f, err := wire.ReadFrame(in)
	if err == wire.ErrFrameStalls {
		l.pool.mu.Lock()
		defer l.pool.mu.Unlock()
		l.agent.books.Dropped[droppedStall]++
	}
	return f, err
}

// handleFrame takes one frame. Anything that is not exactly right is silently dropped,
// as pools do, and counted.
func (l *link) handleFrame(data []byte) {
	f := wire.Frame(data)
	if size := wire.SubmitSize(f.Command()); size > 0 {
		l.submitFrame(f)
		return
	}
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	a := l.agent
	switch f.Command() {
	case wire.FrameRegister:
		session, _, worker, ok := f.Register()
		if a.dropped(session, ok) {
			return
		}
		a.books.Frames["register"]++
		a.register(session, worker)
	case wire.FrameUnregister:
		session, ok := f.Unregister()
		if a.dropped(session, ok) {
			return
		}
		a.books.Frames["unregister"]++
		a.unregister(session)
	default:
		a.books.Dropped[droppedCommand]++
	}
}

// dropped counts a frame that is dropped unread.
func (a *agentLink) dropped(session uint16, size bool) bool {
	switch {
	case !size:
		a.books.Dropped[droppedSize]++
	case session >= wire.AgentSessions:
		a.books.Dropped[droppedSession]++
	default:
		return false
	}
	return true
}

func (a *agentLink) register(session uint16, worker string) {
	if worker == "" {
		worker = "__default__"
	}
	name := a.books.User + "." + worker
	a.books.Registered++
	if old := a.workers[session]; old != nil {
		a.forget(session)
		a.books.Twice++
	} else if a.names[name] > 0 {
		a.books.Twice++
	}
	a.workers[session] = &agentWorker{name}
	a.names[name]++
}

func (a *agentLink) unregister(session uint16) {
	if a.workers[session] == nil {
		a.books.Strangers++
		return
	}
	a.books.Unregistered++
	a.forget(session)
}

func (a *agentLink) forget(session uint16) {
	name := a.workers[session].name
	if a.names[name]--; a.names[name] == 0 {
		delete(a.names, name)
	}
	delete(a.workers, session)
}

// sendOwnDifficulties tells the workers whose difficulty has changed, before a job. The
// caller holds Pool.mu.
func (l *link) sendOwnDifficulties() {
	a := l.agent
	if l.pool.own == nil {
		return
	}
	changed := map[uint8][]uint16{}
	for session, w := range a.workers {
		exponent := min(l.pool.own(w.name), wire.MaxExponent)
		if a.own[session] != (ownDifficulty{w, exponent}) {
			changed[exponent] = append(changed[exponent], session)
		}
	}
	if len(changed) == 0 {
		return
	}
	next := maps.Clone(a.own)
	if next == nil {
		next = ownDifficulties{}
	}
	for _, exponent := range slices.Sorted(maps.Keys(changed)) {
		sessions := slices.Sorted(slices.Values(changed[exponent]))
		l.send(wire.DifficultyFrames(exponent, sessions))
		for _, s := range sessions {
			next[s] = ownDifficulty{a.workers[s], exponent}
		}
	}
	a.own = next
}

// submitFrame judges one share, books it for its worker and answers by its index.
func (l *link) submitFrame(f wire.Frame) {
	share, index, worker := l.open(f)
	if worker == nil {
		return
	}
	s := Submit{At: time.Now(), Link: l.id, User: worker.name, JobID: strconv.Itoa(int(share.Job)), Params: hex.EncodeToString(f)}
	s, difficulty := l.judge(s, agentClaim(share, worker))
	l.book(s, difficulty)
	l.pool.mu.Lock()
	answers := l.agent.responses
	l.pool.mu.Unlock()
	if answers {
		l.sendVerdict(wire.ResponseFrame(index, StatusOf(s.Refused)))
	}
}

// open reads a share's frame and finds its worker; nil means that the frame is dropped.
func (l *link) open(f wire.Frame) (share wire.AgentShare, index uint16, worker *agentWorker) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	a := l.agent
	share, ok := f.Submit()
	if a.dropped(share.Session, ok) {
		return share, 0, nil
	}
	a.books.Frames[fmt.Sprintf("submit of %d bytes, type %02x", len(f), byte(f.Command()))]++
	worker = a.workers[share.Session]
	if worker == nil {
		a.books.Dropped[droppedStranger]++
		return share, 0, nil
	}
	index = a.next
	a.next++
	return share, index, worker
}

// agentClaim returns the share in terms of the pool's own rules. If the time is left
// out it is filled in with its job.
func agentClaim(s wire.AgentShare, worker *agentWorker) claim {
	whole := binary.BigEndian.AppendUint64(nil, uint64(s.Session)<<32|uint64(s.Extranonce2))
	return claim{
		user: worker.name, job: strconv.Itoa(int(s.Job)), extranonce2: whole, ntime: s.NTime, nonce: s.Nonce,
		bits: s.Flips, hasBits: s.HasVersion, flips: true, worker: worker, session: s.Session, timed: s.HasTime,
	}
}

// rules fills in what the frame left out, checks its length, and returns the work with
// its worker's difficulty. The caller holds Pool.mu.
func (a *agentLink) rules(c *claim, work issued, algorithm *proof.Algorithm) issued {
	if c.timed && (c.ntime == 0 || c.ntime == work.job.NTime) || c.hasBits && c.bits == 0 {
		a.books.Longer++
	}
	if c.ntime == 0 {
		c.ntime = work.job.NTime
	}
	if own, ok := work.own[c.session]; ok && own.worker == c.worker {
		work.difficulty = own.value()
		work.target = proof.TargetOf(algorithm.One(work.difficulty))
	}
	return work
}

// trace writes one line for a message received on a connection: the connection's
// number, and the line as received, or a frame in hex. An unprintable line is in hex,
// too.
func (p *Pool) trace(link int, data []byte) {
	if p.o.Trace == nil {
		return
	}
	text, isLine := strings.CutSuffix(string(data), "\n")
	if !isLine || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || !json.Valid([]byte(text)) {
		text = hex.EncodeToString(data)
	}
	p.traceMu.Lock()
	defer p.traceMu.Unlock()
	fmt.Fprintf(p.o.Trace, "%d %s\n", link, text)
}

// StatusOf returns the status that an agent is sent for a refusal; nil: accepted.
func StatusOf(refused *proof.Refusal) uint32 {
	switch refused {
	case nil:
		return wire.StatusAccept
	case proof.RefusedParams, proof.RefusedExtranonce2:
		return 27 // illegal params
	case proof.RefusedByScript:
		return 30 // internal error
	case proof.RefusedTime:
		return 32 // time too new
	case proof.RefusedVersion:
		return 33
	case proof.RefusedUnknown:
		return 36
	}
	return uint32(refused.Code) // 21 to 25 have the same meaning
}
