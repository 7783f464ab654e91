package live

import (
	"encoding/json"
	"errors"
	"hash/maphash"
	"math"
	"net/netip"
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

	// enough is how many bytes of changes are told at once. After more, only larger changes
	// of rates are told, until there are fewer: ten open pages may take 100 kB/s, also while
	// a farm of 10,000 comes back and all rates are of a few shares.
	enough = 16_000

	// coarsest is the least change that is told then: a rate that has doubled. From there it
	// takes a minute until all is told, so that what was held back does not come at once.
	coarsest = 1.0
	calmer   = 0.9
)

// Worker is a worker as the books have it at a tick.
type Worker struct {
	Name                                  string
	Group, Pool, Account, Listener, Agent string
	Address                               netip.AddrPort // the zero value: unknown
	HashRate, Usual                       float64        // H/s; 0: unknown
	State                                 State
	Since                                 time.Time // it is in this state, by the wall clock; zero: never seen
	Accepted, Rejected                    uint64
}

// address returns "ip:port"; "": unknown.
func (w *Worker) address() string {
	if !w.Address.IsValid() {
		return ""
	}
	return w.Address.String()
}

// Source is what a Feed asks at each tick: first for the workers, then for the farm. When a
// page opens it is asked for the workers once more.
type Source interface {
	EachWorker(func(*Worker)) // what it passes is valid until the call returns
	Farm() *Farm
}

// Feed keeps what pages were told. Any goroutine may use it.
type Feed struct {
	source Source

	mu     sync.Mutex
	told   map[string]*told
	next   uint32
	seq    uint64
	looked time.Time // when the source was last asked
	notice float64   // the least change of a hash rate that is told now
	farm   *Farm
	full   []byte // everything as it was then, until the next tick; nil: no page has asked for it
	pages  map[*Page]struct{}
	over   bool
}

// Page is one open page.
type Page struct {
	feed   *Feed
	holder string
	queue  chan []byte
}

// NewFeed returns a feed without pages.
func NewFeed(source Source) *Feed {
	return &Feed{source: source, notice: noticeable, told: make(map[string]*told), pages: make(map[*Page]struct{})}
}

// Reasons for opening no page.
var (
	ErrMany  = errors.New("too many pages are open; close some")
	ErrYours = errors.New("too many pages are open with this token or view link, and others need room; close some, or use another one")
)

// Open opens a page, whose first event is everything, unless there are too many, or the feed
// is closed. Nobody has more pages than are free for others: one holder has half of them at
// most, two have three quarters. holder "": whoever asks is not told from others.
func (f *Feed) Open(now time.Time, holder string) (*Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch free := MaxPages - len(f.pages); {
	case f.over || free <= 0:
		return nil, ErrMany
	case holder != "" && f.heldBy(holder) >= free:
		return nil, ErrYours
	}
	if len(f.pages) == 0 && (f.looked.IsZero() || now.Sub(f.looked) >= Every) {
		f.notice = noticeable // what was too much for the pages before is over, or is noticed again
		f.look(now, nil)      // nobody has looked for a while
	}
	if f.full == nil {
		f.full = f.everything(now)
	}
	p := &Page{f, holder, make(chan []byte, backlog)}
	f.pages[p] = struct{}{}
	p.queue <- f.full
	return p, nil
}

// heldBy returns how many pages a holder has. The caller has mu.
func (f *Feed) heldBy(holder string) (n int) {
	for p := range f.pages {
		if p.holder == holder {
			n++
		}
	}
	return n
}

// everything returns the first event of a page: all workers as they were at the last look,
// but for what seldom changes, which is asked again so that nobody has to keep it. Whoever
// opens and closes pages all the time has it made once a tick. The caller has mu.
func (f *Feed) everything(now time.Time) []byte {
	all := newList(len(f.told))
	all.text.Write(f.head(now, true))
	all.text.WriteString(`,"new":[`)
	all.next = all.text.Len()
	f.source.EachWorker(func(w *Worker) {
		if t := f.told[w.Name]; t != nil {
			all.addNew(t, w)
		}
	})
	all.text.WriteString("]}")
	return all.text.Bytes()
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
	differ := &difference{fresh: newList(0), changed: newList(0)}
	f.look(now, differ)
	f.heed(differ.changed.text.Len())
	event := differ.event(f.head(now, false))
	for p := range f.pages {
		select {
		case p.queue <- event:
		default:
			f.drop(p)
		}
	}
}

