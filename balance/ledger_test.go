package balance

import (
	"math"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestWhatGoalsAreOwed(t *testing.T) {
	open := func(wishes ...float64) (goals []Goal) {
		for _, w := range wishes {
			goals = append(goals, Goal{Wish: w, Open: true})
		}
		return goals
	}
	const rate = 1000
	f := func(name string, goals []Goal, works [][]float64, want ...float64) {
		t.Helper()
		l := Ledger{}
		for _, work := range works {
			l.Book(goals, work, rate)
		}
		sum := 0.0
		for g, w := range want {
			sum += l.Owed(g)
			if !near(l.Owed(g), w) {
				t.Errorf("%s: goal %d is owed %v, want %v", name, g, l.Owed(g), w)
			}
		}
		if !near(sum, 0) {
			t.Errorf("%s: all together are owed %v", name, sum)
		}
	}
	limit := debtLimit * rate * 1.0
	down := open(50, 50, 50)
	down[2].Open = false
	f("what was wished", open(70, 30), [][]float64{{70, 30}}, 0, 0)
	f("too little", open(70, 30), [][]float64{{60, 40}}, 10, -10)
	f("it adds up", open(70, 30), [][]float64{{60, 40}, {100, 0}, {50, 50}}, 0, 0)
	f("nothing was done", open(70, 30), [][]float64{{0, 0}}, 0, 0)
	f("one that is down is owed nothing", down, [][]float64{{40, 60, 0}}, 10, -10, 0)
	f("its work is nobody's", down, [][]float64{{40, 60, 300}}, 10, -10, 0)
	f("no more than a limit", open(50, 50), [][]float64{{0, 1e6}}, limit, -limit)
	// The third can't have its wish; what it is forgiven the others divide by theirs.
	f("the others divide what is forgiven", open(50, 25, 25), [][]float64{{40e3, 40e3, 20e3}, {40e3, 40e3, 20e3}}, limit*scale(.25)*2/3, -limit*scale(.25), limit*scale(.25)/3)
	f("only one", open(1), [][]float64{{500}}, 0)
}

func TestDebtsFollowTheirGoals(t *testing.T) {
	l := Ledger{}
	l.Book([]Goal{{Wish: 50, Open: true}, {Wish: 50, Open: true}}, []float64{40, 60}, 1000)
	l.Follow([]int{1, -1, 0})
	if l.Owed(0) != -10 || l.Owed(1) != 0 || l.Owed(2) != 10 || l.Owed(3) != 0 {
		t.Errorf("owed: %v", l)
	}
}
