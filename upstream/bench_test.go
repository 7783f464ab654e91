package upstream

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"farmproxy/bench"
	"farmproxy/work"
)

// The same over real sockets, against a pool that checks every share itself.

// mine is a Downstream that mines.
type mine struct {
	t     *testing.T
	route *Route          // the fixed one
	ctx   context.Context // ends when the test takes too long

	posts    chan Post
	verdicts chan Verdict
}

func (m *mine) Publish(p Post)    { m.posts <- p }
func (m *mine) Verdict(v Verdict) { m.verdicts <- v }
func (m *mine) Rerouted(*Route)   {}

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

// find returns a share that meets the job's difficulty; its extranonce2 is n.
func find(c *work.Checker, job *work.Job, n uint16) Share {
	extranonce2 := []byte{byte(n >> 8), byte(n)}
	s := Share{
		Cookie: Cookie(n), Job: job, Prefix: Prefix{Value: 7, Len: 2},
		Extranonce2: MakeExtranonce2(extranonce2), NTime: job.NTime,
		Version: work.RollVersion(job.Version, job.Mask, 0x5a5a5a5a), Work: 1,
	}
	solution := work.Solution{
		Prefix: s.Prefix.Append(nil), Extranonce2: extranonce2, Version: s.Version, NTime: s.NTime,
	}
	for ; ; solution.Nonce++ {
		if hash := c.Hash(job, &solution); work.Difficulty(&hash) >= job.Difficulty {
			s.Nonce = solution.Nonce
			return s
		}
	}
}

// work finds n shares for job in four goroutines, with extranonce2 from first
// on, and calls halfway when half of them are submitted.
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
				if !m.route.Join(Member{Prefix: Prefix{Len: 2}}).Submit(find(&c, job, uint16(first+k))) {
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

func startPool(t *testing.T, change func(*bench.PoolOptions)) (*bench.Pool, Pool) {
	t.Helper()
	o := bench.DefaultPoolOptions()
	change(&o)
	p, err := bench.StartPool(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	host, _, _ := net.SplitHostPort(p.Addr())
	return p, Pool{
		Name: o.Name, URL: "stratum+tcp://" + p.Addr(), Address: p.Addr(), Host: host,
		User: "farm", Password: "x", UserAgent: "farmproxy/test",
	}
}

func TestRealPools(t *testing.T) {
	a, poolA := startPool(t, func(o *bench.PoolOptions) { o.Name = "a"; o.StringIDs = true; o.NotifyIDs = true })
	b, poolB := startPool(t, func(o *bench.PoolOptions) { o.Name = "b"; o.Extranonce2Size = 5; o.Mask = 0x00fff000 })
	m := &mine{t: t, posts: make(chan Post, 1000), verdicts: make(chan Verdict, 1000)}
	var cancel context.CancelFunc
	m.ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	d := NewDirectory(DirectoryOptions{Pools: []Pool{poolA, poolB}, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))}, m)
	m.route = d.fixed
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
