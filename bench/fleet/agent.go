package fleet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
	"farmproxy/bench/wire"
)

// agent is an agent of a Fleet, over all of its connections: its miners have no
// connections of their own; they are sessions on this one.
//
//	fleet.mine -> miner.share -> agent.submit -> frame -+
//	                                                    |  one connection
//	miner.take, miner.verdict <- agent.read <-----------+
//
// The agent's lock may be taken while a miner's is held, never the other way round.
type agent struct {
	fleet  *Fleet
	miners []*miner // by session

	mu          sync.Mutex // guards what follows
	conn        net.Conn   // nil while there is none
	working     bool       // authorized, and shares are answered
	authorized  bool
	extranonce1 []byte
	mask        uint32
	difficulty  float64 // for miners without one of their own
	job         *job
	next        uint16 // index of the next share
	sent        map[uint16]sentShare
}

// sentShare is a share on its way, by its index.
type sentShare struct {
	miner *miner
	id    int
}

// agentBuffer is the read buffer of an agent's connection; frames are short.
const agentBuffer = 16 << 10

// connect dials until it succeeds or the fleet is closed, and leaves a reader running.
func (a *agent) connect() {
	conn := a.fleet.dial(a.first())
	if conn == nil {
		return
	}
	a.begin(conn)
	a.fleet.group.Go(func() { a.read(conn) })
}

// first returns the index that stands for the agent itself in the books.
func (a *agent) first() int { return a.miners[0].index }

// begin sends the whole handshake at once, as agents do.
func (a *agent) begin(conn net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn, a.working, a.authorized, a.job = conn, false, false, nil
	a.extranonce1, a.mask, a.difficulty, a.next, a.sent = nil, 0, 0, 0, map[uint16]sentShare{}
	account, _, _ := strings.Cut(a.miners[0].name, ".")
	const capabilities = `"method":"agent.get_capabilities","params":[["verrol","subres"]]}` + "\n"
	a.write(fmt.Appendf(nil, `{"id":"caps",`+capabilities+
		`{"id":"conf","method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}`+"\n"+
		`{"id":"sub","method":"mining.subscribe","params":[%q]}`+"\n"+
		`{"id":"auth","method":"mining.authorize","params":[%q,""]}`+"\n"+
		`{"id":"caps_again",`+capabilities, wire.AgentName, account))
	if a.fleet.ctx.Err() != nil {
		conn.Close() // Close could not see it
	}
}

// write sends data; a failure shows at the reader. The caller holds a.mu.
func (a *agent) write(data []byte) {
	if a.conn == nil {
		return
	}
	a.conn.SetWriteDeadline(time.Now().Add(minerWrite))
	if _, err := a.conn.Write(data); err != nil {
		a.conn.Close()
	}
}

func (a *agent) hangUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn != nil {
		a.conn.Close()
	}
}

// read handles lines and frames until the connection ends, and then starts the next
// one.
func (a *agent) read(conn net.Conn) {
	in := bufio.NewReaderSize(conn, agentBuffer)
	var why error
	for why == nil {
		var first, line []byte
		if first, why = in.Peek(1); why != nil {
			break
		}
		if first[0] == wire.Magic {
			var f wire.Frame
			if f, why = wire.ReadFrame(in); why == nil {
				a.handleFrame(f)
			}
			continue
		}
		if line, why = wire.ReadLine(in, wire.MaxLine); why == nil {
			why = a.handle(line)
		}
	}
	conn.Close()
	a.mu.Lock()
	a.conn, a.working = nil, false
	a.mu.Unlock()
	for _, m := range a.miners {
		if m.joined() {
			m.ended(why)
		}
	}
	if a.fleet.ctx.Err() == nil && a.fleet.o.Reconnect {
		a.fleet.group.Go(func() {
			if a.fleet.wait(time.Duration(rand.Int64N(int64(minerAgain)))) {
				a.connect()
			}
		})
	}
}

