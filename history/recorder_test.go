package history

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// farmer drives a Recorder, minute by minute.
type farmer struct {
	*Recorder
	now     time.Time
	workers map[string]*Seen
	pools   []SeenPool
	books   map[string]*PoolBooks
}

func newFarmer(roster ...Row) *farmer {
	return &farmer{NewRecorder(roster), noon, make(map[string]*Seen), nil, make(map[string]*PoolBooks)}
}

// works has a connected worker do something in the next minute.
func (f *farmer) works(name string, shares uint64) *Seen {
	w := f.workers[name]
	if w == nil {
		w = &Seen{Name: name, Idle: -1, Pool: "a", Group: "hall"}
		f.workers[name] = w
	}
	w.Miners = 1
	w.Accepted += shares
	w.Work += float64(shares) * 8
	if shares > 0 {
		w.Idle = 0
	}
	f.at(w.Pool).Accepted += shares
	f.at(w.Pool).Work += float64(shares) * 8
	return w
}

// refused has a share of a worker rejected.
func (f *farmer) refused(name string) {
	w := f.workers[name]
	w.Rejected++
	f.at(w.Pool).Rejected++
}

// at returns the books of a pool.
func (f *farmer) at(pool string) *PoolBooks {
	if f.books[pool] == nil {
		f.books[pool] = new(PoolBooks)
	}
	return f.books[pool]
}

// seenPools returns the pools of the farmer, with their books.
func (f *farmer) seenPools() []SeenPool {
	list := slices.Clone(f.pools)
	for name, books := range f.books {
		i := slices.IndexFunc(list, func(p SeenPool) bool { return p.Name == name })
		if i < 0 {
			i = len(list)
			list = append(list, SeenPool{Name: name})
		}
		list[i].Books = *books
	}
	return list
}

// minute lets a minute pass, and returns what happened in it, as "worker_up rig".
func (f *farmer) minute() (events string, b *Batch) {
	f.now = f.now.Add(time.Minute)
	b = f.Look(f.now, maps.Values(f.workers), f.seenPools())
	for _, w := range f.workers {
		if w.Idle >= 0 {
			w.Idle += time.Minute
		}
	}
	var list []string
	for _, e := range b.Events {
		list = append(list, strings.TrimSpace(e.Kind+" "+e.Subject+" "+e.Text))
	}
	slices.Sort(list)
	return strings.Join(list, "; "), b
}

func (f *farmer) expect(t *testing.T, want string) *Batch {
	t.Helper()
	got, b := f.minute()
	if got != want {
		t.Errorf("%s: %q, want %q", f.now.Format("15:04"), got, want)
	}
	return b
}

// in returns what a batch has of a series.
func in(b *Batch, k Key) string {
	for _, e := range b.Samples {
		if e.Key == k {
			return fmt.Sprint(e.Sample)
		}
	}
	return "nothing"
}

func wantIn(t *testing.T, b *Batch, k Key, want string) {
	t.Helper()
	if got := in(b, k); got != want {
		t.Errorf("%v: %s, want %s", k, got, want)
	}
}

// Each minute has what the farm, its pools and groups did in it, and each five minutes what
// each worker did.
func TestSums(t *testing.T) {
	f := newFarmer()
	f.works("rig1", 1)
	f.works("rig2", 0)
	f.expect(t, "worker_new rig1; worker_up rig1")
	var b *Batch
	for i := range 3 {
		f.works("rig1", 10)
		f.works("rig2", 5)
		f.refused("rig2")
		b = f.expect(t, []string{"worker_new rig2; worker_up rig2", "", ""}[i])
		wantIn(t, b, farm, "{120 15 1 120 60}")
		wantIn(t, b, Key{Pool, "a"}, "{120 15 1 120 60}")
		wantIn(t, b, Key{Group, "hall"}, "{120 15 1 120 60}")
	}
	wantIn(t, b, Key{Worker, "rig1"}, "{248 31 0 180 180}") // 12:04: the next minute is of another step
	wantIn(t, b, Key{Worker, "rig2"}, "{120 15 3 180 180}")
	f.works("rig1", 10)
	b = f.expect(t, "")
	wantIn(t, b, Key{Worker, "rig1"}, "nothing")
	wantIn(t, f.Flush(), Key{Worker, "rig1"}, "{80 10 0 60 60}")
}

