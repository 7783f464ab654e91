package netloop

import (
	"strings"
	"testing"

	"farmproxy/session"
	"farmproxy/upstream"
	"farmproxy/work"
)

// Letters are connections; each share is a letter, in order of arrival.
func TestSharesWaitInTurns(t *testing.T) {
	f := func(name string, max int, came, served, refused string) {
		t.Helper()
		q, no := newTurns(max), ""
		for i := range came {
			h := hashed{cookie: upstream.Cookie(came[i])}
			gave, gaveWay, ok := q.put(&h)
			if !ok {
				no += string(came[i])
			}
			if gaveWay {
				no += string(rune(gave.cookie))
			}
		}
		var order strings.Builder
		for h, ok := q.take(); ok; h, ok = q.take() {
			order.WriteByte(byte(h.cookie))
		}
		if order.String() != served || no != refused {
			t.Errorf("%s: %s is served as %q, and refused are %q; want %q, %q", name, came, order.String(), no, served, refused)
		}
		if q.n != 0 || len(q.lines) != 0 || q.next != nil {
			t.Errorf("%s: something is left: %d shares, %d lines", name, q.n, len(q.lines))
		}
	}
	f("one alone has all of it", 4, "aaaa", "aaaa", "")
	f("one that is alone and has more than there is room for", 4, "aaaaaa", "aaaa", "aa")
	f("a flood holds up itself", 8, "aaaaaba", "abaaaaa", "")
	f("three take turns", 9, "aaabbbc", "abcabab", "")
	f("a full queue takes a newcomer", 4, "aaaab", "abaa", "a")
	f("and another", 4, "aaaabc", "abca", "aa")
	f("as many as there are places", 3, "abc", "abc", "")
	f("more than there are places", 3, "abcd", "abc", "d")
	f("the longest gives way, though another is long too", 6, "aaaabbc", "abcaba", "a")
	f("the longest gives way, wherever it stands", 5, "bcaaad", "bcada", "a")
	f("whoever has most can't drive out others", 4, "aabba", "abab", "a")
}

// Shares served in between make room, in the order of the lines.
func TestTurnsGoOnWhereTheyWere(t *testing.T) {
	q := newTurns(4)
	put := func(c string) {
		h := hashed{cookie: upstream.Cookie(c[0])}
		q.put(&h)
	}
	want := func(c string) {
		t.Helper()
		if h, ok := q.take(); !ok || string(rune(h.cookie)) != c {
			t.Errorf("%q is served, want %q", string(rune(h.cookie)), c)
		}
	}
	put("a")
	put("a")
	put("b")
	want("a")
	put("c")
	want("b")
	want("a")
	put("a")
	want("c")
	want("a")
	if _, ok := q.take(); ok {
		t.Error("a share is served that nobody handed in")
	}
}

// A flood of slow shares from one connection: the others' are hashed, and the flooder
// gets its own back as too many.
func TestAFloodOfSlowSharesHurtsTheFlooderAlone(t *testing.T) {
	var h hasher
	type told struct {
		cookie  upstream.Cookie
		tooMany bool
	}
	var back []told
	h.ready(0, func(x *hashed) { back = append(back, told{x.cookie, x.tooMany}) }) // nobody hashes: all wait
	job := &work.Job{}
	const flooder, miner = 1, 2
	refused := 0
	for range 4 * maxHashes {
		if !h.hash(flooder, worker{}, &session.Candidate{Job: job}) {
			refused++
		}
	}
	if refused != 3*maxHashes {
		t.Errorf("%d of the flooder's shares are refused, want %d", refused, 3*maxHashes)
	}
	for i := range upstream.Cookie(100) {
		if !h.hash(miner+i, worker{}, &session.Candidate{Job: job}) {
			t.Fatalf("miner %d is refused", i)
		}
	}
	if len(back) != 100 {
		t.Fatalf("%d shares gave way, want 100", len(back))
	}
	for _, b := range back {
		if b != (told{flooder, true}) {
			t.Fatalf("%+v gave way; want one of the flooder's, as one too many", b)
		}
	}
}

// When the loops have ended, nobody waits for what is left to hash: with a flood of slow
// shares that would take seconds.
func TestAHasherThatStopsHashesNoMore(t *testing.T) {
	var h hasher
	h.ready(0, func(*hashed) { t.Error("a share is hashed for nobody") })
	for i := range upstream.Cookie(maxHashes) {
		h.hash(i, worker{}, &session.Candidate{Job: &work.Job{Algorithm: work.SHA256d}})
	}
	h.stop()
	h.work()
}

func TestTurnsAllocateNothing(t *testing.T) {
	q := newTurns(16)
	var h hashed
	round := func() {
		for i := range upstream.Cookie(4) {
			h.cookie = i
			q.put(&h)
			q.put(&h)
		}
		for _, ok := q.take(); ok; _, ok = q.take() {
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a round", n)
	}
}
