package stats

import (
	"testing"
	"time"

	"farmproxy/work"
)

// A series that ends in _total must not decrease when a link is replaced.
func TestLinksBooksGoOn(t *testing.T) {
	b := newBook(Options{})
	old := b.OpenLink("pool", 0)
	old.State.Store(uint32(LinkUp))
	old.Jobs.Add(7)
	old.InFlight.Add(3)
	old.Verdict(work.Accepted, 100, time.Second)

	b.CloseLink(old)
	if n := len(b.Links()); n != 0 {
		t.Fatalf("%d open links, want none", n)
	}
	next := b.OpenLink("pool", 0)
	i := b.Links()[0]
	if i.Jobs != 7 || i.Shares[work.Accepted] != 1 || i.Work[work.Accepted] != 100 || i.Latency.Count() != 1 {
		t.Errorf("counters were lost: %+v", i)
	}
	if i.State != LinkDown || i.InFlight != 0 {
		t.Errorf("a new link is %v with %d in flight, want down with 0", i.State, i.InFlight)
	}
	if b.OpenLink("pool", 1) == next || b.OpenLink("other", 0) == next {
		t.Error("another lane or pool got the same books")
	}
	if b.OpenLink("pool", 0) == next {
		t.Error("a second link got the books of an open one")
	}
}

func TestLinksAreSorted(t *testing.T) {
	b := newBook(Options{})
	b.Pool("b", "u", 1)
	b.Pool("a", "u", 2)
	b.Pool("c", "u", 0)
	for _, l := range []struct {
		pool string
		lane int
	}{{"gone", 0}, {"a", 0}, {"b", 1}, {"c", 0}, {"b", 0}} {
		b.OpenLink(l.pool, l.lane)
	}
	got := ""
	for _, l := range b.Links() {
		got += l.Pool + " "
	}
	if want := "c b b a gone "; got != want {
		t.Errorf("links of %s, want %s", got, want)
	}
	got = ""
	for _, p := range b.Pools() {
		got += p.Name + " "
	}
	if want := "c b a "; got != want {
		t.Errorf("pools %s, want %s", got, want)
	}
}

// A share that was never answered says nothing about the pool's latency.
func TestNoLatencyWithoutAnAnswer(t *testing.T) {
	f := func(v work.Verdict, want uint64) {
		t.Helper()
		b := newBook(Options{})
		b.OpenLink("pool", 0).Verdict(v, 1, time.Second)
		i := b.Links()[0]
		if got := i.Latency.Count(); got != want || i.Shares[v] != 1 {
			t.Errorf("%v: %d latencies of %d shares, want %d of 1", v, got, i.Shares[v], want)
		}
	}
	f(work.Accepted, 1)
	f(work.PoolRejected, 1)
	f(work.LinkLost, 0)
	f(work.Overloaded, 0)
}

func TestPoolIsRegisteredOnce(t *testing.T) {
	b := newBook(Options{})
	p := b.Pool("p", "u", 0)
	if b.Pool("p", "u", 0) != p {
		t.Error("the same pool got other books")
	}
	q := b.Pool("p", "v", 0)
	if q == p || q.URL != "v" || len(b.Pools()) != 1 {
		t.Errorf("a changed pool must replace the old one: %+v of %d", q, len(b.Pools()))
	}
	if b.Pool("p", "u", 3) != p || p.Level() != 3 || len(b.Pools()) != 1 {
		t.Errorf("one that comes back has the books that it had: level %d of %d", p.Level(), len(b.Pools()))
	}
}
