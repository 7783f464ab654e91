package fleet

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
	"farmproxy/bench/wire"
)

// miner is one miner of a Fleet, over all of its connections.
type miner struct {
	fleet *Fleet
	index int
	name  string
	agent *agent // the agent that carries it; nil: it has its own connection
	place uint16 // its session there

	mu          sync.Mutex // guards the fields below; held neither while hashing nor while dialling
	conn        net.Conn   // nil while there is none; its agent's, if it has one
	away        bool       // it left and stays away until told to return
	ready       bool       // authorized, with a job
	authorized  bool
	since       time.Time // when it was last authorized
	leaving     bool      // it followed client.reconnect, or its login was refused
	session     string
	extranonce1 []byte
	size2       int
	announced   *mine.Extranonce // by set_extranonce: applies from the next job on
	cleans      int              // clean jobs and new connections: older work is void
	mask        uint32           // version bits that may be rolled
	difficulty  float64
	own         bool // an agent's miner: its difficulty was set for it alone
	job         *job
	limit       *mine.Limit // of job
	work        float64     // worth of a share of job, in shares of difficulty 1
	counter     uint64      // extranonce2 of the last share: never used twice
	nextID      int
	pending     []pendingShare
}

// pendingShare is a submit without an answer.
type pendingShare struct {
	id    int
	share Share
}

// Bounds of one miner.
const (
	minerBuffer  = 2 << 10 // bytes: a usual notify fits
	minerPending = 64      // submits without an answer; more are left out
)

// Timeouts of one miner.
const (
	minerDial  = 10 * time.Second
	minerWrite = 5 * time.Second        // how long the other side may take no data
	minerAgain = 500 * time.Millisecond // longest pause before the next dial
)

func newMiner(f *Fleet, index int, name string) *miner {
	return &miner{fleet: f, index: index, name: name}
}

// connect dials until it succeeds or the fleet is closed, and leaves a reader running.
func (m *miner) connect() {
	conn := m.fleet.dial(m.index)
	if conn == nil {
		return
	}
	m.begin(conn)
	m.fleet.group.Go(func() { m.read(conn) })
}

// dial tries until it succeeds, and returns nil if the fleet is closed.
func (f *Fleet) dial(index int) net.Conn {
	for first := true; ; first = false {
		if !first && !f.wait(time.Duration(rand.Int64N(int64(minerAgain)))) {
			return nil
		}
		dialer := net.Dialer{Timeout: minerDial}
		if s := f.o.Sources; len(s) > 0 {
			dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(s[index%len(s)])}
		}
		conn, err := dialer.DialContext(f.ctx, "tcp", f.o.Target)
		if err == nil && f.o.TLS != nil {
			conn, err = f.secure(conn)
		}
		if err == nil {
			return conn
		}
		if errors.Is(err, context.Canceled) || f.ctx.Err() != nil {
			return nil
		}
		f.books.failed(index, err.Error())
	}
}

// secure puts TLS on top of a connection.
func (f *Fleet) secure(conn net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(f.ctx, minerDial)
	defer cancel()
	c := tls.Client(conn, f.o.TLS)
	if err := c.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return c, nil
}

// begin sends the handshake: every other miner sends it all at once, as some firmware
// does, the rest step by step.
func (m *miner) begin(conn net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conn, m.authorized, m.leaving, m.job, m.announced = conn, false, false, nil, nil
	m.cleans++
	m.mask, m.difficulty, m.nextID = 0, 1, mine.IDFirstSubmit
	lines := m.configure()
	if lines == nil {
		lines = m.subscribe()
	} else if m.pipelines() {
		lines = append(lines, m.subscribe()...)
	}
	if m.pipelines() {
		lines = append(lines, m.authorize()...)
	}
	m.write(lines)
	if m.fleet.ctx.Err() != nil {
		conn.Close() // Close could not see it
	}
}

func (m *miner) pipelines() bool { return m.index%2 == 1 }

func (m *miner) configure() []byte {
	if m.fleet.o.Mask == 0 {
		return nil
	}
	return fmt.Appendf(nil, `{"id":%d,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"%08x","version-rolling.min-bit-count":2}]}`+"\n",
		mine.IDConfigure, m.fleet.o.Mask)
}

func (m *miner) subscribe() []byte {
	agent := "bench"
	if a := m.fleet.o.Agents; len(a) > 0 {
		agent = a[m.index%len(a)]
	}
	if m.session == "" {
		return fmt.Appendf(nil, `{"id":%d,"method":"mining.subscribe","params":[%q]}`+"\n", mine.IDSubscribe, agent)
	}
	return fmt.Appendf(nil, `{"id":%d,"method":"mining.subscribe","params":[%q,%q]}`+"\n", mine.IDSubscribe, agent, m.session)
}