func (a *agent) handleFrame(f wire.Frame) {
	known := false
	switch f.Command() {
	case wire.FrameSetDifficulty:
		exponent, sessions, ok := f.SetDifficulty()
		known = ok && exponent <= wire.MaxExponent && a.toldDifficulty(exponent, sessions)
	case wire.FrameResponse:
		index, status, ok := f.Response()
		known = ok && a.answered(index, status)
	}
	if !known {
		a.fleet.books.garbage(a.first(), f)
	}
}

// toldDifficulty applies from the next job on; it returns false for sessions that never
// existed.
func (a *agent) toldDifficulty(exponent uint8, sessions []uint16) bool {
	for _, s := range sessions {
		if int(s) >= len(a.miners) {
			return false
		}
		m := a.miners[s]
		m.mu.Lock()
		m.difficulty, m.own = float64(uint64(1)<<exponent), true
		m.mu.Unlock()
	}
	return true
}

// answered closes the share with that index; it returns false if there is none.
func (a *agent) answered(index uint16, status uint32) bool {
	a.mu.Lock()
	s, ok := a.sent[index]
	delete(a.sent, index)
	a.mu.Unlock()
	switch {
	case !ok:
		return false
	case wire.StatusAccepted(status):
		return s.miner.verdict(s.id, 0, "")
	}
	return s.miner.verdict(s.id, int(status), "status "+strconv.FormatUint(uint64(status), 10))
}

// handle takes one line from the other side. The error is the reason to end the
// connection.
func (a *agent) handle(line []byte) error {
	var msg struct {
		ID     any
		Method string
		Params []any
		Result json.RawMessage
		Error  any
	}
	known := false
	switch err := json.Unmarshal(line, &msg); {
	case err != nil:
	case msg.Method == "mining.notify":
		known = a.notified(line)
	case msg.Method != "":
		known = a.told(msg.Method, msg.Params)
		a.tellAll()
	case msg.Error != nil:
		return a.giveUp("handshake: reply %v is %v", msg.ID, msg.Error)
	default:
		id, _ := msg.ID.(string)
		var err error
		if known, err = a.replied(id, msg.Result); err != nil {
			return err
		}
	}
	if !known {
		a.fleet.books.garbage(a.first(), line)
	}
	return nil
}

// giveUp books why a connection ends.
func (a *agent) giveUp(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	a.fleet.books.failed(a.first(), "agent: "+err.Error())
	return err
}

// notified passes a new job to all miners; it returns false if the job makes no sense.
func (a *agent) notified(line []byte) bool {
	now := time.Now()
	j, err := a.fleet.jobs.get(line)
	if err != nil {
		return false
	}
	if _, err := strconv.ParseUint(strings.Trim(j.ID, `"`), 10, 8); err != nil {
		return false // an agent's frames have one byte for the id
	}
	a.mu.Lock()
	a.job = j
	a.mu.Unlock()
	for _, m := range a.miners {
		m.take(j, now)
	}
	return true
}

