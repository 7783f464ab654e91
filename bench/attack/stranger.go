package attack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
	"farmproxy/bench/wire"
)

// stranger is one connection of an attacker. It speaks as much of the protocol as its
// attack needs, and ignores its rules of conduct. One goroutine uses it.
type stranger struct {
	conn      net.Conn
	in        *bufio.Reader
	algorithm *proof.Algorithm
	release   func() bool // of the context that closes the connection

	name        string
	nextID      int
	session     string
	extranonce1 []byte
	size2       int
	difficulty  float64 // last received; applies from the next job on
	job         *mine.Job
	work        float64 // that a share of job must meet, in shares of difficulty 1
	counter     uint64  // extranonce2 of the last share
	earned      bool    // one was accepted
}

// Bounds of a stranger.
const (
	strangerDial   = 5 * time.Second  // any longer, and the proxy accepts no connections
	strangerWaits  = 10 * time.Second // for an answer, before it gives up the connection
	strangerBuffer = 2 << 10          // bytes: a usual notify fits
	strangerWindow = 4 << 10          // receive buffer, in bytes, of one that does not read
)

// errUnanswered ends a connection on which nothing arrives.
var errUnanswered = errors.New("no answer")

// dialStranger connects from the given loopback address. The connection ends with ctx.
// A narrow one has the kernel's smallest receive buffer.
func dialStranger(ctx context.Context, target, source string, algorithm *proof.Algorithm, narrow bool) (*stranger, error) {
	dialer := net.Dialer{Timeout: strangerDial, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	if narrow {
		dialer.Control = func(_, _ string, c syscall.RawConn) error {
			var failed error
			err := c.Control(func(fd uintptr) {
				failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, strangerWindow)
			})
			return errors.Join(err, failed)
		}
	}
	conn, err := dialer.DialContext(ctx, "tcp", target)
	if err != nil {
		return nil, err
	}
	return &stranger{
		conn: conn, in: bufio.NewReaderSize(conn, strangerBuffer), algorithm: algorithm,
		release: context.AfterFunc(ctx, func() { conn.Close() }),
		nextID:  mine.IDFirstSubmit, difficulty: 1,
	}, nil
}

// close hangs up.
func (s *stranger) close() {
	s.release()
	s.conn.Close()
}

// reset hangs up with a RST: with thousands of connections a minute, TIME_WAIT would
// use up the ports.
func (s *stranger) reset() {
	s.conn.(*net.TCPConn).SetLinger(0)
	s.close()
}

// write sends data.
func (s *stranger) write(data []byte) error {
	s.conn.SetWriteDeadline(time.Now().Add(strangerWaits))
	_, err := s.conn.Write(data)
	return err
}

// login subscribes, resuming session unless it is "", authorizes, and returns once
// there is a job.
func (s *stranger) login(name, password, session string) error {
	s.name = name
	resume := ""
	if session != "" {
		resume = fmt.Sprintf(",%q", session)
	}
	if err := s.write(fmt.Appendf(nil, `{"id":%d,"method":"mining.subscribe","params":["stranger"%s]}`+"\n"+
		`{"id":%d,"method":"mining.authorize","params":[%q,%q]}`+"\n", mine.IDSubscribe, resume, mine.IDAuthorize, name, password)); err != nil {
		return err
	}
	for authorized := false; !authorized || s.job == nil; {
		a, err := s.next(true)
		if err != nil {
			return err
		}
		switch {
		case a.id == mine.IDAuthorize && !a.yes:
			return fmt.Errorf("not authorized: %s", a.text)
		case a.id == mine.IDAuthorize:
			authorized = true
		}
	}
	return nil
}

// again authorizes under another name.
func (s *stranger) again(name string) (reply, error) {
	s.name = name
	if err := s.write(fmt.Appendf(nil, `{"id":%d,"method":"mining.authorize","params":[%q,"x"]}`+"\n", mine.IDAuthorize, name)); err != nil {
		return reply{}, err
	}
	for {
		if r, err := s.next(false); err != nil || r.id == mine.IDAuthorize {
			return r, err
		}
	}
}

// reply is the answer to one of a stranger's requests.
type reply struct {
	id   int
	yes  bool
	text string // of a refusal
}

// next returns the next answer, and processes anything before it. With job set it also
// returns, without an id, for a job.
func (s *stranger) next(job bool) (reply, error) {
	for {
		s.conn.SetReadDeadline(time.Now().Add(strangerWaits))
		line, err := wire.ReadLine(s.in, wire.MaxLine)
		if err != nil {
			return reply{}, gaveUp(err)
		}
		r, err := s.take(line)
		if err != nil || r.id != 0 || job && s.job != nil {
			return r, err
		}
	}
}

// gaveUp translates the error of a read that took too long.
func gaveUp(err error) error {
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return errUnanswered
	}
	return err
}

