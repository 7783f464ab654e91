package balance

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// situation is a State in one line: goals, then miners. A goal is its weight, with "down"
// where it is not open, and what it is owed in seconds of the route. A miner is its rate
// and the goal that it is at, with what is special about it.
func situation(t *testing.T, text string) State {
	t.Helper()
	s := State{}
	goals, miners, _ := strings.Cut(text, "|")
	for _, word := range strings.Split(goals, ",") {
		g := Goal{Open: !strings.Contains(word, "down")}
		if n, _ := fmt.Sscanf(strings.Replace(word, "down", "", 1), "%g owed %g", &g.Wish, &g.Owed); n < 1 {
			t.Fatalf("a goal: %q", word)
		}
		s.Goals = append(s.Goals, g)
	}
	rate := 0.0
	for i, word := range strings.Split(miners, ",") {
		m := Miner{ID: uint64(i), Fits: 1<<len(s.Goals) - 1, Pinned: NoPin, Rested: time.Hour}
		if n, _ := fmt.Sscanf(word, "%g at %d", &m.Rate, &m.Goal); n != 2 {
			t.Fatalf("a miner: %q", word)
		}
		m.Share = m.Rate / 100 // next to no noise
		for _, special := range strings.Fields(word)[3:] {
			kind, value, _ := strings.Cut(special, "=")
			n := 0
			fmt.Sscan(value, &n)
			switch kind {
			case "fixed":
				m.Fixed = true
			case "pin":
				m.Pinned = n
			case "only":
				m.Fits = 1 << n
			case "rested":
				m.Rested = time.Duration(n) * time.Second
			default:
				t.Fatalf("a miner: %q", word)
			}
		}
		rate += m.Rate
		s.Miners = append(s.Miners, m)
	}
	for g := range s.Goals {
		s.Goals[g].Owed *= rate
	}
	return s
}

func TestWhoIsMoved(t *testing.T) {
	f := func(given, want string) {
		t.Helper()
		s := situation(t, given)
		moves := Plan(s)
		checkMoves(t, s, moves)
		var got []string
		for _, m := range moves {
			got = append(got, fmt.Sprintf("%g to %d %v", s.Miners[m.ID].Rate, m.To, m.Why))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s:\n%q, want\n%q", given, strings.Join(got, ", "), want)
		}
	}
	// At its wish: nobody.
	f("50, 50 | 10 at 0, 10 at 1", "")
	f("70, 30 | 40 at 0, 30 at 0, 20 at 1, 10 at 1", "")
	// One that does it is better than several.
	f("50, 50 | 10 at 0, 20 at 0, 10 at 0, 40 at 0, 20 at 1, 20 at 1", "20 to 1 balance")
	f("50, 50 | 50 at 0, 5 at 0, 20 at 0, 25 at 0, 40 at 0, 20 at 1, 20 at 1, 20 at 1", "40 to 1 balance")
	// Large ones first: they are fewer.
	f("20, 80 | 50 at 0, 30 at 0, 10 at 0, 10 at 0", "50 to 1 balance, 30 to 1 balance")
	// A debt is paid though all is well now, by as much as pays it within the horizon.
	f("50 owed 6, 50 owed -6 | 10 at 0, 40 at 0, 1 at 1, 49 at 1", "1 to 0 balance")
	// A debt that is being paid, and one within its band, is left alone.
	f("50 owed 6, 50 owed -6 | 10 at 0, 41 at 0, 49 at 1", "")
	f("50 owed 2, 50 owed -2 | 50 at 0, 1 at 1, 49 at 1", "")
	// Pools that are down, and weights of nothing, at once; the others get what is theirs.
	f("50, 50 down | 10 at 0, 10 at 1", "10 to 0 closed")
	f("50, 0 | 10 at 0, 10 at 1 rested=1", "10 to 0 closed")
	f("40, 40, 20 down | 10 at 0, 10 at 1, 6 at 2, 4 at 2", "6 to 0 closed, 4 to 1 closed")
	f("50 down, 50 down | 10 at 0, 10 at 1", "")
	f("0, 0 | 10 at 0, 10 at 1", "")
	// It comes back, and gets its part.
	f("50, 50 | 10 at 0, 10 at 0", "10 to 1 balance")
	// Pins come first, and go back; while a goal is down its pinned miners work elsewhere.
	f("50, 50 | 10 at 0 pin=1, 10 at 1", "10 to 1 pinned, 10 to 0 balance")
	f("50, 50 down | 10 at 0, 10 at 1 pin=1", "10 to 0 closed")
	f("50, 0 | 10 at 0, 10 at 0 pin=1", "10 to 1 pinned")
	f("10, 90 | 50 at 0 pin=0, 50 at 1", "")
	f("50, 50 | 10 at 0 pin=7, 10 at 1", "")
	// Where they fit: as near as can be, and nowhere else.
	f("50, 50 | 10 at 0 only=0, 10 at 0 only=0", "")
	f("10, 90 owed 24 | 80 at 0 only=0, 20 at 0", "20 to 1 balance")
	f("50, 50 down | 10 at 0, 10 at 1 only=1", "")
	f("30, 0, 70 | 10 at 1 only=0, 20 at 2", "10 to 0 closed")
	// An agent stays; the others make up for it.
	f("50, 50 | 50 at 0 fixed, 25 at 0, 25 at 0", "25 to 1 balance, 25 to 1 balance")
	f("50, 50 down | 10 at 0, 10 at 1 fixed", "")
	// Nobody is moved that was moved lately, unless a debt becomes urgent.
	f("50, 50 | 10 at 0 rested=60, 10 at 0 rested=60", "10 to 1 balance")
	f("50, 50 | 10 at 0 rested=20, 10 at 0 rested=20", "")
	f("48, 52 | 10 at 0 rested=60, 10 at 0 rested=60, 100 at 0 rested=60, 120 at 1", "")
	// Then small ones move, if together they settle it; not, if too few may.
	hall := strings.TrimSuffix(strings.Repeat("1 at 0 rested=40, ", 30), ", ")
	f("40, 60 | "+hall, strings.TrimSuffix(strings.Repeat("1 to 1 balance, ", 18), ", "))
	f("40, 60 | "+strings.Replace(hall, "rested=40", "rested=20", 15), "")
	// One does nearly all: it goes where it is owed.
	f("50 owed -10, 50 owed 10 | 90 at 0 rested=60, 10 at 1", "90 to 1 balance, 10 to 0 balance")
	f("50 owed 0, 50 owed 0 | 90 at 0 rested=60, 10 at 1", "")
}

