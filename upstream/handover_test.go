package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

// passable is a connection that another process can have: what this one does with it then
// does no harm.
type passable struct {
	net.Conn
	passed atomic.Bool
}

func (p *passable) Close() error {
	if p.passed.Load() {
		return nil
	}
	return p.Conn.Close()
}

// pass returns the connection for the next process. This one's reads end.
func (p *passable) pass() net.Conn {
	p.passed.Store(true)
	p.SetReadDeadline(time.Now())
	synctest.Wait()
	p.SetReadDeadline(time.Time{})
	return &passable{Conn: p.Conn}
}

// passing has the farm dial connections that can be handed over.
func (f *farm) passing() {
	plain := f.o.Dial
	f.o.Dial = func(ctx context.Context, to dial.Target) (net.Conn, error) {
		conn, err := plain(ctx, to)
		if err != nil {
			return nil, err
		}
		return &passable{Conn: conn}, nil
	}
}

// inHandOver runs a test with a directory that can be handed over.
func inHandOver(t *testing.T, pools string, test func(f *farm)) {
	t.Helper()
	inFarm(t, pools, func(f *farm) {
		f.passing()
		test(f)
	})
}

func noRelay(*Relay) bool { return false }

// dead is who listens to a process that has gone.
type dead struct{ nobody }

func (dead) Carry(ctx context.Context, _ net.Conn, _ Carried) error { return errClosed }

// handOver hands the directory over to that of another process, whose table is what set
// makes it.
func (f *farm) handOver(set func()) {
	f.t.Helper()
	old := f.directory
	ahead, err := old.Ahead()
	if err != nil {
		f.t.Fatal(err)
	}
	f.book = stats.New(stats.Options{})
	f.o.Book = f.book
	next := NewDirectory(f.o, f)
	f.directory = next
	set()
	if err := next.Expect(context.Background(), ahead); err != nil {
		f.t.Fatal(err)
	}
	set() // what a store says once more
	patient, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	next.Dialled(patient)
	synctest.Wait()

	old.Freeze()
	image, wires, err := old.State(func(*Relay) bool { return !f.noRelays })
	if err != nil {
		f.t.Fatal(err)
	}
	sockets := make([]net.Conn, len(wires))
	for i, w := range wires {
		if r, is := w.(*Relay); is {
			ours, theirs := net.Pipe()
			sockets[i] = &passable{Conn: theirs}
			go r.Run(f.t.Context(), r.Wire.(*testWire).conn.(*passable).pass(), ours)
			continue
		}
		sockets[i] = w.(*testWire).conn.(*passable).pass()
	}
	joined := uint32(0)
	if f.joined != nil {
		joined = f.joined.id
	}
	if err := next.Restore(image, sockets, func(c Cookie) Cookie { return c }); err != nil {
		f.t.Fatal(err)
	}
	f.joined = next.Inherited(joined)
	if f.waiting != nil {
		f.waiting()
	}
	f.bury(old)
	next.Start(context.Background())
	f.goal = next.goal("")
	synctest.Wait()
}

// bury ends the process before, without a byte to anybody.
func (f *farm) bury(old *Directory) {
	old.down = dead{}
	old.Configure(Settings{Dial: func(context.Context, dial.Target) (net.Conn, error) { return nil, errors.New("it has gone") }})
	old.Thaw()
	old.Close(context.Background())
}

// again is the table that there was.
func (f *farm) again() { f.set() }

// Shares that the pool has not answered yet are answered to the next process, on the same
// connection, and the pool notices nothing.
func TestALinkIsHandedOver(t *testing.T) {
	inHandOver(t, "a b", func(f *farm) {
		f.pools[0].answer = func(submit) string { return "" }
		f.o.Failover.Silence = time.Hour
		f.start()
		f.submit(1, 3)
		calls := f.pools[0].dialled()
		job := f.latest().Job
		f.handOver(f.again)
		f.wantOn("a")
		equal(t, "shares in flight", f.directory.pending.Load(), 3)
		equal(t, "the pool serves", f.goal.list()[0].serves(), true)
		equal(t, "the job's id", f.latest().Job.ID, job.ID)
		c := f.pools[0].lane()
		for _, s := range f.pools[0].shares() {
			c.reply(s.ID, yes)
		}
		f.after(time.Millisecond)
		f.wantFate(1, 3, work.Accepted)
		f.pools[0].do(func() { f.pools[0].answer = func(submit) string { return yes } })
		f.submit(4, 6)
		f.wantFate(4, 6, work.Accepted)
		c.job(false)
		f.after(time.Millisecond)
		equal(t, "a job has a higher id", f.latest().Job.ID > job.ID, true)
		f.submit(7, 7)
		f.wantFate(7, 7, work.Accepted)
		f.wantTold("a-1! a-2")
		equal(t, "dialled", f.pools[0].dialled(), calls)
		equal(t, "submitted", len(f.pools[0].shares()), 7)
		equal(t, "links", len(f.book.Links()), 1)
		f.after(30 * time.Minute)
		f.wantOn("a")
		equal(t, "dialled, probes included", f.pools[0].dialled(), calls)
	})
}

