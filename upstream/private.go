package upstream

import (
	"net/netip"
	"time"
)

// maxPrivate bounds the private groups, and with them the agents that can be
// connected: each has a link of its own, which may carry 65,535 miners. The
// largest farm known has some dozens.
const maxPrivate = 1 << 12

// agentsEach is how many of them agents of one address may have: ten times what the
// largest farm has, and too few to keep others out.
const agentsEach = 512

// privateGroups are the groups of 2-byte prefixes that are not shared out:
// whoever has taken one chooses the prefixes in it. An agent does so, since its
// session ids stand where prefixes do, and it knows nothing of other miners.
//
//	TakeGroup ──> g         JoinGroup(g) ──> lane: the agent gets jobs
//	                        Join({g, 7}) ──> the same lane: its session 7 works
//	                        Leave, LeaveGroup
//	ReleaseGroup(g): the lanes of g end, and then g may be another agent's
//
// On each goal a private group has one lane, whatever the pools' Links and
// Direct say; it exists on demand, also on a kept goal. An agent works with
// all 8 bytes of an extranonce2, so that lane leads to pools only that give as
// many. What its miners used needs no quarantine: they are the agent's to tell apart,
// as long as it has the group.
//
// Prefixes.mu guards it.
type privateGroups struct {
	begun uint32   // how many numbers were given out
	free  []uint32 // of them: given back
	taken map[uint32]*privateGroup
	homes map[netip.Prefix]int // how many of them agents of an address have
}

// privateGroup is one of them. Its number is taken until it is released and has
// no lane any more: no job, share or verdict of one agent can reach the next.
type privateGroup struct {
	from     netip.Prefix
	lanes    []*Lane
	released time.Time // zero: it is not
}

// private reports that a prefix is of a private group: their numbers are above
// all others.
func (p Prefix) private() bool { return p.Group >= maxGroups }

// TakeGroup begins a private group, for an agent at an address: its prefixes have 2
// bytes, and Take hands none of them out. Any goroutine. false when there are as many as
// there may be, of that address or in all. Each wants one ReleaseGroup.
func (p *Prefixes) TakeGroup(agent netip.Addr) (group uint32, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, from := &p.private, homeOf(agent)
	switch n := len(g.free); {
	case from.IsValid() && g.homes[from] >= agentsEach:
		return 0, false
	case n > 0:
		group = g.free[n-1]
		g.free = g.free[:n-1]
	case g.begun < maxPrivate:
		group = maxGroups + g.begun
		g.begun++
	default:
		return 0, false
	}
	if g.taken == nil {
		g.taken, g.homes = make(map[uint32]*privateGroup), make(map[netip.Prefix]int)
	}
	g.taken[group] = &privateGroup{from: from}
	g.homes[from]++
	return group, true
}

// ReleaseGroup gives a private group back: nobody joins it any more. Any
// goroutine. Its lanes end as soon as the shares that they have taken have their
// verdicts, after 10 s in any case.
func (p *Prefixes) ReleaseGroup(group uint32) {
	p.mu.Lock()
	g := p.private.taken[group]
	if g == nil {
		p.mu.Unlock()
		return
	}
	g.released = time.Now()
	lanes := append([]*Lane(nil), g.lanes...)
	p.drop(group)
	p.mu.Unlock()
	for _, l := range lanes {
		l.rouse()
	}
}

// opened notes that a private group has a lane more.
func (p *Prefixes) opened(l *Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.private.taken[l.key.Group]; g != nil {
		g.lanes = append(g.lanes, l)
	}
}

// ended notes that a lane of a private group has ended.
func (p *Prefixes) ended(l *Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.private.taken[l.key.Group]
	if g == nil {
		return
	}
	for i, other := range g.lanes {
		if other == l {
			g.lanes = append(g.lanes[:i], g.lanes[i+1:]...)
			break
		}
	}
	p.drop(l.key.Group)
}

// drop frees the number of a group of which nothing is left. The caller has the
// lock.
func (p *Prefixes) drop(group uint32) {
	if g := p.private.taken[group]; !g.released.IsZero() && len(g.lanes) == 0 {
		if p.private.homes[g.from]--; p.private.homes[g.from] == 0 {
			delete(p.private.homes, g.from)
		}
		delete(p.private.taken, group)
		p.private.free = append(p.private.free, group)
	}
}

// released returns when a private group was released; zero: it is not.
func (p *Prefixes) released(group uint32) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.private.taken[group]; g != nil {
		return g.released
	}
	return time.Time{}
}

// JoinGroup makes the owner of a private group, which comes from that address under that
// name, a member of its lane on the goal, which is opened where need be: it gets jobs
// before a miner of the group joins, and holds the lane when none is left. It never
// blocks on I/O. Each JoinGroup wants one Lane.LeaveGroup.
func (g *Goal) JoinGroup(group uint32, from netip.Addr, login string) *Lane {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.enter(Prefix{Group: group, Len: 2}, from, login, "")
}

// LeaveGroup takes back one JoinGroup. Any goroutine.
func (l *Lane) LeaveGroup() { l.leaveGoal() }
