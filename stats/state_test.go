package stats

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"farmproxy/internal/golden"
	"farmproxy/work"
)

// reasons are the close reasons of the books below.
var reasons = []string{"eof", "slow"}

// fullBook returns a book with something of everything, and ten minutes of shares.
func fullBook() *Book {
	b := newBook(Options{Version: "1.2.3", Loops: 2, CloseReasons: reasons, Settings: Settings{Predecessor: true, Proxy: "here"}})
	fill(b)
	b.SetLeftOut(func() uint64 { return 17 })
	b.SetShareLog(func() (written, leftOut uint64) { return 1200, 3 })
	rig1, rig2 := b.Worker("farm.rig1"), b.Worker("7469e04c648902e5.rig1")
	gone := b.Worker("7469e04c648902e5.gone")
	gone.Connected(epoch, "192.0.2.1:4713", "bmminer/2.0.0")
	gone.Mining("7469e04c648902e5", "main", "scrypt")
	gone.Share(1, epoch, work.Accepted, 30)
	gone.Disconnected(epoch.Add(time.Minute), 0)
	gone.Connected(epoch.Add(2*time.Minute), "192.0.2.1:4713", "bmminer/2.0.0")
	gone.Disconnected(epoch.Add(8*time.Minute), 0)
	b.Worker(strings.Repeat("long", 100)).Connected(epoch, "192.0.2.1:4714", "")
	here := b.OpenMiner("192.0.2.1:4711", "7469e04c648902e5", "scrypt", "main")
	left := b.OpenMiner("192.0.2.1:4713", "7469e04c648902e5", "scrypt", "main")
	for s := range 600 {
		now := at(float64(s))
		rig1.Share(s%2, now, work.Accepted, 512)
		rig2.Share(1-s%2, now, work.Verdict(s%int(work.NumVerdicts)), 30)
		here.Mined(now, 30)
	}
	here.SetDifficulty(64)
	here.Sent(30)
	here.Accepted(60)
	left.Sent(30)
	left.Close(now.Add(-time.Second))
	b.now = func() time.Time { return now }
	return b
}

var now = at(600)

// takeOver does with the next process's book what those do that take over the miners
// and the links.
func takeOver(b *Book) {
	b.SetReady(nil)
	b.SetMinersMax(19_000)
	b.SetShareLog(func() (written, leftOut uint64) { return 0, 0 })
	b.SetStore(func() (int, error) { return 3, nil })
	b.Pool("main", "stratum+tcp://pool.example:3333", 0).Active.Store(true)
	b.Pool("backup", "stratum+tcp://backup.example:3333", 1).Quiet.Store(true)
	b.OpenLink("main", 0).State.Store(uint32(LinkDraining))
	l := b.OpenLink("main", 0)
	l.State.Store(uint32(LinkUp))
	l.InFlight.Store(1)
	l.Difficulty.Store(1024)
	l.Extranonce2.Store(8)
}

// next returns the next process's book, which got the state.
func next(t *testing.T, loops int, state []byte) *Book {
	t.Helper()
	b := newBook(Options{Version: "1.2.3", Loops: loops, CloseReasons: reasons, Settings: Settings{Predecessor: true, Proxy: "here"}})
	b.now = func() time.Time { return now }
	if err := b.Restore(state); err != nil {
		t.Fatal(err)
	}
	return b
}

// series returns all series but those of the process.
func series(t *testing.T, b *Book) string {
	t.Helper()
	var out bytes.Buffer
	if err := b.WriteMetrics(&out, true); err != nil {
		t.Fatal(err)
	}
	own, _, _ := strings.Cut(out.String(), "# HELP go_")
	return own
}

func wantSeries(t *testing.T, what, got, want string) {
	t.Helper()
	gots, wants := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(gots) != len(wants) {
		t.Errorf("%s: %d lines, want %d", what, len(gots), len(wants))
	}
	for i := range min(len(gots), len(wants)) {
		if gots[i] != wants[i] {
			t.Errorf("%s, line %d:\ngot  %s\nwant %s", what, i+1, gots[i], wants[i])
		}
	}
}

