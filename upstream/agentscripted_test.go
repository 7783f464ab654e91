package upstream

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"farmproxy/codec/agent"
)

// The agent side of a scripted pool: what btcpool does with frames, the silent
// drops included. What a correct agent never does is written down as a fault.

// agentPort is what is the same on all connections to it. scripted.mu guards it.
type agentPort struct {
	capabilities string // of the answer; "-": agent.get_capabilities is not known
	exponent     func(worker string) uint8
	status       func(s agent.Share) (agent.Status, bool) // false: no answer
	log          []string                                 // what was done, in words
	frames       []string                                 // as they came, in hex
	shares       int
	faults       []string
}

// agentSide is one connection's.
type agentSide struct {
	workers map[uint16]string // registered ones
	told    map[uint16]uint8  // the difficulty that each was told
	subres  bool
	index   uint16            // of the next share
	waiting map[uint16]uint16 // sessions by index: of shares that were not answered
}

func newAgentPort() *agentPort {
	return &agentPort{
		capabilities: `"verrol","subres"`,
		exponent:     func(string) uint8 { return 10 },
		status:       func(agent.Share) (agent.Status, bool) { return agent.Accept, true },
	}
}

// agentAt makes the farm's pool an agent port.
func (f *farm) agentAt(i int) *scripted {
	p := f.pools[i]
	p.agent, p.extranonce1 = newAgentPort(), "aabbcc"
	f.others.Pools[i].Dialect, f.others.Pools[i].UserAgent = Agent, "btccom-agent/test"
	f.others.Pools[i].URL = "agent+tcp://" + p.name + ":1"
	return p
}

// inAgentFarm runs a test with pools of the given names, the first of which is
// an agent port.
func inAgentFarm(t *testing.T, names string, test func(f *farm, a *scripted)) {
	t.Helper()
	inFarm(t, names, func(f *farm) {
		a := f.agentAt(0)
		test(f, a)
		a.do(func() {
			if len(a.agent.faults) > 0 {
				t.Errorf("the pool would not take: %s", strings.Join(a.agent.faults, "; "))
			}
		})
	})
}

func linesAndFrames(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if len(data) > 0 && data[0] == agent.Magic {
		f, n, err := agent.NextFrame(data)
		return n, f, err
	}
	return bufio.ScanLines(data, atEOF)
}

// capabilities answers agent.get_capabilities. Responses are on only when asked
// for after authorize.
func (c *conn) capabilities(r request) {
	p := c.pool
	if p.agent == nil || p.agent.capabilities == "-" {
		c.reply(r.ID, `"result":null,"error":[-3,"Method not found",null]`)
		return
	}
	p.do(func() {
		c.agent.subres = c.authorized && strings.Contains(p.agent.capabilities, "subres")
	})
	c.say(fmt.Sprintf(`{"id":%s,"result":{"capabilities":[%s]}}`, r.ID, p.agent.capabilities))
}

func (c *conn) frame(f agent.Frame) {
	p, side := c.pool, &c.agent
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.agent == nil {
		panic("a frame on a Stratum port")
	}
	a := p.agent
	fault := func(format string, args ...any) { a.faults = append(a.faults, fmt.Sprintf(format, args...)) }
	a.frames = append(a.frames, hex.EncodeToString(f))
	if side.workers == nil {
		side.workers, side.told, side.waiting = make(map[uint16]string), make(map[uint16]uint8), make(map[uint16]uint16)
	}
	switch f.Command() {
	case agent.Register:
		sid, device, worker, ok := f.Register()
		if !ok || len(f) > 100 || sid > agent.MaxSID {
			fault("register %x", []byte(f))
		} else if is, twice := side.workers[sid]; twice {
			fault("session %04x is %s already", sid, is)
		}
		side.workers[sid] = string(worker)
		a.log = append(a.log, strings.TrimSpace(fmt.Sprintf("+%04x %s %s", sid, worker, device)))
	case agent.Unregister:
		sid, ok := f.Unregister()
		if _, there := side.workers[sid]; !ok || !there {
			fault("unregister %x", []byte(f))
		}
		for index, waits := range side.waiting {
			if waits == sid {
				fault("session %04x is gone before the verdict on share %d, which never comes then", sid, index)
			}
		}
		delete(side.workers, sid)
		delete(side.told, sid)
		a.log = append(a.log, fmt.Sprintf("-%04x", sid))
	default:
		s, ok := f.Submit()
		if !ok {
			fault("frame %x", []byte(f))
			return
		}
		worker, there := side.workers[s.SID]
		if !there {
			fault("a share of session %04x, which is not registered", s.SID)
			return
		}
		a.shares++
		a.log = append(a.log, fmt.Sprintf("%04x %s %08x", s.SID, worker, s.Nonce))
		index := side.index
		side.index++
		if !side.subres {
			return
		}
		side.waiting[index] = s.SID
		if status, answer := a.status(s); answer {
			c.tellVerdict(index, status)
		}
	}
}

// respond says what became of a share.
func (c *conn) respond(index uint16, status agent.Status) {
	c.pool.do(func() { c.tellVerdict(index, status) })
}

// tellVerdict is respond. The caller has the pool's mutex.
func (c *conn) tellVerdict(index uint16, status agent.Status) {
	delete(c.agent.waiting, index)
	c.out <- string(agent.AppendSubmitResponse(nil, index, status))
}

// setDifficulties tells workers their difficulty, before a job. The caller has
// the pool's mutex.
func (c *conn) setDifficulties() {
	news := make(map[uint8][]uint16)
	for sid, worker := range c.agent.workers {
		d := c.pool.agent.exponent(worker)
		if told, ok := c.agent.told[sid]; !ok || told != d {
			c.agent.told[sid] = d
			news[d] = append(news[d], sid)
		}
	}
	for d, sids := range news {
		slices.Sort(sids)
		c.out <- string(agent.AppendSetDifficulty(nil, d, sids))
	}
}

// did returns what the pool's agent port has had to do since the last call.
func (p *scripted) did() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	log := strings.Join(p.agent.log, ", ")
	p.agent.log = nil
	return log
}

func (f *farm) wantDid(p *scripted, want string) {
	f.t.Helper()
	equal(f.t, "the pool has", p.did(), want)
}

// worker joins everybody else's goal as a worker, and waits until the pool has it.
func (f *farm) worker(value uint16, login string) *Lane {
	l := f.goal.Join(Member{Prefix: Prefix{Value: value, Len: 2}, Login: login, Agent: "cgminer"})
	f.after(0)
	return l
}

// find submits a share of a miner for the lane's latest job.
func (f *farm) find(l *Lane, value uint16, nonce uint32) {
	f.t.Helper()
	f.findAs("", l, value, nonce)
}

// findAs does so in the name of a worker.
func (f *farm) findAs(login string, l *Lane, value uint16, nonce uint32) {
	f.t.Helper()
	s := share(l.Latest().Job, nonce)
	s.Prefix, s.Version, s.NTime = value, s.Job.Version, s.Job.NTime
	if login != "" {
		s.Worker = f.book.Worker(login)
	}
	if !l.Submit(s) {
		f.t.Errorf("share %d was not taken", nonce)
	}
}