// Miners whose rate is not known are taken for average, and not moved for it.
func TestMinersThatNothingIsKnownOf(t *testing.T) {
	s := situation(t, "50, 50 | 10 at 0, 10 at 0, 10 at 1, 10 at 1, 10 at 0, 10 at 0")
	for i := range s.Miners {
		s.Miners[i].Rate = 0
	}
	if moves := Plan(s); len(moves) > 0 {
		t.Errorf("nothing is known, and %v", moves)
	}
	s.Miners[0].Rate, s.Miners[2].Rate = 10, 10
	s.Miners[1].Rate = math.NaN()
	s.Miners[3].Rate = math.Inf(1)
	if moves := Plan(s); len(moves) != 1 || moves[0].ID != 0 {
		t.Errorf("only miner 0 may be moved to make 3 of 6 of them, and %v", moves)
	}
}

// What Plan did is not done again at the next look.
func TestMovesAreMadeOnce(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		f := newFarm(seed, []float64{55, 30, 15}, mixed(seed, 50))
		s := State{Goals: f.goals}
		for i := range f.rigs {
			m := f.rigs[i].Miner
			m.Rate, m.Share, m.Rested = f.rigs[i].rate, f.rigs[i].share/100, time.Hour
			s.Miners = append(s.Miners, m)
		}
		first := Plan(s)
		if len(first) == 0 {
			t.Fatalf("seed %d: 33, 33, 33 is taken for 55, 30, 15", seed)
		}
		for _, m := range first {
			s.Miners[m.ID].Goal, s.Miners[m.ID].Rested = m.To, 0
		}
		if again := Plan(s); len(again) > 0 {
			t.Errorf("seed %d: after %d moves %d more", seed, len(first), len(again))
		}
	}
}

// The order in which the loops name their miners does not matter.
func TestTheOrderOfMinersDoesNotMatter(t *testing.T) {
	f := newFarm(3, []float64{60, 25, 15}, mixed(3, 100))
	s := State{Goals: f.goals}
	for i := range f.rigs {
		m := f.rigs[i].Miner
		m.Rate, m.Rested = math.Ceil(f.rigs[i].rate/50)*50, time.Hour // many equal ones
		s.Miners = append(s.Miners, m)
	}
	want := Plan(s)
	for range 10 {
		f.Shuffle(len(s.Miners), func(i, j int) { s.Miners[i], s.Miners[j] = s.Miners[j], s.Miners[i] })
		if got := Plan(s); !slices.Equal(got, want) {
			t.Fatalf("%v, then %v", want, got)
		}
	}
}