// slowWire has bytes that the kernel has not taken.
type slowWire struct{ aWire }

func (*slowWire) Unsent() ([]byte, bool) { return []byte("half a share\n"), true }

// What the old process could not write goes first, once, and was counted there.
func TestWhatThePoolHasNotReadGoesFirst(t *testing.T) {
	table := kept(at("a", "farm"))
	d := NewDirectory(DirectoryOptions{}, nobody{})
	d.Set(table)
	busyLane(d.goal(""), 0, 1, new(slowWire))
	d.Freeze()
	image, wires, err := d.State(noRelay)
	if err != nil {
		t.Fatal(err)
	}
	d = NewDirectory(DirectoryOptions{}, nobody{})
	d.Set(table)
	if err := d.Restore(image, make([]net.Conn, len(wires)), func(c Cookie) Cookie { return c }); err != nil {
		t.Fatal(err)
	}
	k := d.goal("").inOrder()[0].serving
	equal(t, "first", string(k.protocol.Pending(time.Now(), nil)), "half a share\n")
	equal(t, "then", string(k.protocol.Pending(time.Now(), nil)), "")
	equal(t, "bytes counted", k.book.BytesUp.Load(), 0)
}

// If nothing comes of it, all goes on.
func TestAThawedDirectoryGoesOn(t *testing.T) {
	inHandOver(t, "a b", func(f *farm) {
		f.pools[0].answer = func(submit) string { return "" }
		f.start()
		f.submit(1, 3)
		f.directory.Freeze()
		before, _, err := f.directory.State(noRelay)
		if err != nil {
			t.Fatal(err)
		}
		after, _, _ := f.directory.State(noRelay)
		equal(t, "what State changes", string(after), string(before))
		f.pools[0].lane().Close()
		f.after(time.Minute)
		equal(t, "dialled while it is frozen", f.pools[0].dialled(), 1)
		f.wantOn("a")
		f.directory.Thaw()
		f.pools[0].do(func() { f.pools[0].answer = func(submit) string { return yes } })
		f.after(time.Minute)
		f.wantFate(1, 3, work.Accepted)
		equal(t, "dialled afterwards", f.pools[0].dialled(), 2)
	})
}

// Shares that wait for a link to come back wait in the next process.
func TestAnOrphanedLaneIsHandedOver(t *testing.T) {
	inHandOver(t, "a", func(f *farm) {
		f.start()
		f.lane()
		f.pools[0].do(func() { f.pools[0].refuse = true })
		f.pools[0].lane().Close()
		f.after(time.Millisecond)
		f.submit(1, 5)
		f.handOver(f.again)
		f.wantOn("none")
		f.pools[0].do(func() { f.pools[0].refuse = false })
		f.after(20 * time.Second)
		f.wantFate(1, 5, work.Accepted)
	})
}

// A link that drains has its last verdicts in the next process, and ends there.
func TestALinkThatDrainsIsHandedOver(t *testing.T) {
	inHandOver(t, "a b", func(f *farm) {
		f.pools[0].answer = func(submit) string { return "" }
		f.o.Failover.Silence = time.Minute
		f.start()
		first := f.pools[0].lane()
		f.after(time.Minute - 2*time.Second)
		f.submit(1, 2)
		f.after(3 * time.Second)
		f.wantOn("b")
		f.handOver(f.again)
		f.wantOn("b")
		for _, s := range f.pools[0].shares() {
			first.reply(s.ID, yes)
		}
		f.after(time.Millisecond)
		f.wantFate(1, 2, work.Accepted)
		select {
		case <-first.gone:
			t.Error("it ended early")
		default:
		}
		f.after(drainTime + time.Second)
		<-first.gone
	})
}