// Whoever scrapes does not notice a hand-over, nor one after another, whatever the
// number of loops.
func TestASeriesGoesOnAfterAHandOver(t *testing.T) {
	b := fullBook()
	b.SetStore(func() (int, error) { return 3, nil })
	b.SetRoutes(func() []Route { return nil }) // not the book's to hand over
	b.workers.all()[0].SetVersionMask(0x1fffe000)
	want, status := series(t, b), b.Status()
	for _, loops := range []int{1, 4, 2} {
		n := next(t, loops, b.State())
		takeOver(n)
		wantSeries(t, fmt.Sprintf("%d loops", loops), series(t, n), want)
		if got := n.Status(); got.Uptime != status.Uptime || got.Shares != status.Shares || got.HashRate != status.HashRate {
			t.Errorf("%d loops: status\ngot  %+v\nwant %+v", loops, got, status)
		}
		for i, old := range b.workers.all() {
			if g, w := n.workers.all()[i].info(now), old.info(now); g != w {
				t.Errorf("%d loops: worker\ngot  %+v\nwant %+v", loops, g, w)
			}
		}
		for i, old := range b.Pools() {
			g, w := n.Pools()[i].Certificate.Load(), old.Certificate.Load()
			if (g == nil) != (w == nil) || g != nil && (!g.Ends.Equal(w.Ends) || g.Signer != w.Signer || g.Pinned != w.Pinned) {
				t.Errorf("%d loops: certificate of pool %s\ngot  %+v\nwant %+v", loops, old.Name, g, w)
			}
		}
		b = n
	}
}

// What the next process has counted before it gets the state is not lost.
func TestAStateIsAddedToWhatWasCounted(t *testing.T) {
	old := newBook(Options{Loops: 1, CloseReasons: reasons})
	fill(old)
	n := newBook(Options{Loops: 1, CloseReasons: reasons})
	fill(n)
	n.Worker("farm.rig1").began = stampOf(epoch.Add(time.Minute))
	if err := n.Restore(old.State()); err != nil {
		t.Fatal(err)
	}
	both := n.totals()
	if once := old.totals(); both.shares[work.Accepted] != 2*once.shares[work.Accepted] || both.work[work.BadTime] != 2*once.work[work.BadTime] ||
		both.opened != 2*once.opened || both.closed[1] != 2*once.closed[1] || both.bytesOut != 2*once.bytesOut {
		t.Errorf("both together %+v, each %+v", both, once)
	}
	if w := n.Worker("farm.rig1").info(epoch); w.Shares[work.Accepted] != 2 || w.Shares[work.Stale] != 2 || w.Work != 1024 || math.Abs(w.HashRate/(1024*work.HashesPerShare/30)-1) > 1e-9 {
		t.Errorf("worker %+v, want each count twice", w)
	}
	if w := n.Worker("farm.rig1"); w.began != stampOf(epoch) {
		t.Errorf("its work began at %v, want the earlier of both", w.began.time())
	}
	if a := n.AccountTotal("7469e04c648902e5"); a.Shares[work.Accepted] != 2 || a.Work != 60 {
		t.Errorf("account %+v, want each count twice", a)
	}
	for _, l := range n.Links() {
		if l.Jobs != 2 && l.Jobs != 20 || l.Latency.Count() != 2 {
			t.Errorf("link %+v, want each count twice", l)
		}
	}
	if p := n.Pool("backup", "stratum+tcp://backup.example:3333", 1); p.Failures.Load() != 6 {
		t.Errorf("%d failures of the backup pool, want 6", p.Failures.Load())
	}
}

// Two processes count the books' time from different origins, and somebody may have set
// the clock between their starts: then buckets begin at other times.
func TestAHandOverToAProcessWithAnotherOrigin(t *testing.T) {
	mine := origin
	defer func() { origin = mine }()
	for _, later := range []time.Duration{0, 3 * bucketLength, -1000 * bucketLength, 3 * time.Millisecond, -3 * time.Millisecond, 7 * time.Second, -14 * time.Second, 1000*time.Hour + 15*time.Second} {
		origin = mine
		old := fullBook()
		state, want, uptime := old.State(), old.Worker("farm.rig1").info(now), old.Status().Uptime
		origin = mine.Add(later)
		n := next(t, 1, state)
		takeOver(n)
		got := n.Worker("farm.rig1").info(now)
		tolerance := 0.0
		if later%bucketLength != 0 {
			tolerance = 0.05 // half a bucket of ten
		}
		if off := math.Abs(got.HashRate/want.HashRate - 1); off > tolerance {
			t.Errorf("%v later: hash rate %v, want %v", later, got.HashRate, want.HashRate)
		}
		got.HashRate = want.HashRate
		if off := got.LastSeen.Sub(want.LastSeen).Abs(); off > time.Second { // the miners are connected anew: in whole seconds of the other origin
			t.Errorf("%v later: last seen %v, want %v", later, got.LastSeen, want.LastSeen)
		}
		got.LastSeen = want.LastSeen
		if got != want {
			t.Errorf("%v later:\ngot  %+v\nwant %+v", later, got, want)
		}
		if got := n.Status().Uptime; got != uptime {
			t.Errorf("%v later: uptime %v, want %v", later, got, uptime)
		}
	}
}