// heed sets which changes are told, by how many bytes of them there were. The caller has mu.
func (f *Feed) heed(told int) {
	switch {
	case told > enough:
		f.notice = min(coarsest, 2*f.notice)
	case told < enough/2:
		f.notice = max(noticeable, calmer*f.notice)
	}
}

// look asks the source, and notes what differs; nil: nobody wants to know. The caller has mu.
func (f *Feed) look(now time.Time, differ *difference) {
	f.looked, f.full = now, nil
	f.seq++
	for _, t := range f.told {
		t.present = false
	}
	f.source.EachWorker(func(w *Worker) {
		t := f.told[w.Name]
		is := digest(w)
		if t == nil {
			t = &told{id: f.next, counted: w.Accepted + w.Rejected, refused: w.Rejected}
			f.next++
			f.told[w.Name] = t
		}
		renewed, changed := t.seldom != is, t.update(w, f.notice)
		t.seldom, t.present = is, true
		switch {
		case differ == nil:
		case renewed:
			differ.fresh.addNew(t, w)
		case changed != same:
			differ.changed.addChange(t, changed)
		}
	})
	for name, t := range f.told {
		if !t.present {
			delete(f.told, name)
			if differ != nil {
				differ.gone = append(differ.gone, t.id)
			}
		}
	}
	f.farm = f.source.Farm()
}

// told is what pages were told of a worker. There is one for each that has ever been seen
// by a page, so it has a digest of what seldom changes: 10,000 take 1 MB with the map.
type told struct {
	seldom  uint64  // never 0
	rate    float64 // H/s
	since   int64   // since when it has been in its state, seconds since 1970; 0: never seen
	counted uint64
	refused uint64
	id      uint32
	reject  uint16 // rejected of the last shares, per mille
	state   State
	present bool // at this tick
}

// seldom is what seldom changes of a worker.
type seldom struct {
	group, pool, account, listener, agent string
	address                               netip.AddrPort
	usual                                 float64
}

// seed makes digests differ between processes, which don't share them.
var seed = maphash.MakeSeed()

func digest(w *Worker) uint64 {
	return maphash.Comparable(seed, seldom{w.Group, w.Pool, w.Account, w.Listener, w.Agent, w.Address, w.Usual}) | 1
}

// news is what is worth telling of a worker.
type news uint8

const (
	same    news = iota
	newRate      // nothing but its hash rate has changed
	changed      // what it is, or how many of its shares are rejected
)

// update notes what often changes, and returns what is worth telling: of rates, a change by
// that fraction.
func (t *told) update(w *Worker, notice float64) news {
	since := int64(0)
	if !w.Since.IsZero() {
		since = w.Since.Unix()
	}
	turned := w.State != t.state || abs(since-t.since) > 5
	rated := math.Abs(w.HashRate-t.rate) > notice*t.rate || w.HashRate == 0 && t.rate != 0
	if turned || rated {
		t.rate, t.state, t.since = w.HashRate, w.State, since
	}
	switch refuses := t.reckon(w); {
	case turned || refuses:
		return changed
	case rated:
		return newRate
	}
	return same
}

// window is over how many shares rejects are reckoned.
const window = 64

// reckon notes how many of a worker's last shares were rejected, once there are enough
// new ones, and reports whether that changed.
func (t *told) reckon(w *Worker) bool {
	n := w.Accepted + w.Rejected
	if n < t.counted || w.Rejected < t.refused { // the books began again
		t.counted, t.refused = n, w.Rejected
	}
	if n-t.counted < window {
		return false
	}
	was := t.reject
	t.reject = uint16(1000 * (w.Rejected - t.refused) / (n - t.counted))
	t.counted, t.refused = n, w.Rejected
	return t.reject != was
}

func abs(n int64) int64 { return max(n, -n) }

// head returns an event as JSON up to its lists, without the end. The caller has mu.
func (f *Feed) head(now time.Time, full bool) []byte {
	zone, offset := now.Zone()
	h := head{f.seq, now.UnixMilli(), zone, offset, full, f.farm}
	b, err := json.Marshal(&h)
	if err != nil { // numbers that are not finite
		h.Farm = new(Farm)
		b, _ = json.Marshal(&h)
	}
	return b[:len(b)-1]
}
