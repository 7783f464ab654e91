package stats

import (
	"fmt"
	"testing"
	"time"

	"farmproxy/work"
)

func wantTotal(t *testing.T, what string, got, want Total) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func TestTotals(t *testing.T) {
	b := newBook(Options{})
	one, two, other := b.Worker("acc.1"), b.Worker("acc.2"), b.Worker("rig")
	one.Connected(epoch, "", "")
	one.Connected(epoch, "", "")
	one.Mining("acc", "pool", "scrypt")
	two.Mining("acc", "pool", "scrypt") // before it is connected: that makes no difference
	two.Connected(epoch, "", "")
	other.Connected(epoch, "", "")
	other.Mining("", "main", "sha256d")

	one.Share(0, epoch, work.Accepted, 30)
	two.Share(0, epoch, work.Accepted, 60)
	two.Share(0, epoch, work.Stale, 60)
	other.Share(0, epoch, work.Accepted, 300)

	scrypt := Total{Miners: 3, Shares: Shares{work.Accepted: 2, work.Stale: 1}, Work: 90, HashRate: 3 * work.HashesPerShare}
	sha := Total{Miners: 1, Shares: Shares{work.Accepted: 1}, Work: 300, HashRate: 10 * work.HashesPerShare}
	f := func(what string, got, want Total, name string) {
		t.Helper()
		want.Name = name
		wantTotal(t, what, got, want)
	}
	f("account", b.AccountTotal("acc"), scrypt, "acc")
	f("pool", b.PoolTotal("pool"), scrypt, "pool")
	f("algorithm", b.AlgorithmTotal("scrypt"), scrypt, "scrypt")
	f("the configuration's pool", b.PoolTotal("main"), sha, "main")
	f("its algorithm", b.AlgorithmTotal("sha256d"), sha, "sha256d")
	f("no such account", b.AccountTotal("rig"), Total{}, "rig")
	f("no account", b.AccountTotal(""), Total{}, "")
}

// What was counted at a pool stays there.
func TestTotalsWhenAWorkerMoves(t *testing.T) {
	b := newBook(Options{})
	w := b.Worker("acc.1")
	w.Connected(epoch, "", "")
	w.Mining("acc", "one", "scrypt")
	w.Share(0, epoch, work.Accepted, 30)
	w.Mining("acc", "two", "x11")
	w.Mining("acc", "two", "x11") // repeated at each authorize
	w.Share(0, epoch, work.Accepted, 60)

	f := func(what string, got Total, miners int, done float64) {
		t.Helper()
		if got.Miners != miners || got.Work != done {
			t.Errorf("%s: %d miners, work %v, want %d and %v", what, got.Miners, got.Work, miners, done)
		}
	}
	f("account", b.AccountTotal("acc"), 1, 90)
	f("the old pool", b.PoolTotal("one"), 0, 30)
	f("the new pool", b.PoolTotal("two"), 1, 60)
	f("the old algorithm", b.AlgorithmTotal("scrypt"), 0, 30)
	f("the new algorithm", b.AlgorithmTotal("x11"), 1, 60)
	w.Disconnected(epoch, 0)
	f("account, when it has gone", b.AccountTotal("acc"), 0, 90)
	f("the new pool, when it has gone", b.PoolTotal("two"), 0, 60)
}

// An hour after the last one, a share must not count as if it had taken as little time
// as a newcomer's first.
func TestHashRateOfTotals(t *testing.T) {
	f := func(what string, want float64, do func(w *Worker, now time.Time)) {
		t.Helper()
		b := newBook(Options{})
		w := b.Worker("acc.1")
		w.Connected(epoch, "", "")
		w.Mining("acc", "pool", "scrypt")
		now := epoch.Add(time.Hour)
		do(w, now)
		b.now = func() time.Time { return now }
		if got := b.AccountTotal("acc").HashRate / work.HashesPerShare; got != want {
			t.Errorf("%s: %v shares a second, want %v", what, got, want)
		}
	}
	f("nothing", 0, func(w *Worker, now time.Time) {})
	f("a rare share", 1, func(w *Worker, now time.Time) { w.Share(0, now, work.Accepted, 300) })
	f("a refused one", 0, func(w *Worker, now time.Time) { w.Share(0, now, work.Stale, 300) })
	f("back after an hour", 5, func(w *Worker, now time.Time) {
		w.Disconnected(epoch, 0)
		w.Connected(now.Add(-time.Minute), "", "")
		w.Share(0, now, work.Accepted, 300)
	})
}

