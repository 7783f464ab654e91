package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// ledger plants what the two sides saw of one share.
type ledger struct {
	t       *testing.T
	pool    *Pool
	jobs    []Job // the first, a second one, and a clean one
	share   FleetShare
	booked  Submit
	onBooks bool
}

// TestReconcile plants one discrepancy at a time. The clean job came 10 s after
// the others.
func TestReconcile(t *testing.T) {
	f := func(name string, change func(*ledger), wantBreach, wantExcuse string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			r := newLedger(t, change).reconcile()
			if got := only(r.Breaches); got != wantBreach {
				t.Errorf("breaches %v, want %q", r.Breaches, wantBreach)
			}
			if got := only(r.Excused); got != wantExcuse {
				t.Errorf("excuses %v, want %q", r.Excused, wantExcuse)
			}
			if told := strings.Join(r.Examples, "\n"); !strings.Contains(told, wantBreach) {
				t.Errorf("examples %q don't tell of it", told)
			}
		})
	}
	refuse := func(code int) func(*ledger) {
		return func(l *ledger) { l.share.Code, l.share.Refused, l.onBooks = code, "no", false }
	}
	after := func(seconds float64, do func(*ledger)) func(*ledger) {
		return func(l *ledger) {
			l.share.Sent = l.jobs[0].Emitted.Add(time.Duration(seconds * float64(time.Second)))
			l.share.Answered = l.share.Sent.Add(5 * time.Second)
			do(l)
		}
	}
	event := func(kind EventKind, seconds float64, resume bool) func(*ledger) {
		return func(l *ledger) {
			after(1, refuse(21))(l)
			l.pool.o.Resume = resume
			l.pool.timeline = append(l.pool.timeline, Event{l.jobs[0].Emitted.Add(time.Duration(seconds * float64(time.Second))), kind})
		}
	}

	f("nothing", func(l *ledger) {}, "", "")
	f("accepted, not booked", func(l *ledger) { l.onBooks = false }, breachLost, "")
	f("accepted, below the pool's difficulty", func(l *ledger) { l.onBooks = false; l.share.Hash[31] = 0xff }, "", "")
	f("accepted, refused by the pool", func(l *ledger) { l.booked.Refused = refusedStale }, breachUntrue, "")
	f("accepted, wrong name", func(l *ledger) { l.booked.User = "someone" }, breachName, "")
	f("no answer", func(l *ledger) { l.share.Answered = time.Time{} }, breachSilent, "")
	f("refused, accepted by the pool", func(l *ledger) { refuse(21)(l); l.onBooks = true }, breachWronged, "")
	down := func(seconds float64) func(*ledger) {
		return func(l *ledger) {
			event(EventDown, seconds, true)(l)
			l.onBooks = true
		}
	}
	f("refused, accepted by the pool as it died", down(1.5), "", excuseVerdict)
	f("refused, accepted by the pool long before it died", down(4), breachWronged, "")
	f("refused, accepted by the pool as it was dead", down(0.5), "", excuseVerdict)
	f("refused, accepted by the pool after it had come back", func(l *ledger) {
		down(0.5)(l)
		l.pool.timeline = append(l.pool.timeline, Event{l.jobs[0].Emitted.Add(700 * time.Millisecond), EventUp})
	}, breachWronged, "")
	f("refused, and the pool did so by script", func(l *ledger) { refuse(20)(l); l.onBooks, l.booked.Refused = true, refusedByScript }, "", excuseScripted)
	f("refused for no reason", refuse(21), breachRefused, "")
	f("refused for a job that no pool emitted", func(l *ledger) { refuse(21)(l); l.share.Key = WorkKey{9} }, breachRefused, "")
	f("refused just before a clean job", after(9, refuse(21)), "", excuseReplaced)
	f("refused before a clean job came", after(9, func(l *ledger) {
		refuse(21)(l)
		l.share.Answered = l.share.Sent.Add(time.Millisecond)
	}), breachRefused, "")
	f("refused long before a clean job", after(7, refuse(21)), breachRefused, "")
	f("refused after a clean job", after(12, refuse(21)), "", excuseReplaced)
	f("refused as duplicate after a clean job", after(12, refuse(22)), breachRefused, "")
	f("refused as low after a clean job", after(12, refuse(23)), breachRefused, "")
	f("refused on the clean job itself", after(12, func(l *ledger) { refuse(21)(l); l.share.Key = l.jobs[2].Key }), breachRefused, "")
	f("refused when the pool went down", event(EventDown, 2, true), "", excuseLost)
	f("refused, the pool went down before the job", event(EventDown, -1, true), breachRefused, "")
	f("refused when the pool forgot", event(EventForget, 2, true), "", excuseLost)
	f("refused at a drop that can be resumed", event(EventDrop, 2, true), breachRefused, "")
	f("refused at a drop that can't be resumed", event(EventDrop, 2, false), "", excuseLost)
	f("invented", func(l *ledger) { l.pool.books.book(Submit{User: "farm", Hash: Hash{5}}, 1) }, breachInvented, "")
	f("forwarded though low", func(l *ledger) { l.pool.books.book(Submit{User: "farm", Refused: refusedLow}, 1) }, breachForwarded, "")
	f("forwarded twice is no breach", func(l *ledger) {
		l.pool.books.book(l.booked, 1)
		again := l.booked
		again.Refused = refusedDuplicate
		l.pool.books.book(again, 1)
		l.onBooks = false
	}, "", "")
}

