package history

import (
	"fmt"
	"hash/maphash"
	"iter"
	"net/netip"
	"time"

	"farmproxy/stats"
)

const (
	// patience is stats.Silence in shares that should have come: 20 are missing by chance
	// once in 5 * 10^8 looks, a year of a farm of 1,000.
	patience = 20

	// absence is how many looks in a row find a worker without a miner before it is
	// down: a miner that reconnects is not.
	absence = 2
)

// Seen is a worker as the books have it now. What is counted only grows; what is less than
// before began again.
type Seen struct {
	Name       string
	Miners     int // connected
	Work       float64
	Accepted   uint64
	Rejected   uint64
	Idle       time.Duration  // since the last accepted share; negative: there was none
	Address    netip.AddrPort // of its last miner; the zero value: unknown
	Agent      string
	Group      string
	Account    string
	Pool       string
	Algorithm  string
	Difficulty float64
}

// SeenPool is a pool as the books have it now. What is counted only grows, as that of Seen.
type SeenPool struct {
	Name    string
	Watched bool // it is in use: Up says how it is; else it only has books
	Up      bool
	Trouble string // why it is not up
	Books   PoolBooks
}

// PoolBooks is what all workers together have done at a pool.
type PoolBooks struct {
	Work               float64
	Accepted, Rejected uint64
}

// Recorder turns what the books say, once a minute, into what is written. It has no clock
// and does no I/O. One goroutine uses it.
type Recorder struct {
	workers map[string]*tracked
	pools   map[string]bool      // which are up
	books   map[string]PoolBooks // at the last look
	blind   bool                 // until the next look, what the books of pools were is not known
	last    time.Time            // the look before; zero: this is the first
	skip    bool                 // the next look counts nothing
	flushed int64                // the step in which workers' samples were last returned
	whole   map[Key]*Sample
}

// tracked is what a Recorder knows of a worker. There is one for each: 10,000 take
// 1.4 MB with the map, so it has no text but the name.
type tracked struct {
	name     string // the books' string: it costs nothing
	work     float64
	accepted uint64
	rejected uint64
	row      uint64 // digest of what its row says besides times; 0: it has to be written
	pending  pending
	rate     float32 // accepted shares a second while it is up; 0: unknown
	gap      uint32  // seconds up since the last of them
	since    uint32  // seconds since 1970, as the other two
	first    uint32
	last     uint32
	missing  uint8 // looks in a row without a miner, at most absence
	up       bool
	expected bool
	here     bool // in this look
}

// pending is what a worker did since its samples were last returned, which is minutes ago.
type pending struct {
	work                            float64
	accepted, rejected, up, seconds uint32
}

func (p *pending) add(s Sample) {
	p.work += s.Work
	p.accepted += uint32(s.Accepted)
	p.rejected += uint32(s.Rejected)
	p.up += uint32(s.Up)
	p.seconds += uint32(s.Seconds)
}

func (p *pending) sample() Sample {
	return Sample{p.work, uint64(p.accepted), uint64(p.rejected), uint64(p.up), uint64(p.seconds)}
}

// written is the digest of a row that is in the file, whatever it says.
const written = 1

// described is what a row says besides times, but for difficulties and ports: those change
// all the time.
type described struct {
	host                                   netip.Addr
	agent, group, account, pool, algorithm string
}

// seed makes digests differ between processes, which don't share them.
var seed = maphash.MakeSeed()

// digest returns what tells one row from another, besides times.
func (w *Seen) digest() uint64 {
	return maphash.Comparable(seed, described{w.Address.Addr(), w.Agent, w.Group, w.Account, w.Pool, w.Algorithm}) | 2 // neither 0 nor written
}

// NewRecorder returns one that knows the workers that are remembered. Those that were up
// when the last farmproxy ended are so until the first looks say otherwise.
func NewRecorder(roster []Row) *Recorder {
	r := &Recorder{workers: make(map[string]*tracked, len(roster)), pools: make(map[string]bool), books: make(map[string]PoolBooks), whole: make(map[Key]*Sample)}
	for i := range roster {
		r.Expect(&roster[i])
	}
	return r
}

// Expect has the recorder watch a worker that is in the roster.
func (r *Recorder) Expect(row *Row) {
	t := r.workers[row.Name]
	if t == nil {
		t = &tracked{name: row.Name, up: row.Up, since: stamp(row.Since), first: stamp(row.FirstSeen), last: stamp(row.LastSeen), row: written}
		r.workers[row.Name] = t
	}
	t.expected = row.Expected
}

