//go:build !race

package netloop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"

	"farmproxy/codec"
	"farmproxy/dial"
	"farmproxy/guard"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

// deaf is a downstream that ignores everything: a benchmark does not need it.
type deaf struct{ upstream.Carrier }

func (deaf) Publish(upstream.Post)       {}
func (deaf) Verdicts([]upstream.Verdict) {}
func (deaf) Rerouted(*upstream.Goal)     {}
func (deaf) Outgrown(*upstream.Lane)     {}
func (deaf) Dismissed(*upstream.Lane)    {}

// newBenchLoop returns a loop without gnet for up to that many miners, on a goal
// whose pool never answers.
func newBenchLoop(b testing.TB, miners int) *loop {
	b.Helper()
	book := stats.New(stats.Options{Loops: 1, CloseReasons: session.Reasons(), MaxWorkers: miners + 1})
	s := &Server{
		book: book, log: slog.New(slog.DiscardHandler), started: time.Now(), guard: guard.New(),
	}
	s.settings.Store(&settings{Settings: Settings{Terms: session.Terms{
		SubscribeTimeout: time.Hour, AuthorizeTimeout: time.Hour,
		Difficulty: session.Policy{Start: 512, Min: 1, SharesPerMinute: 6},
	}}})
	s.traces.Store(new(traces))
	s.parked.byID = make(map[uint64]parkedSession)
	s.directory = upstream.NewDirectory(upstream.DirectoryOptions{
		Settings: upstream.Settings{Dial: func(ctx context.Context, _ dial.Target) (net.Conn, error) {
			<-ctx.Done()
			return nil, errors.New("no pool")
		}},
		Book: book,
	}, deaf{})
	s.directory.Set(upstream.Everybody{{Kind: upstream.Kind{Kept: true}, Goals: upstream.Whole(upstream.Pool{Target: dial.Target{Name: "pool"}, User: "farm"})}})
	s.parked.prefixes = s.directory.Prefixes()
	s.directory.Start(context.Background())
	b.Cleanup(func() { s.directory.Close(context.Background()) })
	l := newLoop(s, 0, nil)
	l.mailbox.wake = func() bool { return true }
	l.clock()
	return l
}

// set changes one of the settings, before anything happens.
func (l *loop) set(change func(*Settings)) {
	next := *l.server.settings.Load()
	change(&next.Settings)
	l.server.settings.Store(&next)
	l.clock()
}

// join takes a miner through its handshake.
func (l *loop) join(b testing.TB, at int) *peer {
	b.Helper()
	c := &socket{address: net.TCPAddr{IP: net.IPv4(10, byte(at>>16), byte(at>>8), byte(at)), Port: 4711}}
	l.add(c, &listener{})
	p := c.context.(*peer)
	lines := fmt.Appendf(nil, `{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}`+"\n"+
		`{"id":2,"method":"mining.subscribe","params":["cgminer/4.12.1"]}`+"\n"+
		`{"id":3,"method":"mining.authorize","params":["farm.rig%07d","x"]}`+"\n", at)
	if l.read(p, lines) != gnet.None || !p.session.IsAuthorized() {
		b.Fatalf("miner %d was not let in", at)
	}
	return p
}

// newBenchJob returns a job of typical size.
func newBenchJob(id uint32) *work.Job {
	layout, _ := work.NewLayout(8, 2)
	n := &work.Template{
		Coinb1: make([]byte, 60), Coinb2: make([]byte, 150), Branches: make([][32]byte, 12),
		Version: 0x20000000, NBits: 0x170371b1, NTime: 0x66a1b2d0,
	}
	extranonce1 := []byte{1, 2, 3, 4}
	j := work.NewJob(*n, extranonce1, layout)
	j.ID, j.Epoch, j.Difficulty, j.Received = id, 1, 1024, time.Now()
	j.Line = codec.NewNotifyLine(id, n, layout.Fold(extranonce1))
	return j
}

