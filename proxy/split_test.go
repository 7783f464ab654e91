package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	benchpool "farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/config"
	"farmproxy/netloop"
	"farmproxy/session"
	"farmproxy/upstream"
)

// halves divides miners evenly between two pools, under easy shares.
func halves(c *config.Config) {
	easyShares(c)
	c.Routes = []config.Route{{Name: "hall", Goals: []config.Goal{
		{Name: "main", Weight: 1, Pools: []string{"pool0"}},
		{Name: "alt", Weight: 1, Pools: []string{"pool1"}},
	}}}
	for i := range c.Listeners {
		c.Listeners[i].Route = "hall"
	}
}

// easyPool is a pool of that name that takes every fourth hash.
func easyPool(t *testing.T, name string, change func(*benchpool.Options)) *benchpool.Pool {
	t.Helper()
	return startPool(t, func(o *benchpool.Options) {
		o.Name, o.Difficulty, o.Seed = name, easy, uint64(len(name))
		if change != nil {
			change(o)
		}
	})
}

// split returns the miners of the proxy's split routes.
func (p *proxy) split(t *testing.T) []netloop.SplitMiner {
	t.Helper()
	list, err := p.server.SplitMiners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// the returns the split miner of a worker.
func (p *proxy) the(t *testing.T, worker string) netloop.SplitMiner {
	t.Helper()
	list, err := p.server.SplitMinersOf(t.Context(), worker)
	if err != nil || len(list) != 1 || list[0].Worker != worker {
		t.Fatalf("%s is %v, %v", worker, list, err)
	}
	return list[0]
}

// goal returns a goal of the route that is split.
func (p *proxy) goal(name string) *upstream.Goal { return p.directory.Routes()[0].Goal(name) }

// other returns the goal of two at which a miner is not.
func (p *proxy) other(m netloop.SplitMiner) *upstream.Goal {
	if m.Goal.Name() == "main" {
		return p.goal("alt")
	}
	return p.goal("main")
}

// move moves a miner, and fails unless that becomes of it.
func (p *proxy) move(t *testing.T, m netloop.SplitMiner, to *upstream.Goal, want netloop.Moved) {
	t.Helper()
	if would := m.Would(to); want != netloop.Gone && want != netloop.NoGoal && want != netloop.NotYet && would != want {
		t.Errorf("%s to %s would be %v, want %v", m.Worker, to.Name(), would, want)
	}
	got, err := p.server.Move(t.Context(), []netloop.Move{{Cookie: m.Cookie, To: to}})
	if err != nil || got[0] != want {
		t.Fatalf("%s to %s: %v, %v; want %v", m.Worker, to.Name(), got, err, want)
	}
}

// moveAll makes moves. A miner that has not read what it was sent is moved when it has.
func (p *proxy) moveAll(t *testing.T, moves []netloop.Move) {
	t.Helper()
	eventually(t, "all are moved", func() bool {
		got, err := p.server.Move(t.Context(), moves)
		if err != nil {
			t.Fatal(err)
		}
		var left []netloop.Move
		for i, is := range got {
			switch is {
			case netloop.Done:
			case netloop.NotYet:
				left = append(left, moves[i])
			default:
				t.Errorf("to %s: %v", moves[i].To.Name(), is)
			}
		}
		moves = left
		return len(left) == 0
	})
}

// poolOf returns which pool a job comes from: its name is in the coinbase.
func poolOf(j rigJob, pools ...*benchpool.Pool) *benchpool.Pool {
	for _, p := range pools {
		if name := []byte(p.Options().Name); bytes.Contains(j.Coinb1, name) || bytes.Contains(j.Coinb2, name) {
			return p
		}
	}
	return nil
}

// A miner is moved twenty times there and back. It gets clean jobs on the same connection;
// what it hands in meanwhile for the job that it had counts at the pool of that job.
func TestAMovedMinersSharesCountWhereTheirJobCameFrom(t *testing.T) {
	t.Parallel()
	a, b := easyPool(t, "east", nil), easyPool(t, "western", nil)
	p, address := startProxy(t, halves, nil, a, b)
	p.bothUp(t)
	var rigs []*rig
	for i := range 4 {
		rigs = append(rigs, startRig(t, address, fmt.Sprint("farm.rig", i), ""))
	}
	want := map[*benchpool.Pool]int{}
	hand := func(r *rig, j rigJob, late bool) {
		t.Helper()
		s := r.find(j, easy, 1e9)
		from := poolOf(j, a, b)
		if !r.hand(s) {
			t.Fatalf("%s: a share for job %s of %s is refused, late: %v", r.worker, j.id, from.Options().Name, late)
		}
		for _, pool := range []*benchpool.Pool{a, b} {
			is, there := pool.Books().Share(proof.Hash(s.hash))
			if there != (pool == from) || there && is.Refused != nil {
				t.Fatalf("a share for a job of %s is on the books of %s: %v, %v", from.Options().Name, pool.Options().Name, there, is.Refused)
			}
		}
		want[from]++
	}
	for range 20 {
		for _, r := range rigs {
			m, j := p.the(t, r.worker), r.jobs[len(r.jobs)-1]
			hand(r, j, false)
			p.move(t, m, p.other(m), netloop.Done)
			hand(r, j, true)
			for poolOf(r.jobs[len(r.jobs)-1], a, b) == poolOf(j, a, b) {
				r.next()
			}
			hand(r, r.jobs[len(r.jobs)-1], false)
		}
	}
	for _, pool := range []*benchpool.Pool{a, b} {
		if total := pool.Books().Total(); total.Accepted != want[pool] || len(total.Refused) > 0 {
			t.Errorf("%s has %d shares on its books, and refused %v; want %d", pool.Options().Name, total.Accepted, total.Refused, want[pool])
		}
	}
	if n := p.opened(); n != uint64(len(rigs)) {
		t.Errorf("%d connections, want %d", n, len(rigs))
	}
	for _, r := range rigs {
		if m := p.the(t, r.worker); m.Moved < 0 || m.Shares == 0 || m.Rate == 0 {
			t.Errorf("what is known of %s: %+v", r.worker, m)
		}
	}
}

// Miners that never pause are moved all at once, there and back: none loses a share, none
// is disconnected, and no header goes to a pool twice.
func TestMovesUnderLoad(t *testing.T) {
	t.Parallel()
	var sent headers
	var pools []*benchpool.Pool
	for _, name := range []string{"east", "western"} {
		pools = append(pools, easyPool(t, name, func(o *benchpool.Options) { sent.watch(o) }))
	}
	p, address := startProxy(t, halves, nil, pools...)
	p.bothUp(t)
	const miners = 8
	over, ended := make(chan struct{}), make(chan int, miners)
	for i := range miners {
		r := startRig(t, address, fmt.Sprint("farm.rig", i), "")
		go func() { ended <- r.mine(over) }()
	}
	for range 20 {
		var moves []netloop.Move
		for _, m := range p.split(t) {
			moves = append(moves, netloop.Move{Cookie: m.Cookie, To: p.other(m)})
		}
		if len(moves) != miners {
			t.Errorf("%d miners, want %d", len(moves), miners)
		}
		p.moveAll(t, moves)
	}
	close(over)
	shares := 0
	for range miners {
		n := <-ended
		if n == 0 {
			t.Error("a miner lost a share")
		}
		shares += n
	}
	sent.want(t, shares)
	if n := p.opened(); n != miners {
		t.Errorf("%d connections, want %d", n, miners)
	}
	work := p.goal("main").Work() + p.goal("alt").Work()
	if want := easy * float64(shares); work < want*.999 || work > want*1.001 {
		t.Errorf("the goals have %v of work, want %v", work, want)
	}
}

// mine hands in shares, a few at a time, until over is closed and at least some hundred are
// in. It returns how many; 0: one was refused.
func (r *rig) mine(over <-chan struct{}) (n int) {
	for {
		var list []rigShare
		for range 5 {
			list = append(list, r.find(r.jobs[len(r.jobs)-1], easy, 1e9))
		}
		if slices.Contains(r.handAll(list), false) {
			return 0
		}
		n += len(list)
		select {
		case <-over:
			if n >= 100 {
				return n
			}
		default:
		}
	}
}

// bothUp waits until miners can work at both goals. Only the test moves them.
func (p *proxy) bothUp(t *testing.T) {
	t.Helper()
	p.splits.freeze(true)
	p.splits.look(t.Context(), time.Now()) // none is under way any more
	eventually(t, "both pools are up", func() bool {
		up := 0
		for _, pool := range p.book.Pools() {
			if pool.Active.Load() {
				up++
			}
		}
		return up == 2
	})
}

// A miner goes only where it can work. What is in the way is known before, and the miner
// works on where it is.
func TestMovesThatAreRefused(t *testing.T) {
	t.Parallel()
	a, b := easyPool(t, "east", nil), easyPool(t, "western", func(o *benchpool.Options) { o.Mask = 0 })
	p, address := startProxy(t, func(c *config.Config) {
		halves(c)
		c.Routes[0].Goals[1].Weight = 0
	}, nil, a, b)
	p.bothUp(t)
	rolls := connect(t, address)
	rolls.work("farm.rolls")
	rigid := startRig(t, address, "farm.rigid", "")
	connectAgent(t, address, "agent")
	for _, q := range []struct {
		worker string
		fits   uint64
		want   netloop.Moved
	}{
		{"farm.rolls", 1, netloop.FewerBits},
		{"farm.rigid", 3, netloop.Done},
		{"agent", 1, netloop.Agent},
	} {
		m := p.the(t, q.worker)
		if m.Fits != q.fits || m.Goal.Name() != "main" || m.Fixed != (q.want == netloop.Agent) {
			t.Errorf("%+v", m)
		}
		p.move(t, m, m.Goal, netloop.Stays)
		p.move(t, m, p.goal("alt"), q.want)
		if got := p.the(t, q.worker); (got.Goal == m.Goal) != (q.want != netloop.Done) {
			t.Errorf("%s is at %s", q.worker, got.Goal.Name())
		}
	}
	m := p.the(t, "farm.rigid")
	rigid.conn.Close()
	eventually(t, "it has left", func() bool { return len(p.split(t)) == 2 })
	p.move(t, m, p.goal("main"), netloop.Gone)
	rolls.wantAlive()
	if n := p.closed(session.ExtranonceChanged); n > 0 {
		t.Error("the agent was closed")
	}
}

// Who comes back to its session comes back to its goal, whatever that should have now.
func TestAResumedMinerIsBackAtItsGoal(t *testing.T) {
	t.Parallel()
	a, b := easyPool(t, "east", nil), easyPool(t, "western", nil)
	p, address := startProxy(t, halves, nil, a, b)
	p.bothUp(t)
	r := startRig(t, address, "farm.rig", "")
	m := p.the(t, "farm.rig")
	p.move(t, m, p.goal("alt"), netloop.Done)
	for range 5 {
		r.hand(r.find(r.jobs[len(r.jobs)-1], easy, 1e9))
	}
	r.conn.Close()
	eventually(t, "it has left", func() bool { return len(p.split(t)) == 0 })
	back := startRig(t, address, "farm.rig", r.session)
	got := p.the(t, "farm.rig")
	if string(back.e1) != string(r.e1) || got.Goal.Name() != "alt" || got.Moved < 0 || got.Shares < 4 {
		t.Errorf("it is back with %x for %x: %+v", back.e1, r.e1, got)
	}
}

// postJSON sends a request to the API, and fails unless it is done.
func postJSON(t *testing.T, url, body string) {
	t.Helper()
	reply, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if text, _ := io.ReadAll(reply.Body); reply.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, text)
	}
}