// Redescribe has the next batch tell all rows: a write failed.
func (r *Recorder) Redescribe() {
	for _, t := range r.workers {
		t.row = 0
	}
}

// Skip has the next look count nothing of what the books say: it is of a time in which
// nobody looked.
func (r *Recorder) Skip() { r.skip = true }

// stamp returns a wall time as it is kept.
func stamp(t time.Time) uint32 { return uint32(max(0, unix(t))) }

// Forget has the recorder watch a worker no longer, unless it is seen again.
func (r *Recorder) Forget(name string) { delete(r.workers, name) }

// Look takes what the books say now, and returns what is to be written. now has a
// monotonic reading, which alone says how much time has passed.
func (r *Recorder) Look(now time.Time, seen iter.Seq[*Seen], pools []SeenPool) *Batch {
	passed := time.Duration(0)
	if r.last.IsZero() {
		r.flushed = stepAfter(now)
	} else {
		passed = max(0, now.Sub(r.last))
	}
	r.last = now
	defer func() { r.skip, r.blind = false, false }()
	b := &Batch{At: now.Add(-passed / 2).Round(0)}
	clear(r.whole)
	seconds := uint64(passed.Round(time.Second) / time.Second)
	r.total(Key{Kind: Farm}).Seconds = seconds
	for w := range seen {
		r.look(b, w, seconds)
	}
	for _, t := range r.workers {
		if !t.here {
			r.absent(b, t, seconds)
		}
		t.here = false
	}
	r.lookAtPools(b, pools, seconds)
	step := stepAfter(now)
	if step != r.flushed {
		r.flushed = step
		b.Samples = r.flush(len(r.whole))
	}
	for k, s := range r.whole {
		b.Samples = append(b.Samples, Entry{k, *s})
	}
	return b
}

// stepAfter returns the step of workers that the next look, a minute from now, is in.
func stepAfter(now time.Time) int64 {
	return now.Add(time.Minute).Unix() / int64(tiers[workers][0].step/time.Second)
}

// Flush returns all that is pending, for the last write before the end.
func (r *Recorder) Flush() *Batch {
	return &Batch{At: r.last.Round(0), Samples: r.flush(0)}
}

// flush returns what workers did since the last time, with room for so many more. Nobody
// keeps it: for 10,000 workers it is 0.7 MB.
func (r *Recorder) flush(more int) []Entry {
	list := make([]Entry, 0, len(r.workers)+more)
	for _, t := range r.workers {
		if t.pending.seconds > 0 {
			list = append(list, Entry{Key{Worker, t.name}, t.pending.sample()})
			t.pending = pending{}
		}
	}
	return list
}

func (r *Recorder) total(k Key) *Sample {
	s := r.whole[k]
	if s == nil {
		s = new(Sample)
		r.whole[k] = s
	}
	return s
}

// look takes one worker.
func (r *Recorder) look(b *Batch, w *Seen, seconds uint64) {
	t := r.workers[w.Name]
	if t == nil {
		if w.Accepted == 0 {
			return // anybody can make names up
		}
		if len(r.workers) >= maxWorkers {
			return
		}
		t = &tracked{name: w.Name, first: stamp(b.At), since: stamp(b.At)}
		r.workers[w.Name] = t
		b.event("worker_new", w.Name, "")
	}
	t.here = true
	did := t.news(w)
	if r.skip {
		did = Sample{}
	}
	t.missing = min(t.missing+1, absence)
	if w.Miners > 0 {
		t.missing = 0
	}
	row := w.digest()
	changed := row != t.row
	t.row = row
	why := t.down(w)
	if t.set(b, why == "", why) || changed {
		b.Roster = append(b.Roster, t.describe(w))
	}
	t.count(&did, seconds)
	did.Seconds = 0 // those of several workers are the same
	for _, k := range [...]Key{{Kind: Farm}, {Pool, w.Pool}, {Group, w.Group}} {
		if k.Kind != Farm && k.Name == "" {
			continue
		}
		s := r.total(k)
		s.Seconds = seconds
		if k.Kind == Pool && !r.blind {
			s.Up += did.Up // where it worked since the last look, the pools' books say
			continue
		}
		s.Add(did)
	}
}

// absent takes a worker that the books do not have: it was not seen since they began.
func (r *Recorder) absent(b *Batch, t *tracked, seconds uint64) {
	t.work, t.accepted, t.rejected = 0, 0, 0
	t.missing = min(t.missing+1, absence)
	if t.missing >= absence && t.set(b, false, "not connected") || t.row == 0 {
		t.row = written
		b.Roster = append(b.Roster, t.describe(nil))
	}
	t.count(&Sample{}, seconds)
}

