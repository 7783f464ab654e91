package descriptors

import "testing"

var letters = map[byte]Use{'m': Miner, 'l': Link, 's': Second, 'p': Probe}

// Each letter takes one descriptor, a capital returns one. A dot in the result is a
// refusal.
func TestWhoGetsWhat(t *testing.T) {
	f := func(name string, total, links int, asked, want string) {
		t.Helper()
		b := New(uint64(total)+10, 10, links)
		got := ""
		for i := range asked {
			switch use, is := letters[asked[i]]; {
			case !is:
				b.Give(letters[asked[i]+'a'-'A'], 1)
				got += string(asked[i])
			case b.Take(use, 1):
				got += string(asked[i])
			default:
				got += "."
			}
		}
		if got != want {
			t.Errorf("%s: of %d, %d for links: %s came to %s, want %s", name, total, links, asked, got, want)
		}
	}
	f("miners leave the links theirs", 6, 3, "mmmml", "mmm.l")
	f("links that are there do not count twice", 6, 3, "lllmmmm", "lllmmm.")
	f("links may have what no miner has", 6, 2, "lllll", "lllll")
	f("and give it back", 6, 2, "lllllmLm", "lllllmLm")
	f("nobody gets what is not there", 3, 1, "llllmsp", "lll....")
	f("a miner's place is free again", 2, 1, "mmMm", "m.Mm")
	f("a probe leaves a sixteenth of the links'", 32, 32, "llllllllllllllllllllllllllllllpps", "llllllllllllllllllllllllllllll..s")
	f("a second link leaves a thirty-second", 32, 32, "lllllllllllllllllllllllllllllllsl", "lllllllllllllllllllllllllllllll.l")
	f("a probe where there is room", 8, 8, "pp", "pp")
	f("no room at all", 0, 5, "mlsp", "....")
}

// What the process before had open is taken from all that there are, or the hand-over fails.
func TestWhatIsInherited(t *testing.T) {
	b := New(20, 10, 8)
	if b.Inherit(Miner, 5) != nil || b.Inherit(Link, 3) != nil {
		t.Errorf("there is room for eight: %+v", b)
	}
	b.Open(19) // one that nobody took
	if err := b.Inherit(Second, 2); err != ErrFew {
		t.Errorf("one is left, and two are inherited: %v", err)
	}
	if b.Inherit(Second, 1) != nil || b.Take(Link, 1) {
		t.Errorf("none must be left: %+v", b)
	}
	if err := (*Budget)(nil).Inherit(Miner, 1<<40); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

func TestSeveralAtATime(t *testing.T) {
	b := New(20, 10, 5)
	if !b.Take(Link, 3) || b.Take(Link, 8) || !b.Take(Link, 7) || b.Take(Miner, 1) {
		t.Errorf("%+v", b)
	}
	b.Give(Link, 2)
	if b.Take(Link, 3) || !b.Take(Link, 2) {
		t.Errorf("%+v", b)
	}
}

// Descriptors open without having been taken are not available.
func TestWhatNobodyAskedFor(t *testing.T) {
	b := New(110, 10, 0)
	b.Take(Miner, 80)
	if b.Nearly() {
		t.Error("80 of 100 are nearly all")
	}
	if others := b.Open(85); others != 0 {
		t.Errorf("%d others; want none: ten stand", others)
	}
	if others := b.Open(105); others != 15 || !b.Nearly() {
		t.Errorf("%d others, want 15", others)
	}
	if b.Take(Miner, 6) || !b.Take(Miner, 5) {
		t.Error("a miner gets what is another's")
	}
	if b.Open(95); !b.Take(Miner, 15) {
		t.Error("what is closed is not to be had")
	}
}

func TestNoBudgetIsNoBound(t *testing.T) {
	var b *Budget
	if !b.Take(Miner, 1<<40) {
		t.Error("refused")
	}
	b.Give(Miner, 1<<40)
}

func TestALimitBelowWhatStands(t *testing.T) {
	if b := New(5, 10, 3); b.Take(Miner, 1) || b.Take(Link, 1) || b.Miners() != 0 {
		t.Errorf("%+v", b)
	}
}

func TestAnotherPartForLinks(t *testing.T) {
	b := New(20, 10, 2)
	if b.Total() != 10 || b.Miners() != 8 || !b.Take(Miner, 8) || b.Take(Miner, 1) {
		t.Errorf("%+v", b)
	}
	b.Keep(6)
	if b.Miners() != 4 || !b.Take(Link, 2) || b.Take(Link, 1) {
		t.Errorf("miners keep what they have: %+v", b)
	}
	b.Give(Miner, 5)
	if b.Take(Miner, 2) || !b.Take(Miner, 1) {
		t.Errorf("of ten, six are for links, two of which are taken, and three miners': %+v", b)
	}
	b.Keep(100)
	if b.Miners() != 0 {
		t.Errorf("there are no more than there are: %+v", b)
	}
}
