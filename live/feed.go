package live

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// Every is how often pages are told what has changed: a pool that is down has to be
	// said within 3 s.
	Every = 2 * time.Second

	// MaxPages bounds how many pages are open: the control room, and everybody's phone.
	MaxPages = 32

	// backlog is how many differences a page may be behind, before it has to begin
	// again: 16 s of a bad line.
	backlog = 8

	// noticeable is the least change of a hash rate that is told, as a fraction: it is an
	// estimate from 30 shares, right to a fifth, and moves by a thirtieth with each.
	noticeable = 1.0 / 16
)

// Worker is a worker as the books have it at a tick.
type Worker struct {
	Name                                           string
	Group, Pool, Account, Listener, Address, Agent string
	HashRate, Usual                                float64 // H/s; 0: unknown
	State                                          State
	Since                                          time.Time // it is in this state, by the wall clock; zero: never seen
	Accepted, Rejected                             uint64
}

// Source is what a Feed asks at each tick: first for the workers, then for the farm.
type Source interface {
	EachWorker(func(*Worker)) // what it passes is valid until the call returns
	Farm() *Farm
}

// Feed keeps what pages were told. Any goroutine may use it.
type Feed struct {
	source Source

	mu     sync.Mutex
	rows   map[string]*row
	next   uint32
	seq    uint64
	looked time.Time // when the source was last asked
	farm   *Farm
	full   []byte // everything as it was then, until the next tick; nil: no page has asked for it
	pages  map[*Page]struct{}
	over   bool
}

// Page is one open page.
type Page struct {
	feed  *Feed
	queue chan []byte
}

// NewFeed returns a feed without pages.
func NewFeed(source Source) *Feed {
	return &Feed{source: source, rows: make(map[string]*row), pages: make(map[*Page]struct{})}
}

// Open opens a page, whose first event is everything; false: there are too many, or the
// feed is closed.
func (f *Feed) Open(now time.Time) (*Page, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over || len(f.pages) >= MaxPages {
		return nil, false
	}
	if len(f.pages) == 0 && (f.looked.IsZero() || now.Sub(f.looked) >= Every) {
		f.look(now) // nobody has looked for a while
	}
	if f.full == nil {
		f.full = f.everything(now)
	}
	p := &Page{f, make(chan []byte, backlog)}
	f.pages[p] = struct{}{}
	p.queue <- f.full
	return p, true
}

// everything returns the first event of a page. Whoever opens and closes pages all the time
// has it made once a tick: for 10,000 workers it takes 30 ms. The caller has mu.
func (f *Feed) everything(now time.Time) []byte {
	all := make([]*row, 0, len(f.rows))
	for _, r := range f.rows {
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y *row) int { return int(x.id) - int(y.id) })
	return f.encode(now, &message{Full: true, New: all})
}

// Events returns the events of the page, each as JSON. It is closed when the page
// is too far behind, or the feed is closed: the page should open again.
func (p *Page) Events() <-chan []byte { return p.queue }

// Close closes the page.
func (p *Page) Close() {
	p.feed.mu.Lock()
	defer p.feed.mu.Unlock()
	p.feed.drop(p)
}

func (f *Feed) drop(p *Page) {
	if _, open := f.pages[p]; open {
		delete(f.pages, p)
		close(p.queue)
	}
}

// Close closes all pages, and opens no more.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	for p := range f.pages {
		f.drop(p)
	}
}

// Run ticks until stop is closed.
func (f *Feed) Run(stop <-chan struct{}) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f.Tick(time.Now())
		case <-stop:
			f.Close()
			return
		}
	}
}

// Tick tells all pages what has changed; without a page it does nothing.
func (f *Feed) Tick(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = nil
	if len(f.pages) == 0 {
		return
	}
	event := f.encode(now, f.look(now))
	for p := range f.pages {
		select {
		case p.queue <- event:
		default:
			f.drop(p)
		}
	}
}

// look asks the source, and returns what differs. The caller has mu.
func (f *Feed) look(now time.Time) *message {
	m := new(message)
	f.looked, f.full = now, nil
	f.seq++
	for _, r := range f.rows {
		r.present = false
	}
	f.source.EachWorker(func(w *Worker) {
		r := f.rows[w.Name]
		is := seldom{w.Group, w.Pool, w.Account, w.Listener, w.Address, w.Agent, w.Usual}
		if r == nil {
			r = &row{id: f.next, name: w.Name, counted: w.Accepted + w.Rejected, refused: w.Rejected}
			f.next++
			f.rows[w.Name] = r
			r.seldom = is
			r.update(w)
			m.New = append(m.New, r)
		} else if changed := r.update(w); r.seldom != is {
			r.seldom = is
			m.New = append(m.New, r)
		} else if changed {
			m.Change = append(m.Change, change{r})
		}
		r.present = true
	})
	for name, r := range f.rows {
		if !r.present {
			delete(f.rows, name)
			m.Gone = append(m.Gone, r.id)
		}
	}
	f.farm = f.source.Farm()
	return m
}

// update notes what often changes, and reports whether that is worth telling.
func (r *row) update(w *Worker) (changed bool) {
	since := int64(0)
	if !w.Since.IsZero() {
		since = w.Since.Unix()
	}
	if w.State != r.state || math.Abs(w.HashRate-r.rate) > noticeable*r.rate || w.HashRate == 0 && r.rate != 0 || abs(since-r.since) > 5 {
		r.rate, r.state, r.since, changed = w.HashRate, w.State, since, true
	}
	return r.reckon(w) || changed
}

// window is over how many shares rejects are reckoned.
const window = 64

// reckon notes how many of a worker's last shares were rejected, once there are enough
// new ones, and reports whether that changed.
func (r *row) reckon(w *Worker) bool {
	n := w.Accepted + w.Rejected
	if n < r.counted || w.Rejected < r.refused { // the books began again
		r.counted, r.refused = n, w.Rejected
	}
	if n-r.counted < window {
		return false
	}
	was := r.reject
	r.reject = uint16(1000 * (w.Rejected - r.refused) / (n - r.counted))
	r.counted, r.refused = n, w.Rejected
	return r.reject != was
}

func abs(n int64) int64 { return max(n, -n) }

// encode returns an event as JSON. The caller has mu.
func (f *Feed) encode(now time.Time, m *message) []byte {
	zone, offset := now.Zone()
	m.Seq, m.Time, m.Zone, m.Offset, m.Farm = f.seq, now.UnixMilli(), zone, offset, f.farm
	b, err := json.Marshal(m)
	if err != nil { // numbers that are not finite
		b = []byte("{}")
	}
	return b
}

// round returns a number with three digits that count: what follows is noise.
func round(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return r
}
