package session

import (
	"maps"
	"slices"
	"time"

	"farmproxy/codec"
	"farmproxy/codec/agent"
)

// agentVersion is the version of agentState.layout and Agent.Append: raise it with
// each change of them.
const agentVersion = 1

// agentStateSize is the size in bytes of an encoded agentState.
const agentStateSize = 2154

// maxAgentMiners is the number of session ids.
const maxAgentMiners = agent.MaxSID + 1

// agentState is what an Agent knows, except its user and its miners: plain data of
// fixed size like State, with the same kinds of times and job ids, plus the id of its
// lane.
type agentState struct {
	Opened time.Duration // when it connected, as Env.Now

	flags     agentFlags
	subscribe codec.ID      // of the pending mining.subscribe
	waits     time.Duration // since when it has been pending
	malformed uint32        // lines

	extranonce1 [4]byte // as told to the agent
	asked       uint32  // version bits that it wants its miners to roll
	told        uint32  // version bits last granted to it

	base  float64       // difficulty of a newly registered miner, from mining.set_difficulty; 0 before
	jobs  [256]agentJob // by the id under which the agent knows them
	sent  uint64        // number of jobs sent; the low byte is the last one's id
	index uint16        // of the next share, for SUBMIT_RESPONSE
	lane  uint32        // Feed.Lane; 0: no job yet
}

// agentJob is a job as it was sent to the agent.
type agentJob struct {
	job   uint32 // work.Job.ID; 0 none
	ntime uint32 // later than the job's after a keepalive
}

// move shifts the origin of all times back by by.
func (a *agentState) move(by time.Duration) {
	a.Opened += by
	a.waits += by
}

// layout encodes or decodes an agent's state.
func (a *agentState) layout(c *cursor) {
	c.version("state of an agent", agentVersion)
	number(c, &a.Opened)
	number(c, &a.flags)
	c.id(&a.subscribe)
	number(c, &a.waits)
	number(c, &a.malformed)
	c.bytes(a.extranonce1[:])
	number(c, &a.asked)
	number(c, &a.told)
	c.float64(&a.base)
	for i := range a.jobs {
		number(c, &a.jobs[i].job)
		number(c, &a.jobs[i].ntime)
	}
	number(c, &a.sent)
	number(c, &a.index)
	number(c, &a.lane)
}

// id encodes or decodes the id of a request.
func (c *cursor) id(v *codec.ID) {
	var raw [codec.MaxID]byte
	n := uint8(len(v.Append(raw[:0])))
	number(c, &n)
	c.bytes(raw[:])
	c.check(n > 0 && n <= codec.MaxID && !slices.ContainsFunc(raw[n:], func(b byte) bool { return b != 0 }), "an id that is none")
	if !c.reading || c.err != nil {
		return
	}
	id, ok := codec.MakeID(codec.Raw(raw[:n]))
	c.check(ok, "an id that is none")
	*v = id
}

// Append encodes an agent, between two calls of its methods: its state, its user, the
// answers held back, its miners, and the headers of those that have gone. Its times
// count from moment, given like Env.Now.
func (a *Agent) Append(dst []byte, moment time.Duration) []byte {
	c := cursor{data: dst}
	x := a.agentState
	x.move(-moment)
	x.layout(&c)
	c.text(&a.user, codec.MaxName)
	held := string(a.held)
	c.text(&held, maxHeld+maxHeldAnswer)
	c.count(len(a.miners), maxAgentMiners)
	for _, s := range a.miners {
		x := s.State(moment)
		x.layout(&c)
		c.text(&s.name, codec.MaxName)
		s.memory.layout(&c)
	}
	a.gone.layout(&c)
	return c.data
}

// DecodeAgent decodes what Append encoded, and returns the rest of data.
func DecodeAgent(data []byte, t *Translation) (a *Agent, rest []byte, err error) {
	c := cursor{data: data, reading: true}
	a = new(Agent)
	a.layout(&c)
	c.text(&a.user, codec.MaxName)
	var held string
	if c.text(&held, maxHeld+maxHeldAnswer); held != "" {
		a.held = []byte(held)
	}
	n := c.count(0, maxAgentMiners)
	for range n {
		s := new(Session)
		s.state.layout(&c)
		c.text(&s.name, codec.MaxName)
		s.memory.layout(&c)
		_, twice := a.place[s.prefixValue()]
		if c.check(!twice && s.name != "" && s.prefixLen == AgentPrefix && s.left == nil, "a miner of an agent that can't be"); c.err != nil {
			return nil, nil, c.err
		}
		a.add(s)
		a.slots += int(s.headers.size)
	}
	a.gone.layout(&c)
	for _, h := range a.gone.headers {
		a.slots += int(h.size)
	}
	if c.check(a.slots <= maxAgentSlots, "more headers than there can be"); c.err != nil {
		return nil, nil, c.err
	}
	t.agent(a)
	return a, c.data, nil
}

// layout encodes or decodes the headers of miners that have gone.
func (g *gone) layout(c *cursor) {
	number(c, &g.from)
	number(c, &g.swept)
	n := c.count(len(g.headers), maxAgentMiners)
	if !c.reading {
		for _, sid := range slices.Sorted(maps.Keys(g.headers)) {
			h := g.headers[sid]
			number(c, &sid)
			h.layout(c)
		}
		return
	}
	last := -1
	for range n {
		var sid uint16
		var h headers
		number(c, &sid)
		if c.check(int(sid) > last, "session ids out of order"); c.err != nil {
			return
		}
		last = int(sid)
		h.layout(c)
		if g.headers == nil {
			g.headers = make(map[uint16]headers)
		}
		g.headers[sid] = h
	}
}

func (t *Translation) agent(a *Agent) {
	a.move(t.Moment)
	for i := range a.jobs {
		t.job(&a.jobs[i].job)
	}
	t.job(&a.gone.swept)
	for _, s := range a.miners {
		t.state(&s.state)
	}
	if t.Lanes == nil || a.lane == 0 {
		return
	}
	now, ok := t.Lanes[a.lane]
	if a.lane = now.Lane; !ok {
		a.gone, a.slots = gone{}, 0
		for _, s := range a.miners {
			s.headers = headers{}
		}
		return
	}
	a.gone.from += now.Higher
	for id, h := range a.gone.headers {
		h.renumber(now.Higher)
		a.gone.headers[id] = h
	}
	for _, s := range a.miners {
		s.headers.renumber(now.Higher)
	}
}
