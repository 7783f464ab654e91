package stats

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// story is what the links of a few pools hear.
type story struct {
	t     *testing.T
	book  *Book
	began time.Time
	ms    int // since began
}

func newStory(t *testing.T) *story {
	s := &story{t: t, book: newBook(Options{}), began: epoch}
	s.book.now = func() time.Time { return s.now() }
	return s
}

func (s *story) now() time.Time { return s.began.Add(time.Duration(s.ms) * time.Millisecond) }

func (s *story) pool(name string) *Pool {
	return s.book.Pool(name, "stratum+tcp://"+name+":1", int(name[0]-'a'))
}

// tell plays events, each at so many milliseconds. a+ is a link to pool a that comes up, a- its
// end; a:7 is its first job for block 7, a:7e one without transactions; a.f a job with some.
func (s *story) tell(events string) *story {
	s.t.Helper()
	for _, e := range strings.Fields(events) {
		what, at, _ := strings.Cut(e, "@")
		if at != "" {
			ms, err := strconv.Atoi(at)
			if err != nil {
				s.t.Fatal(err)
			}
			s.ms = ms
		}
		p := s.pool(what[:1])
		switch what := what[1:]; {
		case what == "+":
			s.book.Listen(p, s.now())
		case what == "-":
			s.book.Unlisten(p)
		case what == ".f":
			s.book.Filled(p, s.now())
		default:
			height, empty := strings.CutSuffix(what[1:], "e")
			n, err := strconv.Atoi(height)
			if err != nil {
				s.t.Fatal(err)
			}
			s.book.NewBlock(p, [32]byte{31: byte(n)}, empty, s.now())
		}
	}
	return s
}

