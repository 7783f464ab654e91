package bench

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
)

// agentLink is what a link has when its client is an agent. Guarded by Pool.mu.
type agentLink struct {
	responses  bool    // shares are answered
	difficulty float64 // of workers without one of their own: what the link was told
	workers    map[uint16]*agentWorker
	names      map[string]int // registered at the moment, by user.worker
	own        ownDifficulties
	next       uint16 // index of the next share
	books      AgentBooks
}

// agentWorker is one sub-session, from REGISTER to UNREGISTER. Immutable.
type agentWorker struct{ name string } // user.worker

// ownDifficulties are those of a link's workers, by session. Immutable: jobs
// keep those that they were sent with. A session that has another worker by now
// has none in it.
type ownDifficulties map[uint16]ownDifficulty

type ownDifficulty struct {
	worker   *agentWorker
	exponent uint8 // the difficulty is 2^exponent
}

func (d ownDifficulty) value() float64 { return float64(uint64(1) << d.exponent) }

// maxExponent is the highest that a difficulty is told with.
const maxExponent = 63

// SetWorkerDifficulty has each worker of an agent told its own difficulty,
// 2^exponent, from the next job on: nil leaves all as they are.
func (p *Pool) SetWorkerDifficulty(exponent func(worker string) uint8) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = exponent
}

// spreadExponents gives each worker one of low to high, by its name.
func spreadExponents(low, high uint8) func(worker string) uint8 {
	return func(worker string) uint8 {
		sum := uint32(2166136261) // FNV-1a
		for i := range len(worker) {
			sum = (sum ^ uint32(worker[i])) * 16777619
		}
		return low + uint8(sum%uint32(high-low+1))
	}
}

// shortID is the id that agents get a job under: its own one when that fits, so
// that a scripted job keeps it, or the next number. p.mu is held.
func (p *Pool) shortID(id string) string {
	p.shortIDs++
	if n, err := strconv.ParseUint(id, 10, 8); err == nil && strconv.Itoa(int(n)) == id {
		return id
	}
	return strconv.Itoa(p.shortIDs % 256)
}

// withID is the params of a notify under another id.
func withID(params, id string) string {
	_, rest, _ := strings.Cut(params, ",") // no id that newJob takes has a comma
	return "[" + strconv.Quote(id) + "," + rest
}

// capabilities answers what an agent asks before anything else, and once more
// after it was authorized: only then are its shares answered.
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

// meetAgent takes the client for an agent when its user agent says so. Pool.mu
// is held.
func (l *link) meetAgent(subscribe []any) {
	if len(subscribe) == 0 {
		return
	}
	if name, _ := subscribe[0].(string); strings.HasPrefix(name, agentPrefix) {
		l.agent = &agentLink{workers: map[uint16]*agentWorker{}, names: map[string]int{}, books: newAgentBooks(l.id)}
	}
}

func (l *link) isAgent() bool {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	return l.agent != nil
}

// readFrame is an error when no pool could read on.
func (l *link) readFrame(in *bufio.Reader) ([]byte, error) {
	f, err := readFrame(in)
	if err == errFrameStalls {
		l.pool.mu.Lock()
		defer l.pool.mu.Unlock()
		l.agent.books.Dropped[droppedStall]++
	}
	return f, err
}

// handleFrame takes one frame. What is not exactly right is dropped without a
// word, as pools do, and counted.
func (l *link) handleFrame(data []byte) {
	f := frame(data)
	if size := submitSize(f.command()); size > 0 {
		l.submitFrame(f)
		return
	}
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	a := l.agent
	switch f.command() {
	case frameRegister:
		session, _, worker, ok := f.register()
		if a.dropped(session, ok) {
			return
		}
		a.books.Frames["register"]++
		a.register(session, worker)
	case frameUnregister:
		session, ok := f.unregister()
		if a.dropped(session, ok) {
			return
		}
		a.books.Frames["unregister"]++
		a.unregister(session)
	default:
		a.books.Dropped[droppedCommand]++
	}
}

// dropped counts a frame that is dropped before it is looked into.
func (a *agentLink) dropped(session uint16, size bool) bool {
	switch {
	case !size:
		a.books.Dropped[droppedSize]++
	case session >= agentSessions:
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

// sendOwnDifficulties tells those workers theirs whose it changed, before a job.
// Pool.mu is held.
func (l *link) sendOwnDifficulties() {
	a := l.agent
	if l.pool.own == nil {
		return
	}
	changed := map[uint8][]uint16{}
	for session, w := range a.workers {
		exponent := min(l.pool.own(w.name), maxExponent)
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
		l.send(difficultyFrames(exponent, sessions))
		for _, s := range sessions {
			next[s] = ownDifficulty{a.workers[s], exponent}
		}
	}
	a.own = next
}

// submitFrame judges one share, books it under its worker and answers by its
// index.
func (l *link) submitFrame(f frame) {
	share, index, worker := l.open(f)
	if worker == nil {
		return
	}
	s := Submit{At: time.Now(), Link: l.id, User: worker.name, JobID: strconv.Itoa(int(share.job)), Params: hex.EncodeToString(f)}
	s, difficulty := l.judge(s, share.claim(worker))
	l.book(s, difficulty)
	l.pool.mu.Lock()
	answers := l.agent.responses
	l.pool.mu.Unlock()
	if answers {
		l.sendVerdict(responseFrame(index, statusOf(s.Refused)))
	}
}

// open reads a share's frame and finds its worker; nil: it is dropped.
func (l *link) open(f frame) (share agentShare, index uint16, worker *agentWorker) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	a := l.agent
	share, ok := f.submit()
	if a.dropped(share.session, ok) {
		return share, 0, nil
	}
	a.books.Frames[fmt.Sprintf("submit of %d bytes, type %02x", len(f), byte(f.command()))]++
	worker = a.workers[share.session]
	if worker == nil {
		a.books.Dropped[droppedStranger]++
		return share, 0, nil
	}
	index = a.next
	a.next++
	return share, index, worker
}

// claim is the share as the pool's own rules read it. A time that is left out
// is filled in with its job.
func (s agentShare) claim(worker *agentWorker) claim {
	whole := binary.BigEndian.AppendUint64(nil, uint64(s.session)<<32|uint64(s.extranonce2))
	return claim{
		user: worker.name, job: strconv.Itoa(int(s.job)), extranonce2: whole, ntime: s.ntime, nonce: s.nonce,
		bits: s.flips, hasBits: s.hasVersion, flips: true, worker: worker, session: s.session, timed: s.hasTime,
	}
}

// rules fills in what the frame left out, minds its length, and is the work with
// the difficulty that its worker had for it. Pool.mu is held.
func (a *agentLink) rules(c *claim, work issued, algorithm *Algorithm) issued {
	if c.timed && (c.ntime == 0 || c.ntime == work.job.ntime) || c.hasBits && c.bits == 0 {
		a.books.Longer++
	}
	if c.ntime == 0 {
		c.ntime = work.job.ntime
	}
	if own, ok := work.own[c.session]; ok && own.worker == c.worker {
		work.difficulty = own.value()
		work.target = target(algorithm.one(work.difficulty))
	}
	return work
}

// trace writes one line for what a connection sent: its number, and the line as
// it came or the frame in hex. What is no printable line is in hex, too.
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