// The only miner of a lane may leave before the new process serves. The lane ended at once,
// and its link stayed for ever.
func TestTheMinerOfALinkLeavesDuringTheHandOver(t *testing.T) {
	inHandOver(t, "a", func(f *farm) {
		f.others.Pools[0].Direct = true
		f.pools[0].answer = func(submit) string { return "" }
		f.start()
		l := f.join("anybody", 1)
		f.submitOn(l, l.Latest().Job, 1, 2)
		f.waiting = func() {
			l := f.directory.Inherited(l.id)
			l.Leave(l.key)
		}
		f.handOver(f.again)
		equal(t, "links that wait for a miner who is back", f.pools[0].links(), 1)
		for _, s := range f.pools[0].shares() {
			f.pools[0].last().reply(s.ID, yes)
		}
		f.after(time.Millisecond)
		f.wantFate(1, 2, work.Accepted)
		f.after(letGo + 2*directTicks*tickServing)
		equal(t, "links a minute later", f.pools[0].links(), 0)
		equal(t, "lanes", len(f.goal.lanes), 0)
		equal(t, "shares without a verdict", f.directory.pending.Load(), 0)
	})
}

// A group that was released is free when its last lane has ended, also if that is because the
// next process has no such lane.
func TestAReleasedGroupWhoseLaneIsGone(t *testing.T) {
	inHandOver(t, "a", func(f *farm) {
		f.pools[0].answer = func(submit) string { return "" }
		f.start()
		g := takeGroup(t, f)
		l := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.after(time.Second)
		leaveOwing(f, l, g)
		f.handOver(func() {
			f.others.Pools[0].Links = 2 // lanes are others then
			f.set()
		})
		f.wantFate(1, 1, work.LinkLost)
		equal(t, "the next group", takeGroup(t, f), g)
	})
}

// Where the next process has other pools, a link to one that is not there stays behind.
func TestAPoolIsGoneInTheNextProcess(t *testing.T) {
	for _, q := range []struct {
		what   string
		change func(f *farm)
		on     string
	}{
		{"another pool", func(f *farm) { f.others.Pools = []Pool{at("b", "farm")} }, "b"},
		{"another user", func(f *farm) { f.others.Pools[0].User = "bob" }, "a"},
		{"another password", func(f *farm) { f.others.Pools[0].Password = "y" }, "a"},
		{"more links", func(f *farm) { f.others.Pools[0].Links = 2 }, "a"},
		{"another kind", func(f *farm) { f.others.Kept = false }, "a"},
	} {
		t.Run(q.what, func(t *testing.T) {
			inHandOver(t, "a b", func(f *farm) {
				f.pools[0].answer = func(submit) string { return "" }
				f.start()
				f.submit(1, 2)
				old := f.pools[0].lane()
				f.handOver(func() {
					q.change(f)
					f.set()
				})
				f.lane()
				f.after(time.Second)
				f.wantFate(1, 2, work.LinkLost)
				<-old.gone
				f.wantOn(q.on)
			})
		})
	}
}

