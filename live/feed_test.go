package live

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// books are a Source that a test writes.
type books struct {
	farm    Farm
	workers map[string]*Worker
	asked   int
}

func (b *books) Farm() *Farm { b.asked++; f := b.farm; return &f }

func (b *books) EachWorker(f func(*Worker)) {
	for _, w := range b.workers {
		f(w)
	}
}

func (b *books) worker(name string) *Worker {
	if b.workers[name] == nil {
		b.workers[name] = &Worker{Name: name, HashRate: 100e12, State: Up, Since: noon}
	}
	return b.workers[name]
}

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// got returns a page's next event, without the farm.
func got(t *testing.T, p *Page) string {
	t.Helper()
	select {
	case b, open := <-p.Events():
		if !open {
			return "closed"
		}
		var m struct {
			Full              bool
			New, Change, Gone json.RawMessage
		}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(fmt.Sprintf("%v new%s change%s gone%s", m.Full, m.New, m.Change, m.Gone))
	default:
		return "nothing"
	}
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// A page gets everything, and then what differs.
func TestDifferences(t *testing.T) {
	b := &books{workers: map[string]*Worker{}}
	b.worker("rig1").Pool = "a"
	f := NewFeed(b)
	p, _ := f.Open(noon, "")
	const first = `[0,"rig1","","a","","","","",0,100000000000000,1,0,1795694400]`
	equal(t, "everything", got(t, p), `true new[`+first+`] change gone`)
	f.Tick(noon)
	equal(t, "no change", got(t, p), `false new change gone`)
	b.worker("rig1").HashRate *= 1.01
	f.Tick(noon)
	equal(t, "noise", got(t, p), `false new change gone`)
	b.worker("rig1").HashRate *= 1.1
	b.worker("rig2")
	f.Tick(noon)
	equal(t, "a change and a new one", got(t, p), `false new[[1,"rig2","","","","","","",0,100000000000000,1,0,1795694400]] change[[0,1.11e+14]] gone`)
	b.worker("rig1").Pool = "b"
	b.worker("rig1").State, b.worker("rig1").Since = Down, noon.Add(time.Minute)
	f.Tick(noon)
	equal(t, "another pool", got(t, p), `false new[[0,"rig1","","b","","","","",0,111000000000000,0,0,1795694460]] change gone`)
	delete(b.workers, "rig1")
	f.Tick(noon)
	equal(t, "one has gone", got(t, p), `false new change gone[0]`)
	q, _ := f.Open(noon, "")
	equal(t, "a later page", got(t, q), `true new[[1,"rig2","","","","","","",0,100000000000000,1,0,1795694400]] change gone`)
	f.Close()
	equal(t, "the end", got(t, p), "closed")
	if _, err := f.Open(noon, ""); err == nil {
		t.Error("a page opened after the end")
	}
}

// Rejects are told per mille of the last shares.
func TestRejects(t *testing.T) {
	b := &books{workers: map[string]*Worker{}}
	f := NewFeed(b)
	w := b.worker("rig")
	w.Accepted = 1000
	p, _ := f.Open(noon, "")
	got(t, p)
	w.Accepted, w.Rejected = w.Accepted+40, 10
	f.Tick(noon)
	equal(t, "too few shares", got(t, p), "false new change gone")
	w.Accepted, w.Rejected = w.Accepted+40, 20
	f.Tick(noon)
	equal(t, "enough", got(t, p), "false new change[[0,100000000000000,1,200,1795694400]] gone")
	w.Accepted, w.Rejected = 64, 0
	f.Tick(noon)
	equal(t, "the books began again", got(t, p), "false new change gone")
	w.Accepted = 128
	f.Tick(noon)
	equal(t, "none", got(t, p), "false new change[[0,100000000000000,1,0,1795694400]] gone")
}

// A page that does not read is closed, and keeps nobody waiting; there is a bound.
func TestPagesThatDoNotRead(t *testing.T) {
	b := &books{workers: map[string]*Worker{}}
	f := NewFeed(b)
	slow, _ := f.Open(noon, "")
	good, _ := f.Open(noon, "")
	got(t, good)
	for range backlog {
		f.Tick(noon)
		got(t, good)
	}
	for range backlog {
		if e := got(t, slow); e == "closed" {
			t.Error("it lost what it had")
		}
	}
	equal(t, "one that did not read", got(t, slow), "closed")
	slow.Close() // once more does no harm
	for range MaxPages - 1 {
		if _, err := f.Open(noon, ""); err != nil {
			t.Fatal("there is room")
		}
	}
	if _, err := f.Open(noon, ""); err == nil {
		t.Error("too many pages are open")
	}
	good.Close()
	if _, err := f.Open(noon, ""); err != nil {
		t.Error("a page that has gone has left no room")
	}
}

// One holder has half of the pages at most, and who comes later half of what is left; room
// is there for all again when pages are closed.
func TestNobodyHasAllPages(t *testing.T) {
	f := NewFeed(new(books))
	opened := make(map[string][]*Page)
	open := func(holder string, want int) {
		t.Helper()
		before := len(opened[holder])
		for {
			p, err := f.Open(noon, holder)
			if err != nil {
				if err != ErrYours {
					t.Errorf("%s: %v", holder, err)
				}
				break
			}
			opened[holder] = append(opened[holder], p)
		}
		if n := len(opened[holder]) - before; n != want {
			t.Errorf("%s opened %d pages, want %d", holder, n, want)
		}
	}
	open("view link wall", 16)
	open("anna", 8)
	open("bert", 4)
	open("anna", 0)
	for _, p := range opened["anna"] {
		p.Close()
	}
	delete(opened, "anna")
	open("bert", 4)
	open("view link wall", 0)
	for range 8 { // nobody's in particular
		if _, err := f.Open(noon, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Open(noon, ""); err != ErrMany {
		t.Errorf("one more: %v", err)
	}
	if _, err := f.Open(noon, "anna"); err != ErrMany {
		t.Errorf("one more of anna's: %v", err)
	}
}

// Whoever opens and closes pages all the time has the books asked, and everything written
// down, once a tick.
func TestPagesThatOpenAndClose(t *testing.T) {
	b := &books{workers: map[string]*Worker{}}
	b.worker("rig")
	f := NewFeed(b)
	want := func(what string, asked int, now time.Time) {
		t.Helper()
		var first *byte
		for range 100 {
			p, _ := f.Open(now, "")
			event := <-p.Events()
			if p.Close(); first != nil && first != &event[0] {
				t.Fatalf("%s: everything was written down again", what)
			}
			first = &event[0]
		}
		if b.asked != asked {
			t.Errorf("%s: the books were asked %d times, want %d", what, b.asked, asked)
		}
	}
	want("at first", 1, noon)
	want("before the next tick", 1, noon.Add(Every-1))
	want("when nobody has looked for a while", 2, noon.Add(Every))
	p, _ := f.Open(noon.Add(Every), "")
	defer p.Close()
	f.Tick(noon.Add(2 * Every))
	want("beside another page", 3, noon.Add(2*Every))
}

// When very many rates change, only large changes are told, until there are fewer; then the
// others are. What a worker is said to be is told always.
func TestTooManyChanges(t *testing.T) {
	const workers = 5000
	b := &books{workers: map[string]*Worker{}}
	for i := range workers {
		b.worker(fmt.Sprint("rig", i))
	}
	f := NewFeed(b)
	p, _ := f.Open(noon, "")
	<-p.Events()
	tells := func(what string, want int) {
		t.Helper()
		f.Tick(noon)
		var m message
		if err := json.Unmarshal(<-p.Events(), &m); err != nil {
			t.Fatal(err)
		}
		if len(m.Change) != want {
			t.Errorf("%s: %d changes, want %d", what, len(m.Change), want)
		}
	}
	change := func(by float64) {
		for _, w := range b.workers {
			w.HashRate *= by
		}
	}
	change(1.1)
	tells("all change", workers)
	change(1.1)
	b.worker("rig7").State = Silent
	tells("all change a little once more, and one is silent", 1)
	for range 2 {
		tells("then nothing happens", 0)
	}
	tells("and what was held back is told", workers-1)
	for range 10 {
		change(2.1)
		tells("all rates double, all the time", workers)
	}
	for range 30 { // one minute
		tells("it is over", 0)
	}
	b.worker("rig8").HashRate *= 1.1
	tells("one changes", 1)
}

// Too many changes for a page that was closed hold nothing back from one that opens later.
func TestAPageAfterTooManyChanges(t *testing.T) {
	b := &books{workers: map[string]*Worker{}}
	for i := range 5000 {
		b.worker(fmt.Sprint("rig", i))
	}
	f := NewFeed(b)
	p, _ := f.Open(noon, "")
	for range 5 {
		for _, w := range b.workers {
			w.HashRate *= 2.1
		}
		f.Tick(noon)
	}
	p.Close()
	clear(b.workers)
	b.worker("rig7").HashRate = 6e15 // was 4.1e15
	p, _ = f.Open(noon.Add(time.Hour), "")
	id := f.told["rig7"].id
	equal(t, "everything", got(t, p), fmt.Sprintf(`true new[[%d,"rig7","","","","","","",0,6000000000000000,1,0,1795694400]] change gone`, id))
	b.worker("rig7").HashRate *= 1.1
	f.Tick(noon.Add(time.Hour))
	equal(t, "a change", got(t, p), fmt.Sprintf("false new change[[%d,6.6e+15]] gone", id))
}

// However many pages are open, a tick asks the books once, and writes one event.
func TestTenPagesAreOneLook(t *testing.T) {
	b := &books{workers: map[string]*Worker{}}
	b.worker("rig")
	f := NewFeed(b)
	var pages [10]*Page
	for i := range pages {
		pages[i], _ = f.Open(noon, "")
		<-pages[i].Events()
	}
	asked := b.asked
	f.Tick(noon)
	if b.asked != asked+1 {
		t.Errorf("the books were asked %d times, want once", b.asked-asked)
	}
	first := <-pages[0].Events()
	for _, p := range pages[1:] {
		if event := <-p.Events(); &event[0] != &first[0] {
			t.Fatal("an event was written twice")
		}
	}
}

// BenchmarkTick is a farm of 10,000 with a page open: 2,000 workers' rates change in a
// tick. It reports the bytes of an event.
func BenchmarkTick(b *testing.B) {
	farm := &books{workers: map[string]*Worker{}}
	for i := range 10_000 {
		farm.worker(fmt.Sprintf("account.hall%d-r%02d-%02d", i/1000, i/20%50, i%20))
	}
	f := NewFeed(farm)
	p, _ := f.Open(noon, "")
	full := len(<-p.Events())
	n := 0
	for b.Loop() {
		i := 0
		for _, w := range farm.workers {
			if i++; i%5 == 0 {
				w.HashRate = 200e12 - w.HashRate + 1e12*float64(n%7)
			}
		}
		f.Tick(noon)
		n += len(<-p.Events())
	}
	b.ReportMetric(float64(n)/float64(b.N), "B/event")
	b.ReportMetric(float64(full), "B/full")
}