// Miners keep their goals and links over an upgrade, and nobody gets a job for it. One that
// was moved a moment before still hands in shares for the job that it had.
func TestUpgradeOfASplitRoute(t *testing.T) {
	t.Parallel()
	a := easyPool(t, "east", func(o *benchpool.Options) { o.Listen = free(t) })
	b := easyPool(t, "western", func(o *benchpool.Options) { o.Listen = free(t) })
	own := startOwnAt(t, "stratum+tcp://"+a.Addr(), fmt.Sprintf(`name = "east"
[[pool]]
name = "western"
url  = "stratum+tcp://%s"
user = "farm"
[[route]]
name = "hall"
[[route.goal]]
name  = "main"
pools = ["east"]
[[route.goal]]
name  = "alt"
pools = ["western"]
[difficulty]
start = %g
min   = %g
max   = %g
`, b.Addr(), easy, easy, easy))
	eventually(t, "both pools have a link", func() bool { return a.Opened() == 1 && b.Opened() == 1 })
	var rigs []*rig
	for i := range 4 {
		rigs = append(rigs, startRig(t, own.address, fmt.Sprint("farm.rig", i), ""))
	}
	last := func(r *rig) rigJob { return r.jobs[len(r.jobs)-1] }
	goalOf := func(r *rig) string {
		if poolOf(last(r), a, b) == b {
			return "alt"
		}
		return "main"
	}
	for _, r := range rigs[1:] { // nobody but the test moves anybody
		postJSON(t, "http://"+own.web+"/api/v1/workers/"+r.worker+"/pin", fmt.Sprintf(`{"goal":%q}`, goalOf(r)))
	}
	for range 2 {
		moved := rigs[0]
		goal := "alt"
		if goalOf(moved) == "alt" {
			goal = "main"
		}
		postJSON(t, "http://"+own.web+"/api/v1/workers/"+moved.worker+"/move", fmt.Sprintf(`{"goal":%q}`, goal))
		u, err := own.upgrade()
		if err != nil {
			t.Fatal(err)
		}
		if u.Miners != 4 {
			t.Errorf("the upgrade: %+v", u)
		}
		for _, r := range rigs {
			jobs, s := len(r.jobs), r.find(last(r), easy, 1e9)
			from := poolOf(s.job, a, b)
			if !r.hand(s) {
				t.Errorf("%s: a share for a job of %s is refused", r.worker, from.Options().Name)
			}
			if _, there := from.Books().Share(proof.Hash(s.hash)); !there {
				t.Errorf("%s: a share for a job of %s is not on its books", r.worker, from.Options().Name)
			}
			if r == moved {
				if poolOf(last(r), a, b) == from {
					t.Errorf("%s was moved, and has a job of %s", r.worker, from.Options().Name)
				}
			} else if len(r.jobs) != jobs {
				t.Errorf("%s has a job for the upgrade", r.worker)
			}
		}
	}
	if a.Opened() != 1 || b.Opened() != 1 {
		t.Errorf("the pools have seen %d and %d links", a.Opened(), b.Opened())
	}
}