// BenchmarkFanOut sends a job to a chunk of miners: the time between two looks at the
// sockets.
func BenchmarkFanOut(b *testing.B) {
	l := newBenchLoop(b, fanoutChunk)
	for i := range fanoutChunk {
		l.join(b, i)
	}
	f := l.slots[0].peer.feed
	l.post(&upstream.Post{Lane: f.lane, Job: newBenchJob(1), Clean: true, Mask: 0x1fffe000, Difficulty: 1024})
	l.fanOutFeed(f)
	before := l.counts.Notifies.Load()
	b.ReportAllocs()
	for b.Loop() {
		f.begin(l.env.Now, false, true)
		l.fanOutFeed(f)
	}
	if sent := l.counts.Notifies.Load() - before; sent != uint64(b.N*fanoutChunk) {
		b.Fatalf("%d notifies to %d miners in %d rounds", sent, fanoutChunk, b.N)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*fanoutChunk), "ns/notify")
}

// BenchmarkVerdict passes the pool's verdict on a share to its miner: from the link's
// goroutine through the mailbox to the socket.
func BenchmarkVerdict(b *testing.B) {
	l := newBenchLoop(b, 1)
	p := l.join(b, 0)
	list := []upstream.Verdict{{Cookie: l.cookie(p), Worker: l.server.book.Worker("farm.rig0000000"), Job: newBenchJob(1), Verdict: work.Accepted, Work: 1024}}
	deliver := func() {
		l.mailbox.verdicts(l.index, list)
		if l.Run(context.Background()) != nil {
			b.Fatal("the loop has ended")
		}
	}
	deliver()
	before := l.counts.BytesOut.Load()
	b.ReportAllocs()
	for b.Loop() {
		deliver()
	}
	if l.counts.BytesOut.Load() == before {
		b.Fatal("the miner was told nothing")
	}
}

// BenchmarkShares takes shares of many miners from their lines to their answers: they
// miss their difficulty, so no pool is needed.
func BenchmarkShares(b *testing.B) {
	const turn = 32 // shares
	g := newGathering(b, turn)
	lines := make([][]byte, turn)
	for i := range lines {
		lines[i] = []byte(g.submit(i))
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if g.loop.read(g.miners[n%turn], lines[n%turn]) != gnet.None {
			b.Fatal("the miner was closed")
		}
		if n%turn == turn-1 {
			g.turn()
		}
	}
	if judged := g.counts.Verdicts[work.LowDifficulty].Load(); judged < uint64(b.N/turn*turn) {
		b.Fatalf("%d of %d shares were judged", judged, b.N)
	}
}

// BenchmarkMailbox puts a batch of verdicts, as several links may do concurrently.
func BenchmarkMailbox(b *testing.B) {
	box, _ := newMailbox()
	const batch = 64 // verdicts until the loop looks
	list := make([]upstream.Verdict, batch)
	put := func() {
		box.verdicts(0, list)
		if n := len(box.collect(atLast).verdicts); n != batch {
			b.Fatalf("%d verdicts, want %d", n, batch)
		}
	}
	put()
	put() // two boxes alternate
	b.ReportAllocs()
	for b.Loop() {
		put()
	}
}

// BenchmarkSessions measures the memory of miners apart from their sockets: peer,
// session, prefix, place on a lane, and each with its own worker's books. The socket's
// stand-in, some 100 bytes, is included.
func BenchmarkSessions(b *testing.B) {
	for _, miners := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("miners=%d", miners), func(b *testing.B) {
			for b.Loop() {
				before := inUse()
				l := newBenchLoop(b, miners)
				for i := range miners {
					l.join(b, i)
				}
				for _, f := range l.feeds {
					l.post(&upstream.Post{Lane: f.lane, Job: newBenchJob(1), Clean: true, Mask: 0x1fffe000, Difficulty: 1024})
					for f.busy {
						l.fanOutFeed(f)
					}
				}
				b.ReportMetric(float64(inUse()-before)/float64(miners), "B/miner")
				if n := int(l.counts.Notifies.Load()); n != miners {
					b.Fatalf("%d of %d miners have a job", n, miners)
				}
				runtime.KeepAlive(l)
			}
		})
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC() // garbage of the first run
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