// Counters that are less than before began again.
func TestBooksThatBeginAgain(t *testing.T) {
	f := newFarmer()
	f.works("rig", 100)
	f.expect(t, "worker_new rig; worker_up rig")
	delete(f.workers, "rig")
	f.works("rig", 7)
	wantIn(t, f.expect(t, ""), farm, "{56 7 0 60 60}")
}

// A worker is down when it has no miner in two looks, or no share for long.
func TestUpAndDown(t *testing.T) {
	f := newFarmer()
	f.works("rig", 1)
	f.expect(t, "worker_new rig; worker_up rig")
	f.workers["rig"].Miners = 0
	f.expect(t, "") // it may be reconnecting
	f.expect(t, "worker_down rig not connected")
	f.works("rig", 0)
	f.expect(t, "worker_up rig") // its last share is two minutes old
	f.expect(t, "")
	f.expect(t, "")
	f.expect(t, "worker_down rig connected, but no share was accepted for 5m0s")
	f.works("rig", 1)
	f.expect(t, "worker_up rig")
}

// A worker whose shares are rare by nature is down later.
func TestRareShares(t *testing.T) {
	f := newFarmer()
	f.works("rig", 1)
	f.expect(t, "worker_new rig; worker_up rig")
	for i := range 240 {
		if i%4 == 0 {
			f.works("rig", 1)
		}
		f.expect(t, "")
	}
	for i := range 100 {
		if events, _ := f.minute(); events != "" {
			if i < 60 {
				t.Errorf("after %d minutes: %s", i, events)
			}
			return
		}
	}
	t.Error("it is up for ever")
}

// A name that never had a share accepted is not remembered: anybody can make it up.
func TestInventedNames(t *testing.T) {
	f := newFarmer()
	f.works("made up", 0)
	if b := f.expect(t, ""); len(b.Roster) > 0 {
		t.Errorf("%v", b.Roster)
	}
}

// Workers of the roster that do not come back after a restart are down, and their time
// counts against them.
func TestWhoDoesNotComeBack(t *testing.T) {
	f := newFarmer(Row{Name: "back", Up: true}, Row{Name: "away", Up: true, FirstSeen: noon.Add(-day)}, Row{Name: "listed", Expected: true})
	f.works("back", 1)
	f.expect(t, "")
	b := f.expect(t, "worker_down away not connected")
	if len(b.Roster) != 1 || b.Roster[0].Name != "away" || b.Roster[0].Up || !b.Roster[0].FirstSeen.Equal(noon.Add(-day)) {
		t.Errorf("%+v", b.Roster)
	}
	f.works("listed", 1)
	b = f.expect(t, "worker_up listed")
	if !b.Roster[0].Expected {
		t.Error("it is not expected any more")
	}
	b = f.expect(t, "")
	wantIn(t, b, Key{Worker, "away"}, "{0 0 0 0 180}")
}

// watched returns a pool that is in use, up if there is no trouble.
func watched(name, trouble string) SeenPool {
	return SeenPool{Name: name, Watched: true, Up: trouble == "", Trouble: trouble}
}

func TestPools(t *testing.T) {
	f := newFarmer()
	f.pools = []SeenPool{watched("a", ""), watched("b", "timeout")}
	f.expect(t, "")
	f.pools = []SeenPool{watched("a", "refused"), watched("b", "")}
	b := f.expect(t, "pool_down a refused; pool_up b")
	wantIn(t, b, Key{Pool, "a"}, "{0 0 0 0 60}")
}