func (m *miner) authorize() []byte {
	return fmt.Appendf(nil, `{"id":%d,"method":"mining.authorize","params":[%q,%q]}`+"\n", mine.IDAuthorize, m.name, m.fleet.o.Password)
}

// write sends lines; a failure shows at the reader. The caller holds m.mu.
func (m *miner) write(lines []byte) {
	if m.conn == nil {
		return
	}
	m.conn.SetWriteDeadline(time.Now().Add(minerWrite))
	if _, err := m.conn.Write(lines); err != nil {
		m.conn.Close()
	}
}

func (m *miner) hangUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn != nil {
		m.conn.Close()
	}
}

// read handles lines until the connection ends, and then starts the next one.
func (m *miner) read(conn net.Conn) {
	in := bufio.NewReaderSize(conn, minerBuffer)
	var why error
	for {
		var line []byte
		if line, why = wire.ReadLine(in, wire.MaxLine); why != nil {
			break
		}
		m.handle(line)
	}
	conn.Close()
	if m.ended(why) {
		m.fleet.group.Go(func() {
			if m.fleet.wait(time.Duration(rand.Int64N(int64(minerAgain)))) {
				m.connect()
			}
		})
	}
}

// ended settles the books of a finished connection, and reports whether the miner dials
// again.
func (m *miner) ended(why error) (again bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle(why)
	return m.fleet.o.Reconnect && !m.away && m.fleet.ctx.Err() == nil
}

// settle is ended without the decision; the caller holds m.mu.
func (m *miner) settle(why error) {
	closing := m.fleet.ctx.Err() != nil
	if m.ready {
		m.ready = false
		m.fleet.ready.Add(-1)
	}
	for _, p := range m.pending {
		m.fleet.books.Answered(p.share)
	}
	m.fleet.pending.Add(-int64(len(m.pending)))
	m.pending, m.job, m.conn = nil, nil, nil
	if !closing && !m.leaving {
		m.fleet.books.disconnected(m.index, why)
	}
}

// joined reports whether the miner has a connection, or its agent one for it.
func (m *miner) joined() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conn != nil
}

// leave disconnects until comeBack. Unanswered submits stay unanswered.
func (m *miner) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away, m.leaving = true, true
	switch {
	case m.conn == nil:
	case m.agent == nil:
		m.conn.Close() // its reader does the rest
	default:
		m.agent.leave(m)
		m.settle(nil)
	}
}

// comeBack ends a leave. If the connection is not over yet, its reader starts the next
// one.
func (m *miner) comeBack() {
	m.mu.Lock()
	m.away = false
	gone := m.conn == nil
	m.mu.Unlock()
	switch {
	case m.agent != nil:
		m.agent.join(m)
	case gone:
		m.fleet.group.Go(m.connect)
	}
}

// handle takes one line from the other side.
func (m *miner) handle(line []byte) {
	if bytes.Contains(line[:min(len(line), 48)], []byte(`"mining.notify"`)) {
		m.notified(line)
		return
	}
	if id, ok := mine.PlainTrue(line); ok && id >= mine.IDFirstSubmit {
		m.verdict(id, 0, "")
		return
	}
	var msg struct {
		ID     json.RawMessage
		Method string
		Params json.RawMessage
		Result json.RawMessage
		Error  json.RawMessage
	}
	switch {
	case json.Unmarshal(line, &msg) != nil:
		m.fleet.books.garbage(m.index, line)
	case msg.Method == "mining.notify":
		m.notified(line)
	case msg.Method != "":
		if !m.told(msg.Method, msg.Params, msg.ID) {
			m.fleet.books.garbage(m.index, line)
		}
	default:
		id, err := strconv.Atoi(string(bytes.Trim(msg.ID, `"`)))
		if err != nil || !m.replied(id, msg.Result, msg.Error) {
			m.fleet.books.garbage(m.index, line)
		}
	}
}

// notified takes a new job, with the difficulty announced before it.
func (m *miner) notified(line []byte) {
	now := time.Now()
	j, err := m.fleet.jobs.get(line)
	if err != nil {
		m.fleet.books.garbage(m.index, line)
		return
	}
	m.take(j, now)
}

// take makes j the current job, unless the miner is not connected.
func (m *miner) take(j *job, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn != nil {
		m.takeLocked(j, now)
	}
}