// A worker that was listed and never here is that in the next process too, whose books' time
// begins later.
func TestNeverSeenOverAHandOver(t *testing.T) {
	mine := origin
	defer func() { origin = mine }()
	old := newBook(Options{Loops: 1})
	old.now = func() time.Time { return now }
	old.Remember([]Remembered{{Name: "listed", Expected: true}})
	state := old.State()
	origin = mine.Add(time.Hour)
	n := next(t, 1, state)
	n.Remember([]Remembered{{Name: "listed", Expected: true}}) // as the history does
	infos, _ := n.Workers(WorkerQuery{Limit: 10})
	if len(infos) != 1 || !infos[0].LastSeen.IsZero() || !infos[0].Since.IsZero() {
		t.Errorf("%+v", infos)
	}
}

// Miners that were handed over leave as all others do, and come back as all others do.
func TestRestoredMinersLeave(t *testing.T) {
	n := next(t, 1, fullBook().State())
	takeOver(n)
	w := n.Worker("7469e04c648902e5.rig1")
	if got := w.info(now); got.Miners != 1 || got.Reconnects != 0 || n.AccountTotal("7469e04c648902e5").Miners != 1 {
		t.Errorf("after the hand-over: worker %+v, account %+v", got, n.AccountTotal("7469e04c648902e5"))
	}
	w.Disconnected(now, 0)
	m := n.OpenedMiner("192.0.2.1:4711", "7469e04c648902e5", "scrypt", "main")
	m.Close(now)
	if got := w.info(now); got.Miners != 0 || n.AccountTotal("7469e04c648902e5").Miners != 0 || n.Status().WorkersUp != 2 {
		t.Errorf("after it left: worker %+v, account %+v, %d workers up", got, n.AccountTotal("7469e04c648902e5"), n.Status().WorkersUp)
	}
	if got := predecessor(n, now); !strings.Contains(got, `proxy_worker_up{proxy="here",user="7469e04c648902e5",worker="192.0.2.1:4711"} 0`) {
		t.Errorf("the account proxy's series after it left:\n%s", got)
	}
	if got := predecessor(n, now.Add(linger)); strings.Contains(got, "192.0.2.1:4711") {
		t.Errorf("a minute later its series are still there:\n%s", got)
	}
	w.Connected(now, "", "")
	if got := w.info(now); got.Miners != 1 || got.Reconnects != 1 {
		t.Errorf("after it came back: worker %+v", got)
	}
	if m := n.OpenedMiner("192.0.2.1:4711", "somebody", "scrypt", "main"); m != nil {
		t.Errorf("there are books for a miner that had none: %+v", m)
	}
}

// The state of each version, as it was once recorded, gives the same series for ever.
func TestRecordedStates(t *testing.T) {
	if stateVersion != 1 {
		t.Error("a new version: record its state too, and keep that of the version before")
	}
	const state, metrics = "testdata/state.1.gob", "testdata/state.1.txt"
	var now, shown string
	if golden.Rewriting() {
		now = string(fullBook().State())
		shown = withoutVersion(series(t, next(t, 1, []byte(now))))
	}
	recorded := golden.Want(t, state, now)
	want := golden.Want(t, metrics, shown)
	wantSeries(t, state, withoutVersion(series(t, next(t, 1, []byte(recorded)))), want)
}

