package judge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/fleet"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
)

// ledger plants both sides' view of one share.
type ledger struct {
	t       *testing.T
	pool    Witness
	jobs    []proof.Job // the first, a second one, and a clean one
	share   fleet.Share
	booked  pool.Submit
	onBooks bool
}

// TestReconcile plants one discrepancy at a time. The clean job came 10 s after
// the others.
func TestReconcile(t *testing.T) {
	f := func(name string, change func(*ledger), wantBreach, wantExcuse string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			r := newLedger(t, change).Reconcile()
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
	event := func(kind pool.EventKind, seconds float64, resume bool) func(*ledger) {
		return func(l *ledger) {
			after(1, refuse(21))(l)
			l.pool.resume = resume
			l.pool.events = append(l.pool.events, pool.Event{At: l.jobs[0].Emitted.Add(time.Duration(seconds * float64(time.Second))), Kind: kind})
		}
	}

	f("nothing", func(l *ledger) {}, "", "")
	f("accepted, not booked", func(l *ledger) { l.onBooks = false }, breachLost, "")
	f("accepted, below the pool's difficulty", func(l *ledger) { l.onBooks = false; l.share.Hash[31] = 0xff }, "", "")
	f("accepted, refused by the pool", func(l *ledger) { l.booked.Refused = proof.RefusedStale }, breachUntrue, "")
	f("accepted, wrong name", func(l *ledger) { l.booked.User = "someone" }, BreachName, "")
	f("no answer", func(l *ledger) { l.share.Answered = time.Time{} }, BreachSilent, "")
	f("refused, accepted by the pool", func(l *ledger) { refuse(21)(l); l.onBooks = true }, breachWronged, "")
	down := func(seconds float64) func(*ledger) {
		return func(l *ledger) {
			event(pool.EventDown, seconds, true)(l)
			l.onBooks = true
		}
	}
	f("refused, accepted by the pool as it died", down(1.5), "", excuseVerdict)
	f("refused, accepted by the pool long before it died", down(4), breachWronged, "")
	f("refused, accepted by the pool as it was dead", down(0.5), "", excuseVerdict)
	f("refused, accepted by the pool after it had come back", func(l *ledger) {
		down(0.5)(l)
		l.pool.events = append(l.pool.events, pool.Event{At: l.jobs[0].Emitted.Add(700 * time.Millisecond), Kind: pool.EventUp})
	}, breachWronged, "")
	f("refused, and the pool did so by script", func(l *ledger) { refuse(20)(l); l.onBooks, l.booked.Refused = true, proof.RefusedByScript }, "", excuseScripted)
	f("refused for no reason", refuse(21), breachRefused, "")
	f("refused for a job that no pool emitted", func(l *ledger) { refuse(21)(l); l.share.Key = proof.WorkKey{9} }, breachRefused, "")
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
	f("refused when the pool went down", event(pool.EventDown, 2, true), "", excuseLost)
	f("refused, the pool went down before the job", event(pool.EventDown, -1, true), breachRefused, "")
	f("refused when the pool forgot", event(pool.EventForget, 2, true), "", excuseLost)
	f("refused at a drop that can be resumed", event(pool.EventDrop, 2, true), breachRefused, "")
	f("refused at a drop that can't be resumed", event(pool.EventDrop, 2, false), "", excuseLost)
	f("invented", func(l *ledger) { l.pool.books.Book(pool.Submit{User: "farm", Hash: proof.Hash{5}}, 1) }, breachInvented, "")
	f("forwarded though low", func(l *ledger) { l.pool.books.Book(pool.Submit{User: "farm", Refused: proof.RefusedLow}, 1) }, breachForwarded, "")
	f("forwarded twice is no breach", func(l *ledger) {
		l.pool.books.Book(l.booked, 1)
		again := l.booked
		again.Refused = proof.RefusedDuplicate
		l.pool.books.Book(again, 1)
		l.onBooks = false
	}, "", "")
}

// newLedger returns one share of the first job, sent 1 s after it, accepted and booked;
// change spoils that.
func newLedger(t *testing.T, change func(*ledger)) Comparison {
	t.Helper()
	p := mustPool(t, func(o *pool.Options) { o.Idle = true })
	start := time.Now()
	p.Job(true)
	p.Job(false)
	p.Job(true)
	l := &ledger{t: t, pool: Witnesses(p)[0], onBooks: true}
	l.pool.events, l.jobs = nil, l.pool.jobs
	for i := range l.jobs {
		l.jobs[i].Emitted = start.Add(time.Duration(i/2*10) * time.Second)
		if l.jobs[i].Clean {
			l.pool.events = append(l.pool.events, pool.Event{At: l.jobs[i].Emitted, Kind: pool.EventClean})
		}
	}
	sent := start.Add(time.Second)
	l.share = fleet.Share{Miner: 1, Key: l.jobs[0].Key, Hash: proof.Hash{1}, Sent: sent, Answered: sent.Add(time.Millisecond)}
	l.booked = pool.Submit{At: sent, User: "farm", Key: l.share.Key, Hash: l.share.Hash}
	change(l)
	slices.SortFunc(l.pool.events, func(a, b pool.Event) int { return a.At.Compare(b.At) })
	if l.onBooks {
		l.booked.Hash = l.share.Hash
		l.pool.books.Book(l.booked, 1)
	}
	return Comparison{
		Shares: []fleet.Share{l.share}, Pools: []Witness{l.pool}, Flight: 2 * time.Second,
		Name: func(int) string { return "farm" },
	}
}
