package upstream

import (
	"net/netip"
	"testing"
	"time"

	"farmproxy/work"
)

func takeGroup(t *testing.T, f *farm) uint32 {
	t.Helper()
	g, ok := f.directory.Prefixes().TakeGroup(netip.Addr{})
	if !ok {
		t.Fatal("no group is left")
	}
	return g
}

// leaveOwing has the agent of a group submit a share, and leave before its verdict: the lane
// stays for that.
func leaveOwing(f *farm, l *Lane, group uint32) {
	s := share(l.Latest().Job, 1)
	s.Prefix = 4
	l.Submit(s)
	f.after(time.Second)
	l.LeaveGroup()
	f.directory.Prefixes().ReleaseGroup(group)
	f.after(time.Second)
}

// An agent's connection has a lane before it has a miner, and its miners share
// that lane whatever their session ids are.
func TestPrivateGroup(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].Links = 3
		f.start()
		g := takeGroup(t, f)
		l := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.after(time.Second)
		equal(t, "links", f.pools[0].links(), 4)
		job := l.Latest().Job
		equal(t, "layout", job.Layout, work.Layout{Lead: 2, Prefix: 2, Room: 4})
		for v := range uint16(5) {
			equal(t, "lane", f.goal.Join(Member{Prefix: Prefix{Group: g, Value: v, Len: 2}}), l)
		}
		s := share(job, 1)
		s.Prefix = 4
		l.Submit(s)
		f.after(time.Second)
		f.wantFate(1, 1, work.Accepted)
		equal(t, "Take does not use the group", take(t, f, 2).Group, 0)
		equal(t, "another agent has another group", takeGroup(t, f) != g, true)
	})
}

func TestPrivateLaneIsLetGo(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		g := takeGroup(t, f)
		l := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		p := Prefix{Group: g, Value: 1, Len: 2}
		f.goal.Join(Member{Prefix: p})
		l.Leave(p)
		f.after(2 * letGo)
		equal(t, "links while the agent is there", f.pools[0].links(), 2)
		l.LeaveGroup()
		f.after(letGo - 5*time.Second)
		equal(t, "links", f.pools[0].links(), 2)
		f.after(10 * time.Second)
		equal(t, "links a minute later", f.pools[0].links(), 1)
		again := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.after(time.Second)
		equal(t, "links", f.pools[0].links(), 2)
		equal(t, "another lane", again != l, true)
		equal(t, "on demand", f.directory.onDemand.taken(), 1)
	})
}

// A number is another agent's only when no lane, and so no job or share, of the
// last one is left.
func TestReleasedGroup(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		idle := takeGroup(t, f)
		f.directory.Prefixes().ReleaseGroup(idle)
		g := takeGroup(t, f)
		equal(t, "one that nobody joined is free at once", g, idle)

		l := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.after(time.Second)
		f.pools[0].do(func() { f.pools[0].answer = func(submit) string { return "" } })
		leaveOwing(f, l, g)
		equal(t, "links while a share has no verdict", f.pools[0].links(), 2)
		equal(t, "while there is a lane", takeGroup(t, f) != g, true)
		sent := f.pools[0].shares()[0]
		sent.conn.reply(sent.ID, yes)
		f.after(2 * time.Second)
		f.wantFate(1, 1, work.Accepted)
		equal(t, "links", f.pools[0].links(), 1)
		equal(t, "when nothing is left", takeGroup(t, f), g)

		l = f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.after(time.Second)
		l.LeaveGroup()
		f.directory.Prefixes().ReleaseGroup(g)
		f.after(0)
		equal(t, "links of a group without shares, at once", f.pools[0].links(), 1)
		f.directory.Prefixes().ReleaseGroup(g) // once too often
		f.directory.Prefixes().ReleaseGroup(4711)
		f.goal.JoinGroup(takeGroup(t, f), netip.Addr{}, "agent")
		f.after(time.Minute)
		equal(t, "links", f.pools[0].links(), 2)
	})
}