// A worker that moves within a minute has worked at both pools, and that is what the pools'
// books say: also of a pool that is no more, and of one that came and went unseen.
func TestWorkIsOfThePoolAtWhichItWasDone(t *testing.T) {
	f := newFarmer()
	f.pools = []SeenPool{watched("a", ""), watched("b", "")}
	f.works("rig", 10)
	f.expect(t, "worker_new rig; worker_up rig")
	f.works("rig", 6)
	f.workers["rig"].Pool = "b" // for some seconds
	f.works("rig", 2)
	f.refused("rig")
	f.workers["rig"].Pool = "passing"
	f.works("rig", 1)
	f.workers["rig"].Pool = "a"
	f.works("rig", 1)
	b := f.expect(t, "")
	wantIn(t, b, farm, "{80 10 1 60 60}")
	wantIn(t, b, Key{Pool, "a"}, "{56 7 0 60 60}")
	wantIn(t, b, Key{Pool, "b"}, "{16 2 1 0 60}")
	wantIn(t, b, Key{Pool, "passing"}, "{8 1 0 0 60}")
	f.pools = f.pools[:1]
	f.at("b").Accepted++ // a verdict that came late
	f.at("b").Work += 8
	b = f.expect(t, "")
	wantIn(t, b, Key{Pool, "a"}, "{0 0 0 60 60}")
	wantIn(t, b, Key{Pool, "b"}, "{8 1 0 0 60}")
	wantIn(t, f.expect(t, ""), Key{Pool, "b"}, "nothing")
}

// A farmproxy of before hands over without the books of pools: what they have is not the
// next minute's work. That goes to the pool at which a worker is, once.
func TestRecorderHandedOverWithoutPools(t *testing.T) {
	f := newFarmer()
	f.works("rig", 10)
	_, b := f.minute()
	state := f.state(f.now)
	state.Books = nil
	next := newFarmer(b.Roster...)
	next.now, next.workers, next.books = f.now, f.workers, f.books
	if err := next.Restore(encoded(t, state), f.now); err != nil {
		t.Fatal(err)
	}
	next.works("rig", 3)
	wantIn(t, next.expect(t, ""), Key{Pool, "a"}, "{24 3 0 60 60}")
	next.works("rig", 4)
	next.workers["rig"].Pool = "b"
	b = next.expect(t, "")
	wantIn(t, b, Key{Pool, "a"}, "{32 4 0 0 60}")
	wantIn(t, b, Key{Pool, "b"}, "{0 0 0 60 60}")
}

func encoded(t *testing.T, s *recorderState) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// After a write that failed, all rows are told again; those of workers that are away, with
// their times only. Else a worker that is away is not told again.
func TestRowsAreToldAgain(t *testing.T) {
	f := newFarmer(Row{Name: "away", FirstSeen: noon.Add(-day), LastSeen: noon.Add(-day)})
	f.works("rig", 1)
	rows := func() string {
		_, b := f.minute()
		var names []string
		for _, r := range b.Roster {
			names = append(names, fmt.Sprintf("%s %v", r.Name, r.OnlyTimes))
		}
		slices.Sort(names)
		return strings.Join(names, ", ")
	}
	for i, want := range []string{"rig false", "", "away true, rig false", ""} {
		if i == 2 {
			f.Redescribe()
		}
		f.works("rig", 1)
		if got := rows(); got != want {
			t.Errorf("look %d: %q, want %q", i, got, want)
		}
	}
}

// Another process goes on where this one was.
func TestRecorderHandedOver(t *testing.T) {
	f := newFarmer()
	f.works("rig", 10)
	f.pools = []SeenPool{watched("a", "")}
	_, b := f.minute()
	f.works("rig", 5)
	f.minute()
	state, err := f.State(f.now.Add(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	next := newFarmer(b.Roster...)
	next.now, next.workers, next.books, next.pools = f.now, f.workers, f.books, []SeenPool{watched("a", "gone")}
	if err := next.Restore(state, f.now.Add(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	next.works("rig", 3)
	next.workers["rig"].Pool = "b"
	b = next.expect(t, "pool_down a gone")
	wantIn(t, b, farm, "{24 3 0 60 60}")
	wantIn(t, b, Key{Pool, "a"}, "{24 3 0 0 60}")
	wantIn(t, next.Flush(), Key{Worker, "rig"}, "{144 18 0 120 120}")
	if err := next.Restore([]byte("what?"), f.now); err == nil {
		t.Error("nonsense was restored")
	}
}

// Wall time may go back: what passed is measured.
func TestWallClockSetBackBetweenLooks(t *testing.T) {
	f := newFarmer()
	f.minute()
	f.now = f.now.Add(-time.Hour)
	_, b := f.minute()
	wantIn(t, b, farm, "{0 0 0 0 0}") // without a monotonic reading nothing is known; with one it is 60 s
}
