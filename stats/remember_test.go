package stats

import (
	"testing"
	"time"

	"farmproxy/work"
)

// Workers from before this process are listed, without a miner, and forgotten when their
// time is over; those that are listed as expected are not.
func TestRemember(t *testing.T) {
	b := New(Options{Loops: 1})
	now := time.Now()
	b.now = func() time.Time { return now }
	b.SetForget(10 * 24 * time.Hour)
	b.Worker("here").Connected(now, "192.0.2.1:1", "bmminer")
	b.Remember([]Remembered{
		{Name: "yesterday", Pool: "a", Address: "192.0.2.2:7", Agent: "x/1", Difficulty: 512, LastSeen: now.Add(-24 * time.Hour)},
		{Name: "last week", LastSeen: now.Add(-7 * 24 * time.Hour)},
		{Name: "listed", Expected: true},
		{Name: "here", Pool: "b", Difficulty: 4, Expected: true},
		{Name: "from tomorrow", LastSeen: now.Add(24 * time.Hour)}, // the clock was wrong
	})
	infos, _ := b.Workers(WorkerQuery{Search: "yesterday", Limit: 10})
	if i := infos[0]; i.Pool != "a" || i.Address.String() != "192.0.2.2:7" || i.Agent != "x/1" || i.Difficulty != 512 || i.Miners != 0 {
		t.Errorf("%+v", i)
	}
	if w := b.Worker("here"); w.Difficulty() != 0 || w.miners != 1 {
		t.Error("one that is here was changed")
	}
	left := func() (names string) {
		infos, _ := b.Workers(WorkerQuery{Limit: 10})
		for _, i := range infos {
			names += i.Name + ","
		}
		return names
	}
	for _, x := range []struct {
		days int
		want string
	}{
		{0, "from tomorrow,here,last week,listed,yesterday,"},
		{4, "from tomorrow,here,listed,yesterday,"},
		{5, "from tomorrow,here,listed,"},
		{100, "here,listed,"},
	} {
		now = now.Add(time.Duration(x.days) * 24 * time.Hour)
		if got := left(); got != x.want {
			t.Errorf("after %d more days: %s, want %s", x.days, got, x.want)
		}
	}
	if n := b.Forget([]string{"here", "listed", "nobody"}); n != 1 || left() != "here," {
		t.Errorf("%d were removed; %s is left", n, left())
	}
}

// The registry's bound holds for those that are remembered, and a miner that comes finds
// the books of its name.
func TestRememberWithinTheBound(t *testing.T) {
	b := New(Options{Loops: 1, MaxWorkers: 2})
	b.Remember([]Remembered{{Name: "a", LastSeen: time.Now()}, {Name: "b", LastSeen: time.Now()}, {Name: "c"}})
	infos, total := b.Workers(WorkerQuery{Limit: 10})
	if total != 2 || infos[0].Name != "a" || infos[1].Name != "b" {
		t.Fatalf("%d workers: %+v", total, infos)
	}
	now := time.Now()
	w := b.Worker("b")
	w.Connected(now, "", "")
	w.Share(0, now, work.Accepted, 1)
	if infos, _ := b.Workers(WorkerQuery{Search: "b", Limit: 1}); infos[0].Shares[work.Accepted] != 1 {
		t.Errorf("%+v", infos[0])
	}
}