func TestReleasedGroupDoesNotWaitForever(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		g := takeGroup(t, f)
		l := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.after(time.Second)
		f.pools[0].do(func() { f.pools[0].answer = func(submit) string { return "" } })
		l.Submit(share(l.Latest().Job, 1))
		f.directory.Prefixes().ReleaseGroup(g) // and nobody leaves
		f.after(retireTime + 2*time.Second)
		equal(t, "links", f.pools[0].links(), 1)
		f.wantFate(1, 1, work.LinkLost)
		l.LeaveGroup()
	})
}

// An agent wants all 8 bytes: a pool with less is passed over.
func TestPrivateGroupNeedsRoom(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.pools[0].size = 7
		f.open()
		g := takeGroup(t, f)
		equal(t, "fits while nothing is known", f.goal.Fits(Prefix{Group: g, Value: 1, Len: 2}), true)
		l := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.run()
		wantLaneOn(t, l, "b")
		f.wantOn("a")
		f.after(10 * time.Minute)
		wantLaneOn(t, l, "b")
		f.pools[1].do(func() { f.pools[1].size = 7 })
		for _, c := range f.pools[1].every() {
			c.Close()
		}
		f.after(time.Minute)
		wantLaneOn(t, l, "none")
		equal(t, "fits", f.goal.Fits(Prefix{Group: g, Value: 1, Len: 2}), false)
		equal(t, "others fit", f.goal.Fits(Prefix{Len: 2}), true)
	})
}

// Direct pools are for miners: an agent is one, so to say.
func TestPrivateGroupOnADirectGoal(t *testing.T) {
	inDirect(t, func(f *farm, g *Goal) {
		group := takeGroup(t, f)
		l := g.JoinGroup(group, netip.Addr{}, "agent")
		for v := range uint16(3) {
			equal(t, "lane", g.Join(Member{Prefix: Prefix{Group: group, Value: v, Len: 2}}), l)
		}
		equal(t, "it is no single miner's", l.single(), false)
		equal(t, "a miner's is", f.join("bob", 1).single(), true)
	})
}

// An agent's miners go up to an agent pool under their names, and what they
// leave behind does not rest: their session ids are theirs to use again.
func TestPrivateGroupAtAnAgentPool(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		f.start()
		g := takeGroup(t, f)
		l := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.after(time.Second)
		p := Prefix{Group: g, Value: 7, Len: 2}
		f.goal.Join(Member{Prefix: p, Login: "acct.rig7"})
		f.after(time.Millisecond)
		f.find(l, 7, 1)
		l.Leave(p)
		f.after(time.Second)
		f.wantDid(a, "+0007 rig7, 0007 rig7 00000001, -0007")
		equal(t, "resting", len(f.directory.prefixes.held), 0)
	})
}

func TestPrivateGroupsAreBounded(t *testing.T) {
	f := newFarm(t, "a")
	f.open()
	seen := make(map[uint32]bool)
	for range maxPrivate {
		g := takeGroup(t, f)
		if seen[g] || g < maxGroups {
			t.Fatalf("group %d", g)
		}
		seen[g] = true
	}
	_, ok := f.directory.Prefixes().TakeGroup(netip.Addr{})
	equal(t, "one more", ok, false)
	f.directory.Prefixes().ReleaseGroup(maxGroups + 5)
	equal(t, "one that was given back", takeGroup(t, f), maxGroups+5)
}

// Agents of one address keep out themselves.
func TestAgentsOfOneAddressAreBounded(t *testing.T) {
	var p Prefixes
	var groups []uint32
	for range agentsEach {
		g, ok := p.TakeGroup(stranger)
		equal(t, "one of many", ok, true)
		groups = append(groups, g)
	}
	_, ok := p.TakeGroup(stranger)
	equal(t, "one too many", ok, false)
	_, ok = p.TakeGroup(honest)
	equal(t, "of another address", ok, true)
	p.ReleaseGroup(groups[0])
	_, ok = p.TakeGroup(stranger)
	equal(t, "when one has gone", ok, true)
	for _, g := range groups[1:] {
		p.ReleaseGroup(g)
	}
	equal(t, "counted for it", p.private.homes[homeOf(stranger)], 1)
}
