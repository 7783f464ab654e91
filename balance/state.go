package balance

import (
	"math"
	"time"
)

// MaxGoals is how many goals a route may have: Miner.Fits has a bit for each.
const MaxGoals = 64

// NoPin is Miner.Pinned of a miner that may work at any goal.
const NoPin = -1

// State is what Plan knows of a route.
type State struct {
	Goals  []Goal // MaxGoals at most
	Miners []Miner
}

// Goal is one part of the route.
type Goal struct {
	Wish float64 // its weight now; Plan divides by the sum of the open goals'
	Open bool    // miners can work there: one of its pools is up
	Owed float64 // work, from the Ledger: above 0, what it has had too little
}

// Miner is one miner of the route.
type Miner struct {
	ID     uint64 // the caller's; Plan only hands it back
	Goal   int    // where it works
	Rate   float64
	Share  float64       // work of one of its shares, about: how noisy it is. 0: not known
	Rested time.Duration // since its last move
	Fits   uint64        // bit i: it can work at goal i
	Pinned int           // the goal that it stays at while that is open, or NoPin
	Fixed  bool          // it cannot be moved at all
}

// known reports that the miner's rate is known: its shares have been counted long
// enough. The others are taken for average, and not moved for the balance's sake.
func (m *Miner) known() bool { return m.Rate > 0 && !math.IsInf(m.Rate, 1) }

// fits reports that the miner can work at a goal.
func (m *Miner) fits(goal int) bool { return m.Fits>>goal&1 != 0 }

// Move is one miner's change of goal.
type Move struct {
	ID       uint64
	From, To int
	Why      Reason
}

// Reason is why a miner moves.
type Reason uint8

// The reasons.
const (
	Balance    Reason = iota // its goal had too much work
	Closed                   // its goal is not open, or gets nothing now
	Pinned                   // it belongs to another goal
	NumReasons = iota
)

// Reasons are all of them.
var Reasons = [NumReasons]Reason{Balance, Closed, Pinned}

var reasonNames = [NumReasons]string{"balance", "closed", "pinned"}

// String returns the name that metrics and the log have for it.
func (r Reason) String() string { return reasonNames[r] }
