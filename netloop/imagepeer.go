package netloop

import (
	"time"

	"farmproxy/upstream"
)

// peerImage is a connection.
type peerImage struct {
	loop       uint16
	slot       uint32
	generation uint32
	stays      bool // its transport has keys that nobody can hand over: it leaves

	listener  string // Address of the one that it connected to
	remote    address
	opened    bool
	half      []byte // a partial line or frame
	skip      uint32 // bytes still to skip of an agent's oversized frame
	unsent    []byte
	missed    missed
	prefix    upstream.Prefix
	earned    bool
	forwarded bool
	unearned  uint16
	strayed   uint8
	waiting   uint16

	hasGoal   bool
	account   string // or user, of its goal
	lane      uint32 // that it is on; 0: none
	last      uint32 // that it last worked on; 0: none
	login     string
	userAgent string
	booked    bool // it has the account proxy's books

	agent   bool
	session []byte        // of package session
	first   bool          // its first worker has books, under the name that the session has for it
	others  []workerImage // after the first
	miners  []minerImage  // an agent's

	route string // of its goal
	goal  string
	split splitImage
}

// splitImage is what is known of a miner of a split route.
type splitImage struct {
	here         bool
	since, moved time.Duration // ago; moved 0: never
	shares       uint64        // a float64, and so are the next two
	work, weight uint64
	left         uint32 // the lane that it was moved from lately; 0: none
}

func (i *splitImage) layout(x *layout) {
	x.bool(&i.here)
	number(x, &i.since)
	number(x, &i.moved)
	number(x, &i.shares)
	number(x, &i.work)
	number(x, &i.weight)
	number(x, &i.left)
}

// workerImage is a worker of a connection after its first.
type workerImage struct {
	login, agent string
	books        bool
}

// minerImage is one of an agent's miners, or a former one with shares that wait.
type minerImage struct {
	sid     uint16
	waiting uint16
	is      minerWorker
	worker  workerImage
}

// missed is the job that a miner was not sent because it lags.
type missed uint8

const (
	noJob missed = iota
	aJob
	aCleanJob
)

func missedBy(p *peer) missed {
	switch {
	case p.is(missedClean):
		return aCleanJob
	case p.is(missedJob):
		return aJob
	}
	return noJob
}

// marks returns the marks that the peer of the image has.
func (i *peerImage) marks() (m marks) {
	set := func(mark marks, yes bool) {
		if yes {
			m |= mark
		}
	}
	set(checked, i.opened)
	set(earned, i.earned)
	set(forwarded, i.forwarded)
	set(lagging, i.missed != noJob || len(i.unsent) > 0)
	set(missedJob, i.missed != noJob)
	set(missedClean, i.missed == aCleanJob)
	return m
}

// minerWorker says where an agent's miner is booked.
type minerWorker uint8

const (
	noWorker     minerWorker = iota // it has gone
	hasBooks                        // in its worker's books
	mayHaveBooks                    // in those that it may get: see further
)

func (i *peerImage) layout(x *layout) {
	number(x, &i.loop)
	number(x, &i.slot)
	number(x, &i.generation)
	x.bool(&i.stays)
	x.text(&i.listener)
	x.array(i.remote.ip[:])
	number(x, &i.remote.port)
	x.bool(&i.opened)
	x.bytes(&i.half)
	number(x, &i.skip)
	x.bytes(&i.unsent)
	number(x, &i.missed)
	i.layoutPrefix(x)
	x.bool(&i.earned)
	x.bool(&i.forwarded)
	number(x, &i.unearned)
	number(x, &i.strayed)
	number(x, &i.waiting)
	x.bool(&i.hasGoal)
	x.text(&i.account)
	number(x, &i.lane)
	number(x, &i.last)
	x.text(&i.login)
	x.text(&i.userAgent)
	x.bool(&i.booked)
	x.bool(&i.agent)
	x.bytes(&i.session)
	x.bool(&i.first)
	n := x.count(len(i.others))
	if x.reading {
		i.others = make([]workerImage, n)
	}
	for k := range i.others {
		i.others[k].layout(x)
	}
	n = x.count(len(i.miners))
	if x.reading {
		i.miners = make([]minerImage, n)
	}
	for k := range i.miners {
		m := &i.miners[k]
		number(x, &m.sid)
		number(x, &m.waiting)
		number(x, &m.is)
		m.worker.layout(x)
	}
	x.text(&i.route)
	x.text(&i.goal)
	i.split.layout(x)
}

func (i *peerImage) layoutPrefix(x *layout) { layoutPrefix(x, &i.prefix) }

func layoutPrefix(x *layout, p *upstream.Prefix) {
	number(x, &p.Group)
	number(x, &p.Value)
	number(x, &p.Len)
}

func (i *workerImage) layout(x *layout) {
	x.text(&i.login)
	x.text(&i.agent)
	x.bool(&i.books)
}

// peerImage returns the image of one of the loop's connections. Its slices are the
// peer's.
func (l *loop) peerImage(p *peer, now time.Duration) peerImage {
	i := peerImage{
		loop: uint16(l.index), slot: p.slot, generation: l.slots[p.slot].generation, stays: p.transport() != nil,
		listener: p.listener.Address, remote: p.remote, opened: p.is(checked),
		half: p.dialect.partial(p).half(), unsent: p.unsent(), missed: missedBy(p),
		prefix: p.prefix, earned: p.is(earned), forwarded: p.is(forwarded), waiting: p.waiting,
		login: p.login, userAgent: p.agent(), booked: p.books() != nil,
		first: p.first != nil,
	}
	if p.rare != nil {
		i.unearned, i.strayed = p.rare.unearned, p.rare.strayed
	}
	if p.goal != nil {
		i.hasGoal, i.account = true, p.goal.Account()
		i.route, i.goal = p.goal.Route().ID().Route, p.goal.Name()
		i.split = l.splitOf(p).image(l.env.Now)
	}
	if p.feed != nil {
		i.lane = p.feed.lane.ID()
	}
	if p.last != nil {
		i.last = p.last.ID()
	}
	if a, is := p.dialect.(*agentPeer); is {
		a.image(&i, now)
		return i
	}
	for _, f := range p.others() {
		i.others = append(i.others, workerImage{f.login, f.agent, f.books != nil})
	}
	next := -1 // the names are asked for in the order of the workers
	i.session = p.session.Append(nil, now, func(string) string {
		if next++; next == 0 {
			return p.first.Name()
		}
		return i.others[next-1].login
	})
	return i
}

// image adds what an agent has besides.
func (a *agentPeer) image(i *peerImage, now time.Duration) {
	i.agent, i.session = true, a.session.Append(nil, now)
	i.skip = uint32(a.stream.skip)
	for sid, m := range a.miners {
		x := minerImage{sid: sid, waiting: m.waiting}
		switch f := m.worker.further; {
		case f != nil:
			x.is, x.worker = mayHaveBooks, workerImage{f.login, f.agent, f.books != nil}
		case m.worker.books != nil:
			x.is, x.worker = hasBooks, workerImage{m.worker.books.Name(), "", true}
		}
		i.miners = append(i.miners, x)
	}
}