func TestWorkersSayWhatTheyMine(t *testing.T) {
	b := newBook(Options{})
	b.Worker("a.1").Mining("a", "pool", "scrypt")
	b.Worker("a.2").Mining("a", "pool", "scrypt")
	b.Worker("b.1").Mining("b", "pool", "scrypt")
	b.Worker("rig").Mining("", "main", "sha256d")
	b.Worker("new")
	f := func(q WorkerQuery, names string) {
		t.Helper()
		q.Limit = 10
		infos, total := b.Workers(q)
		got := ""
		for _, i := range infos {
			got += fmt.Sprintf("%s:%s/%s/%s ", i.Name, i.Account, i.Pool, i.Algorithm)
		}
		if got != names || total != len(infos) {
			t.Errorf("%+v: %d: %q, want %q", q, total, got, names)
		}
	}
	f(WorkerQuery{}, "a.1:a/pool/scrypt a.2:a/pool/scrypt b.1:b/pool/scrypt new:// rig:/main/sha256d ")
	f(WorkerQuery{Account: "a"}, "a.1:a/pool/scrypt a.2:a/pool/scrypt ")
	f(WorkerQuery{Account: "a", Search: "2"}, "a.2:a/pool/scrypt ")
	f(WorkerQuery{Pool: "pool", Account: "b"}, "b.1:b/pool/scrypt ")
	f(WorkerQuery{Algorithm: "sha256d"}, "rig:/main/sha256d ")
	f(WorkerQuery{Algorithm: "sha256d", Pool: "pool"}, "")
}

func TestForgetAccounts(t *testing.T) {
	f := func(what string, after time.Duration, want bool, do func(w *Worker)) {
		t.Helper()
		b := newBook(Options{Forget: time.Hour})
		w := b.Worker("acc.1")
		w.Connected(epoch, "", "")
		w.Mining("acc", "pool", "scrypt")
		w.Share(0, epoch, work.Accepted, 1)
		do(w)
		b.ledger.sweep(epoch.Add(after))
		if got := b.AccountTotal("acc").Work > 0; got != want {
			t.Errorf("%s: known %v, want %v", what, got, want)
		}
		if b.PoolTotal("pool").Work != 1 || b.AlgorithmTotal("scrypt").Work != 1 {
			t.Errorf("%s: the counters of its pool or algorithm went back", what)
		}
		w.Mining("acc", "other", "scrypt")
		w.Connected(epoch, "", "")
		if b.AccountTotal("acc").Miners == 0 {
			t.Errorf("%s: it can't come back", what)
		}
	}
	f("a miner is there", 24*time.Hour, true, func(w *Worker) {})
	f("the miner left lately", 59*time.Minute, true, func(w *Worker) { w.Disconnected(epoch, 0) })
	f("the miner left", time.Hour, false, func(w *Worker) { w.Disconnected(epoch, 0) })
}

// A worker that comes back after its account was forgotten counts for the account again.
func TestAnAccountIsForgottenBeforeItsWorker(t *testing.T) {
	b := newBook(Options{})
	w := b.Worker("acc.1")
	w.Connected(epoch, "", "")
	w.Mining("acc", "pool", "sha256d")
	w.Disconnected(epoch, 0)
	b.ledger.drop(byAccount, epoch.Add(strayMin), strayMin)
	w.Connected(epoch, "", "")
	w.Mining("acc", "pool", "sha256d")
	if n := b.AccountTotal("acc").Miners; n != 1 {
		t.Errorf("%d miners, want 1", n)
	}
}

func TestTotalsAreBounded(t *testing.T) {
	b := newBook(Options{MaxWorkers: 2})
	for i := range 10 {
		w := b.Worker("rig")
		w.Mining(fmt.Sprint("account", i), "pool", "scrypt")
		w.Share(0, epoch, work.Accepted, 1)
	}
	if n := len(b.ledger.list(nil, byAccount)); n != 3 {
		t.Errorf("%d totals, want the first two and one for all others", n)
	}
	if got := b.AccountTotal(Other).Work; got != 8 {
		t.Errorf("work %v for the others, want 8", got)
	}
	if got := b.PoolTotal("pool").Work; got != 10 {
		t.Errorf("work %v at the pool, want 10", got)
	}
	if n := len(b.ledger.minings); n > 2 {
		t.Errorf("%d combinations are kept, want 2 at most", n)
	}
}