// told takes a notification; it returns false if that makes no sense.
func (a *agent) told(method string, p []any) bool {
	if len(p) == 0 {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch method {
	case "mining.set_difficulty":
		d, ok := p[0].(float64)
		if !ok || !proof.ValidDifficulty(d) {
			return false
		}
		if a.difficulty == 0 { // later ones are not meant for agents
			a.difficulty = d
		}
	case "mining.set_version_mask":
		text, _ := p[0].(string)
		mask, err := proof.ParseWord(text)
		if err != nil {
			return false
		}
		a.mask = mask & a.fleet.o.Mask
	default:
		return false
	}
	return true
}

// tellAll gives the version mask to the present miners, and the difficulty to those
// without one of their own: they may have registered before it came.
func (a *agent) tellAll() {
	for _, m := range a.miners {
		m.mu.Lock()
		a.mu.Lock()
		m.mask = a.mask
		if !m.own && a.difficulty != 0 {
			m.difficulty = a.difficulty
		}
		a.mu.Unlock()
		m.mu.Unlock()
	}
}

// replied takes a reply of the handshake; it returns false if nobody asked or it makes
// no sense.
func (a *agent) replied(id string, result json.RawMessage) (bool, error) {
	switch id {
	case "caps":
		return true, nil // the one after authorize counts
	case "conf":
		return a.configured(result), nil
	case "sub":
		return a.subscribed(result)
	case "auth":
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.authorized = string(result) == "true"; !a.authorized {
			return true, a.giveUp("not authorized")
		}
		return true, nil
	case "caps_again":
		return true, a.begun(result)
	}
	return false, nil
}

func (a *agent) configured(result json.RawMessage) bool {
	var r map[string]any
	if json.Unmarshal(result, &r) != nil {
		return false
	}
	if r["version-rolling"] != true {
		return true
	}
	text, _ := r["version-rolling.mask"].(string)
	mask, err := proof.ParseWord(text)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mask = mask & a.fleet.o.Mask
	return err == nil
}

func (a *agent) subscribed(result json.RawMessage) (bool, error) {
	var r []any
	if json.Unmarshal(result, &r) != nil || len(r) < 3 {
		return false, nil
	}
	e := mine.NewExtranonce(r[1], r[2])
	if e == nil {
		return false, nil
	}
	if e.Size2 != wire.AgentExtranonce2 {
		return true, a.giveUp("extranonce2 of %d bytes, want %d", e.Size2, wire.AgentExtranonce2)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.extranonce1 = e.Extranonce1
	return true, nil
}

// begun ends the handshake: all miners are registered.
func (a *agent) begun(result json.RawMessage) error {
	if !bytes.Contains(result, []byte(`"subres"`)) {
		return a.giveUp("shares would not be answered: no capability subres after authorize")
	}
	a.mu.Lock()
	a.working = a.authorized && a.extranonce1 != nil
	ready := a.working
	a.mu.Unlock()
	if !ready {
		return a.giveUp("capabilities came before the session was ready")
	}
	for _, m := range a.miners {
		a.join(m)
	}
	return nil
}

// join registers a miner, unless the miner or the agent's connection is gone.
func (a *agent) join(m *miner) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a.mu.Lock()
	conn, job := a.conn, a.job
	if m.away || m.conn != nil || !a.working || conn == nil {
		a.mu.Unlock()
		return
	}
	agent := "bench"
	if names := a.fleet.o.Agents; len(names) > 0 {
		agent = names[m.index%len(names)]
	}
	m.extranonce1 = binary.BigEndian.AppendUint32(bytes.Clone(a.extranonce1), uint32(m.place))
	m.size2, m.mask, m.difficulty, m.own = wire.AgentExtranonce2-4, a.mask, a.difficulty, false
	if m.difficulty == 0 {
		m.difficulty = 1 // the default until a pool sets another
	}
	a.write(wire.RegisterFrame(m.place, agent, workerPart(m.name)))
	a.mu.Unlock()
	m.conn, m.leaving, m.announced, m.job = conn, false, nil, nil
	m.authorized, m.since, m.nextID = true, time.Now(), mine.IDFirstSubmit
	m.cleans++
	if job != nil {
		m.takeLocked(job, time.Now())
	}
}

// submit sends a miner's share; the caller holds the miner's lock.
func (a *agent) submit(m *miner, id int, s wire.AgentShare) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent[a.next] = sentShare{m, id}
	a.next++
	a.write(s.Frame())
}

// leave unregisters a miner; the caller holds the miner's lock.
func (a *agent) leave(m *miner) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.write(wire.UnregisterFrame(m.place))
}

// WorksAt returns how many miners have a job at the difficulty for their name.
func (f *Fleet) WorksAt(difficulty func(name string) float64) (n int) {
	for _, m := range f.miners {
		m.mu.Lock()
		if m.job != nil && m.work == f.o.Algorithm.One(difficulty(m.name)) {
			n++
		}
		m.mu.Unlock()
	}
	return n
}

// workerPart returns the part of a miner's name that an agent registers: everything
// after the first dot.
func workerPart(name string) string {
	if _, worker, found := strings.Cut(name, "."); found && worker != "" {
		return worker
	}
	return name
}