// news returns what a worker has done since the last look.
func (t *tracked) news(w *Seen) (s Sample) {
	if w.Accepted < t.accepted || w.Rejected < t.rejected || w.Work < t.work {
		t.work, t.accepted, t.rejected = 0, 0, 0 // the books began again
	}
	s = Sample{Work: w.Work - t.work, Accepted: w.Accepted - t.accepted, Rejected: w.Rejected - t.rejected}
	t.work, t.accepted, t.rejected = w.Work, w.Accepted, w.Rejected
	return s
}

// count adds what a worker did to what is pending, and completes it.
func (t *tracked) count(did *Sample, seconds uint64) {
	did.Seconds = seconds
	if t.up {
		did.Up = seconds
		t.pace(did.Accepted, seconds)
	}
	t.pending.add(*did)
}

// pace learns how often shares come. It does so when some have come: silence must not
// teach it that silence is usual.
func (t *tracked) pace(shares, seconds uint64) {
	t.gap += uint32(seconds)
	if shares == 0 || t.gap == 0 {
		return
	}
	const weight = 1.0 / 16
	rate := float32(shares) / float32(t.gap)
	t.gap = 0
	if t.rate == 0 {
		t.rate = rate
	} else {
		t.rate += (rate - t.rate) * weight
	}
}

// down returns why a worker is down; "": it is up.
func (t *tracked) down(w *Seen) string {
	if t.missing >= absence || t.missing > 0 && !t.up {
		return "not connected"
	}
	limit := stats.Silence
	if t.rate > 0 {
		limit = max(limit, time.Duration(patience/float64(t.rate)*float64(time.Second)))
	}
	switch {
	case w.Idle < 0 && !t.up:
		return "connected, but no share was accepted yet"
	case w.Idle > limit:
		return fmt.Sprintf("connected, but no share was accepted for %s", limit.Round(time.Minute))
	}
	return ""
}

// set notes whether a worker is up, and reports whether that is new.
func (t *tracked) set(b *Batch, up bool, why string) bool {
	if up {
		t.last = stamp(b.At)
	}
	if t.up == up {
		return false
	}
	t.up, t.since = up, stamp(b.At)
	if up {
		b.event("worker_up", t.name, "")
	} else {
		b.event("worker_down", t.name, why)
	}
	return true
}

// describe returns a worker's row; w is nil if the books don't have it: then the row has
// only times.
func (t *tracked) describe(w *Seen) Row {
	r := Row{Name: t.name, Expected: t.expected, Up: t.up, Since: fromStamp(t.since), FirstSeen: fromStamp(t.first), LastSeen: fromStamp(t.last), OnlyTimes: w == nil}
	if w != nil {
		r.Address, r.Agent, r.Group, r.Account, r.Pool, r.Algorithm, r.Difficulty = stats.AddressText(w.Address), w.Agent, w.Group, w.Account, w.Pool, w.Algorithm, w.Difficulty
	}
	return r
}

func fromStamp(s uint32) time.Time { return fromUnix(int64(s)) }

func (r *Recorder) lookAtPools(b *Batch, pools []SeenPool, seconds uint64) {
	for i := range pools {
		p := &pools[i]
		if did := r.poolNews(p); p.Watched || did != (Sample{}) {
			s := r.total(Key{Pool, p.Name})
			s.Add(did)
			s.Seconds = seconds
		}
		if !p.Watched {
			continue
		}
		switch was, known := r.pools[p.Name]; {
		case known && was && !p.Up:
			b.event("pool_down", p.Name, p.Trouble)
		case known && !was && p.Up:
			b.event("pool_up", p.Name, "")
		}
		r.pools[p.Name] = p.Up
	}
}

// poolNews returns what was done at a pool since the last look.
func (r *Recorder) poolNews(p *SeenPool) Sample {
	was, is := r.books[p.Name], p.Books
	r.books[p.Name] = is
	if r.skip || r.blind {
		return Sample{}
	}
	if is.Accepted < was.Accepted || is.Rejected < was.Rejected || is.Work < was.Work {
		was = PoolBooks{} // the books began again
	}
	return Sample{Work: is.Work - was.Work, Accepted: is.Accepted - was.Accepted, Rejected: is.Rejected - was.Rejected}
}

func (b *Batch) event(kind, subject, text string) {
	b.Events = append(b.Events, Event{b.At, kind, subject, text})
}