func (m *miner) takeLocked(j *job, now time.Time) {
	if m.job == nil || m.job.arrival != j.arrival {
		j.arrival.add(now)
	}
	if j.Clean {
		m.cleans++
	}
	if e := m.announced; e != nil {
		m.extranonce1, m.size2, m.announced = e.Extranonce1, e.Size2, nil
	}
	m.job = j
	m.work = m.fleet.o.Algorithm.One(m.difficulty)
	m.limit = m.fleet.jobs.limitOf(m.work)
	m.checkReady()
}

// checkReady counts the miner as ready once it can mine; the caller holds m.mu.
func (m *miner) checkReady() {
	if m.ready || !m.authorized || m.job == nil {
		return
	}
	m.ready = true
	if m.fleet.ready.Add(1) == int64(len(m.fleet.miners)) {
		m.fleet.allOnce.Do(func() { close(m.fleet.allReady) })
	}
}

// told takes a request or notification; it returns false if that makes no sense.
func (m *miner) told(method string, raw, id json.RawMessage) bool {
	var p []any
	json.Unmarshal(raw, &p)
	m.mu.Lock()
	defer m.mu.Unlock()
	first := func() any {
		if len(p) == 0 {
			return nil
		}
		return p[0]
	}
	switch method {
	case "mining.set_difficulty":
		d, ok := first().(float64)
		if !ok || !proof.ValidDifficulty(d) {
			return false
		}
		m.difficulty = d
	case "mining.set_version_mask":
		text, _ := first().(string)
		mask, err := hex.DecodeString(text)
		if err != nil || len(mask) != 4 {
			return false
		}
		m.mask = binary.BigEndian.Uint32(mask) & m.fleet.o.Mask
	case "mining.set_extranonce":
		if len(p) < 2 {
			return false
		}
		m.announced = mine.NewExtranonce(p[0], p[1])
		return m.announced != nil
	case "client.reconnect":
		m.fleet.books.toldToReconnect(m.index)
		m.leaving = true
		m.conn.Close() // the port is the same for everything a fleet is pointed at
	case "mining.ping":
		m.write(fmt.Appendf(nil, `{"id":%s,"result":"pong","error":null}`+"\n", id))
	case "client.get_version":
		m.write(fmt.Appendf(nil, `{"id":%s,"result":"bench","error":null}`+"\n", id))
	case "client.show_message":
	default:
		return false
	}
	return true
}

// replied takes a reply; it returns false if nobody asked or it makes no sense.
func (m *miner) replied(id int, result, failure json.RawMessage) bool {
	failed := len(failure) > 0 && string(failure) != "null"
	if id >= mine.IDFirstSubmit {
		if !failed && string(result) == "true" {
			return m.verdict(id, 0, "")
		}
		var parts []any
		json.Unmarshal(failure, &parts)
		code, text := 0, "no reason given"
		if len(parts) > 1 {
			number, _ := parts[0].(float64)
			code, text = int(number), fmt.Sprint(parts[1])
		}
		return m.verdict(id, code, text)
	}
	if failed {
		m.fleet.books.failed(m.index, fmt.Sprintf("handshake: reply %d is %s", id, failure))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch id {
	case mine.IDConfigure:
		var r map[string]any
		json.Unmarshal(result, &r)
		if r["version-rolling"] == true {
			text, _ := r["version-rolling.mask"].(string)
			mask, err := strconv.ParseUint(text, 16, 32)
			if err != nil {
				return false
			}
			m.mask = uint32(mask) & m.fleet.o.Mask
		}
		if !m.pipelines() {
			m.write(m.subscribe())
		}
	case mine.IDSubscribe:
		var r []any
		json.Unmarshal(result, &r)
		if len(r) < 3 {
			return false
		}
		e := mine.NewExtranonce(r[1], r[2])
		if e == nil {
			return false
		}
		m.extranonce1, m.size2 = e.Extranonce1, e.Size2
		m.session = mine.SessionID(r[0])
		if !m.pipelines() {
			m.write(m.authorize())
		}
	case mine.IDAuthorize:
		if m.authorized = string(result) == "true"; m.authorized {
			m.since = time.Now()
		} else {
			m.fleet.books.turnedAway(m.index)
			m.leaving = true
			m.conn.Close() // it tries again, as firmware does
		}
		m.checkReady()
	default:
		return false
	}
	return true
}

// verdict closes one submit; it returns false if there is none.
func (m *miner) verdict(id, code int, refused string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, p := range m.pending {
		if p.id != id {
			continue
		}
		m.pending[i] = m.pending[len(m.pending)-1]
		m.pending = m.pending[:len(m.pending)-1]
		p.share.Answered, p.share.Code, p.share.Refused = time.Now(), code, refused
		m.fleet.books.Answered(p.share)
		m.fleet.pending.Add(-1)
		return true
	}
	return false
}