// told is what the book says of its pools: told, first and missed blocks, lags, empty blocks
// and for how long they were.
func told(b *Book) string {
	var list []string
	for _, c := range b.Compare() {
		text := fmt.Sprintf("%s told %d first %d missed %d", c.Name, c.BlocksTold.Load(), c.BlocksFirst.Load(), c.BlocksMissed.Load())
		if c.Lag.count > 0 {
			text += fmt.Sprintf(" lag %dx%v", c.Lag.count, c.Lag.Mean())
		}
		if n := c.EmptyBlocks.Load(); n > 0 {
			text += fmt.Sprintf(" empty %d", n)
		}
		if c.EmptyTime.count > 0 {
			text += fmt.Sprintf(" for %dx%v", c.EmptyTime.count, c.EmptyTime.Mean())
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

func TestPoolsAreComparedByTheirNews(t *testing.T) {
	f := func(name, events, want string) {
		t.Helper()
		if got := told(newStory(t).tell(events).book); got != want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", name, events, got, want)
		}
	}
	f("one tells first, the other lags", "a:1@0 b:1@400", "a told 1 first 1 missed 0 lag 1x0s; b told 1 first 0 missed 0 lag 1x400ms")
	f("each lag is behind the first, not the one before", "a:1@0 b:1@100 c:1@300", "a told 1 first 1 missed 0 lag 1x0s; b told 1 first 0 missed 0 lag 1x100ms; c told 1 first 0 missed 0 lag 1x300ms")
	f("they take turns", "a:1@0 b:1@200 b:2@1000 a:2@1100", "a told 2 first 1 missed 0 lag 2x50ms; b told 2 first 1 missed 0 lag 2x100ms")
	f("one pool alone is compared with nobody", "a:1@0 a:2@1000", "a told 2 first 0 missed 0")
	f("of a pool's links the first one counts", "a:1@0 a:1@5 b:1@100 b:1@900", "a told 1 first 1 missed 0 lag 1x0s; b told 1 first 0 missed 0 lag 1x100ms")
	f("a server behind a pool's name that is still on the old block is no news", "a:1@0 b:1@0 a:2@1000 b:2@1000 a:1@1100 a:2@1200", "a told 2 first 2 missed 0 lag 2x0s; b told 2 first 0 missed 0 lag 2x0s")
	f("two chains are two matters", "a:1@0 b:101@10 a:2@1000 b:102@90000", "a told 2 first 0 missed 0; b told 2 first 0 missed 0")

	const onOneChain = "a+@0 b+@0 a:1@1 b:1@1 "
	f("a block that a pool does not tell within a minute is missed", onOneChain+"a:2@1000 a:3@61000", "a told 3 first 1 missed 0 lag 1x0s; b told 1 first 0 missed 1 lag 1x0s")
	f("and counted without another block, too", onOneChain+"a:2@1000 b.f@61000", "a told 2 first 1 missed 0 lag 1x0s; b told 1 first 0 missed 1 lag 1x0s")
	f("within the minute it is late", onOneChain+"a:2@1000 b:2@60999 a:3@70000", "a told 3 first 2 missed 0 lag 2x0s; b told 2 first 0 missed 0 lag 2x29.9995s")
	f("who was not linked has missed nothing", onOneChain+"b-@500 a:2@1000 a:3@90000", "a told 3 first 1 missed 0 lag 1x0s; b told 1 first 0 missed 0 lag 1x0s")
	f("nor who came only then", onOneChain+"a:2@1000 b-@1001 b+@2000 a:3@90000", "a told 3 first 1 missed 0 lag 1x0s; b told 1 first 0 missed 0 lag 1x0s")
	f("one link of two is enough", onOneChain+"b+@100 b-@500 a:2@1000 a:3@90000", "a told 3 first 1 missed 0 lag 1x0s; b told 1 first 0 missed 1 lag 1x0s")
	f("the blocks of another chain are not missed", "a+@0 b+@0 b:101@0 a:1@0 a:2@1000 a:3@90000", "a told 3 first 0 missed 0; b told 1 first 0 missed 0")

	f("an empty job, until there are transactions", "a:1e@0 a.f@2500 a.f@9000", "a told 1 first 0 missed 0 empty 1 for 1x2.5s")
	f("or until the next block", "a:1e@0 a:2@4000 a.f@5000", "a told 2 first 0 missed 0 empty 1 for 1x4s")
	f("which may be empty too", "a:1e@0 a:2e@4000 a.f@4500", "a told 2 first 0 missed 0 empty 2 for 2x2.25s")
	f("it lasts", "a:1e@0", "a told 1 first 0 missed 0 empty 1")
}

func TestBlocksOneByOne(t *testing.T) {
	s := newStory(t).tell("a:1@0 b:1e@400 c:1e@900 b.f@3400 b:2@70000")
	var out strings.Builder
	for _, x := range s.book.Blocks() {
		fmt.Fprintf(&out, "%s at %v:", x.Hash[:6], x.At.Sub(epoch))
		for _, p := range x.Tellings {
			fmt.Fprintf(&out, " %s +%v", p.Pool, p.Lag)
			if p.Empty {
				fmt.Fprintf(&out, " empty for %v", p.EmptyFor)
			}
		}
		out.WriteString("\n")
	}
	const want = "020000 at 1m10s: b +0s\n010000 at 0s: a +0s b +400ms empty for 3s c +900ms empty for 0s\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// However many blocks and pools there are, what is remembered of them is bounded.
func TestBlocksAreForgotten(t *testing.T) {
	s := newStory(t)
	for n := range 3 * keptBlocks {
		s.tell(fmt.Sprintf("a:%d@%d", n, 1000*n))
	}
	if n := len(s.book.Blocks()); n != keptBlocks {
		t.Errorf("%d blocks are remembered, want %d", n, keptBlocks)
	}
	s.tell("b:0@99000")
	if got, want := told(s.book), "a told 96 first 0 missed 0; b told 1 first 0 missed 0"; got != want {
		t.Errorf("news of a forgotten block: got %s, want %s", got, want)
	}
	for n := range maxTellers + 10 {
		s.book.NewBlock(s.book.Pool(fmt.Sprint("pool", n), "", 0), [32]byte{1, 2}, false, s.now())
	}
	if n := len(s.book.Blocks()[0].Tellings); n != maxTellers {
		t.Errorf("%d pools are remembered, want %d", n, maxTellers)
	}
}

// A hand-over in the midst of a block changes nothing in the comparison.
func TestNewsGoesOnAfterAHandOver(t *testing.T) {
	f := func(before, after string) {
		t.Helper()
		want := newStory(t).tell(before + " " + after)
		old := newStory(t).tell(before)
		heir := newStory(t)
		heir.ms = old.ms
		if err := heir.book.Restore(old.book.State()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			p := old.pool(name)
			heir.pool(name)
			for range p.listening.links {
				heir.tell(name + "+")
			}
		}
		heir.tell(after)
		if got, want := told(heir.book), told(want.book); got != want {
			t.Errorf("%s, hand-over, %s:\ngot  %s\nwant %s", before, after, got, want)
		}
		if got, want := fmt.Sprint(heir.book.Blocks()), fmt.Sprint(want.book.Blocks()); got != want {
			t.Errorf("%s, hand-over, %s:\ngot  %s\nwant %s", before, after, got, want)
		}
	}
	f("a+@0 b+@0 a:1@10", "b:1@450")
	f("a+@0 b+@0 a:1@10 b:1@20", "a:1@30 b:1@40 b:2@5000 a:2@5001")
	f("a+@0 b+@0 a:1e@10 b:1e@20 b.f@300", "a.f@1500 b.f@1500")
	f("a+@0 b+@0 a:1@10 b:1@10 a:2@20", "b:2@40 a:3@61000")
	f("a+@0 b+@0 a:1@10 b:1@10", "b:2@40 b:3@61000")
}