// What the directory knows of others than links is what it was: the image of what an image
// became is the same.
func TestAllIsHandedOver(t *testing.T) {
	from := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
	for _, q := range []struct {
		what  string
		pools string
		links int
		do    func(f *farm)
	}{
		{"prefixes", "a", 1, func(f *farm) {
			p := f.directory.Prefixes()
			x, _ := p.Take(2)
			y, _ := p.Take(2)
			p.Take(1)
			l := f.goal.Join(Member{Prefix: x, Login: "x"})
			f.goal.Join(Member{Prefix: y, Login: "y"})
			l.Leave(x)
			p.Release(x, nil)
			z, _ := p.Take(2)
			p.Release(z, nil)
		}},
		{"prefixes that were in quarantine", "a", 1, func(f *farm) {
			x, _ := f.directory.Prefixes().Take(2)
			l := f.goal.Join(Member{Prefix: x, Login: "x"})
			f.goal.Join(Member{Prefix: Prefix{Value: 9, Len: 2}, Login: "y"})
			l.Leave(x)
			f.pools[0].lane().job(true)
			f.after(time.Millisecond)
			equal(f.t, "since", l.Since(x), 2)
		}},
		{"agents' groups", "a", 1, func(f *farm) {
			g := takeGroup(f.t, f)
			f.directory.Prefixes().TakeGroup(from(1))
			f.goal.JoinGroup(g, from(1), "agent")
			f.goal.Join(Member{Prefix: Prefix{Group: g, Value: 7, Len: 2}, Login: "x"})
			h := takeGroup(f.t, f)
			f.directory.Prefixes().ReleaseGroup(h)
			f.after(time.Second)
		}},
		{"further groups", "a", 1, func(f *farm) {
			for range 300 {
				x, _ := f.directory.Prefixes().Take(1)
				f.goal.Join(Member{Prefix: x, Login: "x", Address: from(1)})
			}
			f.after(time.Second)
		}},
		{"accounts", "a b", 1, func(f *farm) {
			f.set("ann b ann", "bob a bob")
			for i, login := range []string{"ann.1", "ann.2", "bob.1"} {
				l := f.joinFrom(from(byte(i)), login, uint16(i))
				if i > 0 {
					l.Earn()
				}
			}
			f.after(time.Second)
		}},
		{"several lanes", "a", 3, func(f *farm) {
			for v := range uint16(5) {
				f.goal.Join(Member{Prefix: Prefix{Value: v, Len: 2}, Login: "x"})
			}
			f.after(time.Second)
		}},
		{"lanes of one miner each, and those that wait for a place", "a", 1, func(f *farm) {
			f.directory.Configure(Settings{Dial: f.o.Dial, OnDemand: 4})
			f.others.Pools = []Pool{f.others.Pools[0]}
			f.others.Pools[0].Direct = true
			f.set()
			f.goal = f.directory.goal("")
			f.after(retireTime + time.Second)
			for v := range uint16(6) {
				f.goal.Join(Member{Prefix: Prefix{Value: v, Len: 2}, Login: "x", Address: from(byte(v % 2)), Record: v == 5})
			}
			f.after(time.Second)
		}},
		{"users", "a", 1, func(f *farm) {
			f.others.Kind = Kind{PerUser: true}
			f.set()
			f.after(retireTime + time.Second)
			f.joinFrom(from(1), "ann.1", 1)
			f.joinFrom(from(1), "bob.1", 2).Earn()
			f.after(time.Second)
		}},
		{"a pool that is down", "a b", 1, func(f *farm) {
			f.pools[0].do(func() { f.pools[0].refuse = true })
			f.pools[0].lane().Close()
			f.after(time.Minute)
			f.wantOn("b")
		}},
		{"a link that moved", "a", 1, func(f *farm) {
			f.pools[0].lane().say(`{"id":null,"method":"client.reconnect","params":["a",99,0]}`)
			f.after(time.Second)
			f.wantOn("a")
		}},
	} {
		t.Run(q.what, func(t *testing.T) {
			inHandOver(t, q.pools, func(f *farm) {
				f.others.Pools[0].Links = q.links
				f.start()
				q.do(f)
				before := f.imaged(f.directory)
				f.imagesAfter(before)
			})
		})
	}
}

// imaged returns the image of a directory, without what only its process has.
func (f *farm) imaged(d *Directory) string {
	f.t.Helper()
	d.Freeze()
	defer d.Thaw()
	x := &imaging{now: time.Now()}
	i := x.directory(d)
	i.Jobs, i.Lanes, i.Epochs = 0, 0, 0
	for g := range i.Goals {
		for l := range i.Goals[g].Lanes {
			for k := range i.Goals[g].Lanes[l].Links {
				i.Goals[g].Lanes[l].Links[k].Wire = 0 // one that is not carried yet has none
			}
		}
	}
	image, err := json.MarshalIndent(i, "", " ")
	if err != nil {
		f.t.Fatal(err)
	}
	return string(image)
}

// imagesAfter hands the directory over, twice, and compares the images.
func (f *farm) imagesAfter(before string) {
	f.t.Helper()
	table := f.directory.table
	for range 2 {
		f.handOver(func() { f.directory.Set(table) })
		after := f.imaged(f.directory)
		if after == before {
			continue
		}
		was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
		for i := range was {
			if i >= len(is) || was[i] != is[i] {
				f.t.Errorf("it was, and is:\n%s\n\n%s", strings.Join(was[max(0, i-5):min(len(was), i+5)], "\n"), strings.Join(is[max(0, i-5):min(len(is), i+5)], "\n"))
				break
			}
		}
	}
}

// An agent pool has its workers registered already, and is told of nothing but changes.
func TestAnAgentPoolsLinkIsHandedOver(t *testing.T) {
	inAgentFarm(t, "a", func(f *farm, a *scripted) {
		f.passing()
		f.start()
		l := f.worker(1, "acct.rig1")
		f.worker(2, "acct.rig2")
		f.find(l, 1, 1)
		f.after(time.Millisecond)
		f.wantDid(a, "+0001 rig1 cgminer, +0002 rig2 cgminer, 0001 rig1 00000001")
		id := l.id
		f.handOver(f.again)
		f.wantDid(a, "")
		equal(t, "the lane is not asked for after the start", f.directory.Inherited(id) == nil, true)
		f.goal.mu.Lock()
		l = f.goal.lanes[Prefix{Len: 2}]
		f.goal.mu.Unlock()
		equal(t, "its id", l.id, id)
		f.find(l, 2, 2)
		f.after(time.Millisecond)
		f.wantDid(a, "0002 rig2 00000002")
		l.Leave(Prefix{Value: 1, Len: 2})
		f.after(time.Millisecond)
		f.wantDid(a, "-0001")
		f.worker(3, "acct.rig3")
		f.wantDid(a, "+0003 rig3 cgminer")
		f.wantFate(1, 2, work.Accepted)
	})
}