// values are gobs, each made of a type of its own: that of another version.
func values(t *testing.T, all ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	each := gob.NewEncoder(&out)
	for _, v := range all {
		if err := each.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestStatesOfOtherVersions(t *testing.T) {
	// The next version has more of everything.
	type worker struct {
		Name, Colour string
		Rejected     map[string]uint32
	}
	type next struct {
		Version int
		Rack    *struct{ Name string }
		Worker  *worker
		Proxy   *struct{ Closed, Shares map[string]uint64 }
		Total   *struct {
			Rack   string
			Shares map[string]uint64
		}
	}
	f := func(want string, state []byte) {
		t.Helper()
		err := newBook(Options{Loops: 1, CloseReasons: reasons}).Restore(state)
		if got := fmt.Sprint(err); got != want && !(want != "<nil>" && strings.HasPrefix(got, want)) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	v := func(n int) stateValue { return stateValue{Version: n} }
	const steps = "the state of the books has version"
	f("<nil>", values(t, v(1)))
	f("<nil>", values(t, v(2)))
	f(steps+" 3, and this farmproxy understands 1 to 2: upgrade in smaller steps", values(t, v(3)))
	f(steps, values(t, v(-1)))
	f(steps+" 0", values(t, stateValue{Worker: &workerState{Name: "rig"}}))
	f("<nil>", values(t, next{Version: 2}, next{Rack: &struct{ Name string }{"R1"}},
		next{Worker: &worker{"rig", "red", map[string]uint32{"amused": 4}}},
		next{Proxy: &struct{ Closed, Shares map[string]uint64 }{map[string]uint64{"bored": 3}, map[string]uint64{"amused": 4}}},
		next{Total: &struct {
			Rack   string
			Shares map[string]uint64
		}{"R1", map[string]uint64{"accepted": 1}}}))

	const damaged = "the state of the books is damaged"
	whole := values(t, v(1), stateValue{Worker: &workerState{Name: "rig"}})
	f(damaged, nil)
	f(damaged, []byte("noise"))
	f(damaged, whole[:len(whole)-1])
	f(damaged, values(t, v(1), struct{ Worker string }{"rig"}))
}

// Buckets that this version does not have are counted in the next higher one.
func TestHistogramWithOtherBounds(t *testing.T) {
	b := newBook(Options{Loops: 1})
	link := linkState{Pool: "main", Latency: latencyState{Buckets: [][2]uint64{{1, 1}, {25, 3}, {99999, 1}, {0, 2}}}}
	if err := b.Restore(values(t, stateValue{Version: 1}, stateValue{Link: &link})); err != nil {
		t.Fatal(err)
	}
	_, links := b.everything()
	l := links[0].info().Latency
	if l.counts[0] != 1 || l.counts[bucketOf(30)] != 3 || l.counts[len(latencyBounds)] != 3 || l.Count() != 7 {
		t.Errorf("counts %v", l.counts)
	}
}

// Numbers that no farmproxy writes do no harm.
func TestAStateOfOddNumbers(t *testing.T) {
	b := newBook(Options{Loops: 1})
	odd := &windowState{NewestMS: math.MinInt64, Work: make([]float32, 99)}
	odd.Work[98] = 1
	if err := b.Restore(values(t, stateValue{Version: 1},
		stateValue{Proxy: &proxyState{UptimeMS: never}},
		stateValue{Link: &linkState{Lane: -1, LastNotify: math.MinInt64, Latency: latencyState{Buckets: [][2]uint64{{math.MaxUint64, 1}}}}},
		stateValue{Total: &totalState{}},
		stateValue{Total: &totalState{Account: "a", BeganMS: math.MaxInt64, Window: odd, Shares: tally[uint64]{"accepted": 1}}},
		stateValue{Worker: &workerState{Name: strings.Repeat("long", 100), Address: "somewhere", SeenMS: math.MaxInt64, Window: odd}},
		stateValue{Miner: &minerState{Window: &windowState{NewestMS: math.MaxInt64, Work: []float32{1}}}},
	)); err != nil {
		t.Fatal(err)
	}
	series(t, b)
	next(t, 1, b.State())
}

// BenchmarkState is the hand-over of 10,000 workers' books.
func BenchmarkState(b *testing.B) {
	old := newBook(Options{Loops: 2})
	for i := range 10_000 {
		w := old.Worker(fmt.Sprintf("farm.rig%05d", i))
		w.Connected(epoch, fmt.Sprintf("10.0.%d.%d:51234", i/250, i%250), "cgminer/4.12.1")
		w.Mining("", "main", "sha256d")
		for s := range 60 {
			w.Share(i%2, at(float64(10*s)), work.Accepted, 65536)
		}
	}
	state := old.State()
	b.Run("take", func(b *testing.B) {
		for b.Loop() {
			state = old.State()
		}
		b.ReportMetric(float64(len(state)), "bytes")
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if err := newBook(Options{Loops: 2}).Restore(state); err != nil {
				b.Fatal(err)
			}
		}
	})
}