// newLedger has one share of the first job, sent 1 s after it, accepted and
// booked; change spoils that.
func newLedger(t *testing.T, change func(*ledger)) comparison {
	t.Helper()
	p := mustPool(t, func(o *PoolOptions) { o.Idle = true })
	start := time.Now()
	l := &ledger{t: t, pool: p, onBooks: true}
	p.Job(true)
	p.Job(false)
	p.Job(true)
	p.timeline = nil
	for i := range p.jobs {
		p.jobs[i].Emitted = start.Add(time.Duration(i/2*10) * time.Second)
		if p.jobs[i].Clean {
			p.timeline = append(p.timeline, Event{p.jobs[i].Emitted, EventClean})
		}
	}
	l.jobs = p.jobs
	sent := start.Add(time.Second)
	l.share = FleetShare{Miner: 1, Key: l.jobs[0].Key, Hash: Hash{1}, Sent: sent, Answered: sent.Add(time.Millisecond)}
	l.booked = Submit{At: sent, User: "farm", Key: l.share.Key, Hash: l.share.Hash}
	change(l)
	slices.SortFunc(p.timeline, func(a, b Event) int { return a.At.Compare(b.At) })
	if l.onBooks {
		l.booked.Hash = l.share.Hash
		p.books.book(l.booked, 1)
	}
	return comparison{
		shares: []FleetShare{l.share}, pools: []*Pool{p}, flight: 2 * time.Second,
		name: func(int) string { return "farm" },
	}
}

// only is the single key of m, "" for none, and all of it otherwise.
func only(m map[string]int) string {
	if len(m) == 0 {
		return ""
	}
	if len(m) == 1 {
		for k := range m {
			return k
		}
	}
	return fmt.Sprint(m)
}

func TestBooksForgetTheOldest(t *testing.T) {
	r := recent[int, int]{limit: 10}
	for i := range 100 {
		r.put(i, i)
		if _, ok := r.get(max(0, i-9)); !ok {
			t.Fatalf("after %d: the last 10 are not all there", i)
		}
		if n := len(r.now) + len(r.old); n > 20 {
			t.Fatalf("after %d: %d are kept, want 20 at most", i, n)
		}
	}
	if _, ok := r.get(50); ok {
		t.Error("50 is still there")
	}
}
