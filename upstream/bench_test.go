package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	benchpool "farmproxy/bench/pool"
	"farmproxy/dial"
	"farmproxy/work"
)

// The same over real sockets, against a pool that checks every share itself.

// mine is a Downstream that mines.
type mine struct {
	oneLoop
	t    *testing.T
	goal *Goal           // everybody else's
	ctx  context.Context // ends when the test takes too long

	posts    chan Post
	verdicts chan Verdict
}

func (m *mine) Publish(p Post) { m.posts <- p }
func (m *mine) Verdicts(list []Verdict) {
	for _, v := range list {
		m.verdicts <- v
	}
}
func (m *mine) Rerouted(*Goal)  {}
func (m *mine) Outgrown(*Lane)  {}
func (m *mine) Dismissed(*Lane) {}

// next returns the next job that one of the posts carries and ok approves of.
func (m *mine) next(ok func(*work.Job) bool) *work.Job {
	m.t.Helper()
	for {
		select {
		case p := <-m.posts:
			if p.Job != nil && ok(p.Job) {
				return p.Job
			}
		case <-m.ctx.Done():
			m.t.Fatal("no such job")
		}
	}
}

// find returns a share that meets the miner's difficulty; its extranonce2 is n.
func find(c *work.Checker, job *work.Job, prefix, n uint16) Share {
	s := Share{
		Cookie: Cookie(n), Job: job, Work: 1,
		Solution: work.Solution{Prefix: prefix, NTime: job.NTime, Version: work.RollVersion(job.Version, job.Mask, 0x5a5a5a5a)},
	}
	s.SetExtranonce2(byte(n>>8), byte(n))
	for ; ; s.Nonce++ {
		if hash := c.Hash(job, &s.Solution); work.Difficulty(&hash) >= job.DifficultyFor(prefix) {
			return s
		}
	}
}

// work finds n shares for job in four goroutines, with extranonce2 from first on, and
// calls halfway once half of them are submitted.
func (m *mine) work(job *work.Job, first, n int, halfway func()) {
	m.t.Helper()
	var miners sync.WaitGroup
	for i := range 4 {
		miners.Go(func() {
			var c work.Checker
			for k := i; k < n; k += 4 {
				if k == n/2 {
					halfway()
				}
				if !m.goal.Join(Member{Prefix: Prefix{Len: 2}}).Submit(find(&c, job, 7, uint16(first+k))) {
					m.t.Error("a share was not taken")
				}
			}
		})
	}
	miners.Wait()
	for range n {
		select {
		case v := <-m.verdicts:
			if v.Verdict != work.Accepted {
				m.t.Errorf("share %d: %v (%s)", v.Cookie, v.Verdict, v.Text)
			}
		case <-m.ctx.Done():
			m.t.Fatal("verdicts are missing")
		}
	}
}

func startPool(t *testing.T, change func(*benchpool.Options)) (*benchpool.Pool, Pool) {
	t.Helper()
	o := benchpool.DefaultOptions()
	change(&o)
	p, err := benchpool.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	host, _, _ := net.SplitHostPort(p.Addr())
	return p, Pool{
		Target: dial.Target{Name: o.Name, URL: "stratum+tcp://" + p.Addr(), Address: p.Addr(), Host: host},
		User:   "farm", Password: "x", UserAgent: "farmproxy/test",
	}
}

func TestRealPools(t *testing.T) {
	a, poolA := startPool(t, func(o *benchpool.Options) { o.Name = "a"; o.StringIDs = true; o.NotifyIDs = true })
	b, poolB := startPool(t, func(o *benchpool.Options) { o.Name = "b"; o.Extranonce2Size = 5; o.Mask = 0x00fff000 })
	m := &mine{t: t, posts: make(chan Post, 1000), verdicts: make(chan Verdict, 1000)}
	var cancel context.CancelFunc
	m.ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	d := NewDirectory(DirectoryOptions{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))}, m)
	d.Set(kept(poolA, poolB))
	m.goal = d.goal("")
	d.Start(m.ctx)
	defer d.Close(context.Background())

	job := m.next(func(*work.Job) bool { return true })
	m.work(job, 0, 400, a.DropLinks)
	again := m.next(func(j *work.Job) bool { return j.ID > job.ID })
	equal(t, "epoch after the links were dropped", again.Epoch, job.Epoch)
	m.work(again, 400, 100, func() { a.Job(false) })
	equal(t, "accepted by a", a.Books().Total().Accepted, 500)

	a.Stop()
	other := m.next(func(j *work.Job) bool { return j.Epoch != job.Epoch })
	equal(t, "layout at b", other.Layout, work.Layout{Prefix: 2, Room: 3})
	equal(t, "mask at b", other.Mask, 0x00fff000)
	m.work(other, 0, 100, func() { b.Job(false) })
	equal(t, "accepted by b", b.Books().Total().Accepted, 100)
}

// until waits for something that only the pool can report.
func (m *mine) until(done func() bool) {
	m.t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-m.ctx.Done():
			m.t.Fatal("in vain")
		}
	}
}

// An independently written agent pool, modelled on btcpool: every worker under its
// name, every share in its shortest form, nothing dropped.
func TestRealAgentPool(t *testing.T) {
	a, pool := startPool(t, func(o *benchpool.Options) { o.Name = "a" })
	pool.Dialect, pool.UserAgent = Agent, "btccom-agent/2.0.0-mu"
	m := &mine{t: t, posts: make(chan Post, 1000), verdicts: make(chan Verdict, 1000)}
	var cancel context.CancelFunc
	m.ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	d := NewDirectory(DirectoryOptions{}, m)
	d.Set(kept(pool))
	d.Start(m.ctx)
	defer d.Close(context.Background())

	const workers, shares = 5, 20
	var lane *Lane
	for v := range uint16(workers) {
		lane = d.goal("").Join(Member{Prefix: Prefix{Value: v, Len: 2}, Login: fmt.Sprintf("acct.rig%d", v), Agent: "cgminer"})
	}
	first := m.next(func(*work.Job) bool { return true })
	m.until(func() bool { return a.AgentTotal().Workers == workers })
	a.Job(false) // from here on the workers have their jobs
	job := m.next(func(j *work.Job) bool { return j.ID > first.ID })
	var c work.Checker
	for v := range uint16(workers) {
		for i := range uint16(shares) {
			if !lane.Submit(find(&c, job, v, v*shares+i)) {
				t.Error("a share was not taken")
			}
		}
	}
	for range workers * shares {
		select {
		case v := <-m.verdicts:
			equal(t, "verdict", v.Verdict, work.Accepted)
		case <-m.ctx.Done():
			t.Fatal("verdicts are missing")
		}
	}
	for v := range uint16(workers) {
		lane.Leave(Prefix{Value: v, Len: 2})
	}
	m.until(func() bool { return a.AgentTotal().Unregistered == workers })
	for name, tally := range a.Books().Users() {
		equal(t, name, tally.Accepted, shares)
	}
	b := a.AgentTotal()
	equal(t, "names", len(a.Books().Users()), workers)
	equal(t, "registered", b.Registered, workers)
	equal(t, "unregistered", b.Unregistered, workers)
	equal(t, "twice, strangers, longer, dropped", b.Twice+b.Strangers+b.Longer+len(b.Dropped), 0)
}