// What does not make sense is refused with a sentence, and the running process goes on.
func TestWhatIsNoImage(t *testing.T) {
	for _, q := range []struct{ image, want string }{
		{`x`, "what the running farmproxy has of its links: invalid character 'x' looking for beginning of value"},
		{`{"routes":[{"lanes":[{"key":{"len":2},"recent":[{"job":7}]}]}]}`, `account "": lane 0: job 7 is missing`},
		{`{"routes":[{"lanes":[{"key":{"len":2},"jobs":[{"id":7,"extranonce2_size":1}]}]}]}`, `account "": lane 0: job 7: an extranonce2 of 1 bytes has no room`},
		{`{"routes":[{"lanes":[{"key":{"len":2},"current":1,"epochs":[{"id":1,"extranonce2_size":1}]}]}]}`, `account "": lane 0: epoch 1: an extranonce2 of 1 bytes has no room`},
		{`{"routes":[{"lanes":[{"key":{"len":2},"epochs":[{"id":1,"pool":1,"extranonce2_size":8}]}]}]}`, `account "": lane 0: pool 1 is missing`},
		{`{"routes":[{"lanes":[{"key":{"len":2},"links":[{"pool":-1}]}]}]}`, `account "": lane 0: pool -1 is missing`},
		{`{"routes":[{"lanes":[{"key":{"len":2},"moves":[{"pool":9}]}]}]}`, `account "": lane 0: pool 9 is missing`},
		{`{"routes":[{"lanes":[{"key":{"len":2},"current":1,"epochs":[{"id":1,"extranonce2_size":8,"queue":[{}]}]}]}]}`, `account "": lane 0: a share is for no job`},
		{`{"routes":[{"lanes":[{"key":{"len":2},"current":1,"epochs":[{"id":1,"extranonce2_size":8}],"links":[{"wire":0,"epoch":1,"serves":true,"protocol":{"flight":{"low":9,"high":7}}}]}]}]}`, `account "": lane 0: the shares in flight are not within their window`},
		{`{"routes":[{"lanes":[{"key":{"len":3}}]}]}`, `account "": lane 0: a prefix of 3 bytes`},
		{`{"routes":[{"name":"gone","lanes":[{"key":{"len":2},"jobs":[{"id":7,"extranonce2_size":8}],"epochs":[{"extranonce2_size":8,"queue":[{"job":8}]}]}]}]}`, `account "gone": job 8 is missing`},
		{`{"prefixes":{"back":[{"group":7,"value":7,"len":0}]}}`, "a prefix of 0 bytes"},
		{`{"new":{"in":"a later version"}}`, ""},
	} {
		p := at("a", "farm")
		form := `{"form":{"kept":true,"links":1},"pools":[{"name":"a","url":"stratum+tcp://a:1","user":"farm","password":"x"}],`
		image := strings.ReplaceAll(q.image, `"routes":[{"lanes"`, `"routes":[`+form+`"lanes"`)
		d := NewDirectory(DirectoryOptions{}, nobody{})
		d.Set(kept(p))
		here, _ := net.Pipe()
		err := d.Restore([]byte(image), []net.Conn{here}, func(c Cookie) Cookie { return c })
		got := ""
		if err != nil {
			got = err.Error()
		}
		equal(t, q.image, got, q.want)
	}
}

// A process that can't serve the miners that there are says so before it gets them.
func TestWhatIsNotExpected(t *testing.T) {
	for _, q := range []struct{ ahead, want string }{
		{`x`, "what the running farmproxy said of its links: invalid character 'x' looking for beginning of value"},
		{`{"accounts":["ann"]}`, `account "ann" has miners, and the new process does not know it: check that the store can be reached`},
		{`{"anew":[{"route":"ann"}]}`, ""}, // they are told when they are there
	} {
		err := NewDirectory(DirectoryOptions{}, nobody{}).Expect(t.Context(), []byte(q.ahead))
		got := ""
		if err != nil {
			got = err.Error()
		}
		equal(t, q.ahead, got, q.want)
	}
	inHandOver(t, "a", func(f *farm) {
		f.start()
		f.set("ann a ann", "bob a bob")
		f.join("ann.1", 1)
		ahead, _ := f.directory.Ahead()
		equal(t, "accounts", strings.Contains(string(ahead), `"accounts":["ann"]`), true)
	})
}