// take reads one line; reply has no id if the line is not a reply.
func (s *stranger) take(line []byte) (r reply, err error) {
	if id, ok := mine.PlainTrue(line); ok {
		return reply{id: id, yes: true}, nil
	}
	var m struct {
		ID     json.RawMessage
		Method string
		Params []any
		Result json.RawMessage
		Error  []any
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return r, fmt.Errorf("a line that no miner understands: %.100q", line)
	}
	switch m.Method {
	case "":
	case "mining.notify":
		if s.job, _, err = mine.ReadJob(line); err == nil {
			s.work = s.algorithm.One(s.difficulty)
		}
		return r, err
	case "mining.set_difficulty":
		if len(m.Params) > 0 {
			if d, ok := m.Params[0].(float64); ok && proof.ValidDifficulty(d) {
				s.difficulty = d
			}
		}
		return r, nil
	default:
		return r, nil
	}
	r.id, _ = strconv.Atoi(strings.Trim(string(m.ID), `"`))
	r.yes = string(m.Result) == "true" && m.Error == nil
	if len(m.Error) > 1 {
		r.text = fmt.Sprintf("%v %v", m.Error[0], m.Error[1])
	}
	if r.id == mine.IDSubscribe {
		return r, s.subscribed(m.Result)
	}
	return r, nil
}

func (s *stranger) subscribed(result json.RawMessage) error {
	var r []any
	json.Unmarshal(result, &r)
	if len(r) < 3 {
		return fmt.Errorf("subscribe: got %.100q", result)
	}
	e := mine.NewExtranonce(r[1], r[2])
	if e == nil {
		return fmt.Errorf("subscribe: got %.100q", result)
	}
	s.extranonce1, s.size2, s.session = e.Extranonce1, e.Size2, mine.SessionID(r[0])
	return nil
}

// find mines a share of the job that meets least and, unless most is 0, does not meet
// most, in shares of difficulty 1.
func (s *stranger) find(rnd *rand.Rand, least, most float64) (mine.Attempt, bool) {
	s.counter++
	a := mine.Attempt{
		Extranonce1: s.extranonce1, Extranonce2: mine.AppendCounter(nil, s.counter, s.size2),
		NTime: s.job.NTime, Nonce: rnd.Uint32(),
	}
	limit := mine.NewLimit(least)
	for {
		hash, found := s.job.Search(s.algorithm, &a, limit)
		if !found || most == 0 || hash.Difficulty() < most {
			return a, found
		}
		a.Nonce++
	}
}

// junk returns a share that was not mined.
func (s *stranger) junk(rnd *rand.Rand, job *mine.Job) mine.Attempt {
	s.counter++
	return mine.Attempt{
		Extranonce1: s.extranonce1, Extranonce2: mine.AppendCounter(nil, s.counter, s.size2),
		NTime: job.NTime, Nonce: rnd.Uint32(),
	}
}

// submit appends the line that submits an attempt.
func (s *stranger) submit(lines []byte, job *mine.Job, a *mine.Attempt) []byte {
	lines = a.AppendSubmit(lines, s.nextID, s.name, job.ID)
	s.nextID++
	return lines
}

// verdicts reads the answers to the last n submits, in the order of their ids.
func (s *stranger) verdicts(n int) ([]reply, error) {
	first := s.nextID - n
	all := make([]reply, n)
	for got := 0; got < n; {
		r, err := s.next(false)
		if err != nil {
			return nil, err
		}
		if at := r.id - first; at >= 0 && at < n {
			all[at] = r
			got++
		}
	}
	return all, nil
}

// agentLogin is login as an agent.
func (s *stranger) agentLogin(user string) error {
	s.name = user
	const capabilities = `"method":"agent.get_capabilities","params":[["subres"]]}` + "\n"
	if err := s.write(fmt.Appendf(nil, `{"id":1,`+capabilities+
		`{"id":%d,"method":"mining.subscribe","params":[%q]}`+"\n"+
		`{"id":%d,"method":"mining.authorize","params":[%q,""]}`+"\n"+
		`{"id":%d,`+capabilities, mine.IDSubscribe, wire.AgentName, mine.IDAuthorize, user, mine.IDFirstSubmit)); err != nil {
		return err
	}
	for s.job == nil || s.extranonce1 == nil {
		r, err := s.next(true)
		if err != nil {
			return err
		}
		if r.id == mine.IDAuthorize && !r.yes {
			return fmt.Errorf("agent: not authorized: %s", r.text)
		}
	}
	return nil
}

// ofSession returns the extranonce1 in which an agent's session searches.
func (s *stranger) ofSession(session uint16) (extranonce1 []byte) {
	return binary.BigEndian.AppendUint32(bytes.Clone(s.extranonce1[:4]), uint32(session))
}

// agentVerdict reads until the response to the share with that index arrives.
func (s *stranger) agentVerdict(index uint16) (status uint32, err error) {
	for {
		s.conn.SetReadDeadline(time.Now().Add(strangerWaits))
		first, err := s.in.Peek(1)
		if err != nil {
			return 0, gaveUp(err)
		}
		if first[0] != wire.Magic {
			line, err := wire.ReadLine(s.in, wire.MaxLine)
			if err == nil {
				_, err = s.take(line)
			}
			if err != nil {
				return 0, err
			}
			continue
		}
		f, err := wire.ReadFrame(s.in)
		if err != nil {
			return 0, err
		}
		if at, status, ok := f.Response(); ok && f.Command() == wire.FrameResponse && at == index {
			return status, nil
		}
	}
}
