package fleet

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"farmproxy/bench/proof"
)

// Share is one submit as its miner saw it.
type Share struct {
	Miner    int // index in the fleet
	Key      proof.WorkKey
	Hash     proof.Hash
	Work     float64 // its worth, in shares of difficulty 1
	Sent     time.Time
	Answered time.Time // zero: no answer came
	Code     int       // for a refusal
	Refused  string    // the reason; "": accepted, if answered at all
}

// Accepted reports whether the miner was told that the share was accepted.
func (s Share) Accepted() bool { return !s.Answered.IsZero() && s.Refused == "" }

// MinerBooks is the history of one miner.
type MinerBooks struct {
	Submits     int `json:"submits"`
	Accepted    int `json:"accepted"`
	Refused     int `json:"refused"`
	Unanswered  int `json:"unanswered"`  // submits whose connection ended
	Disconnects int `json:"disconnects"` // by the other side
	Reconnects  int `json:"reconnects"`  // on request of client.reconnect
	Refusals    int `json:"refusals"`    // refused logins
}

// Total is the sum over all miners, and events of none in particular.
type Total struct {
	MinerBooks
	Reasons  map[string]int `json:"reasons"`  // refusals by "code text"
	LeftOut  int            `json:"left_out"` // shares not sent: the machine or the answers were too slow for the rate
	TooHard  int            `json:"too_hard"` // shares not sent: the difficulty is beyond a CPU
	Garbage  int            `json:"garbage"`  // lines that no miner understands
	Failures int            `json:"failures"` // failed dials and handshakes
}

// Books is the fleet's record of every share. Safe for use by any goroutine.
type Books struct {
	mu      sync.Mutex
	pages   [][]Share // answered or given up; all but the last are full
	missing int       // shares beyond sharesKept
	miners  []MinerBooks
	total   Total
	trouble string

	trip Latencies
}

// sharesKept bounds the single shares kept, about 130 MB, on pages of 0.5 MB: one slice
// for all would be copied whenever it grows, up to 100 MB while every miner waits for
// the books.
const (
	sharesKept  = 1 << 20
	sharesAPage = 1 << 12
)

func newBooks(miners int) *Books {
	return &Books{miners: make([]MinerBooks, miners), total: Total{Reasons: map[string]int{}}}
}

func (b *Books) sent(miner int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miners[miner].Submits++
	b.total.Submits++
}

// Answered books s with its answer, or without one if its connection ended.
func (b *Books) Answered(s Share) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := func(m *MinerBooks) *int {
		switch {
		case s.Answered.IsZero():
			return &m.Unanswered
		case s.Refused == "":
			return &m.Accepted
		}
		return &m.Refused
	}
	*one(&b.miners[s.Miner])++
	*one(&b.total.MinerBooks)++
	if s.Refused != "" {
		b.total.Reasons[fmt.Sprintf("%d %s", s.Code, s.Refused)]++
	}
	if !s.Answered.IsZero() {
		b.trip.Add(s.Answered.Sub(s.Sent))
	}
	last := len(b.pages) - 1
	if last < 0 || len(b.pages[last]) == sharesAPage {
		if len(b.pages) == sharesKept/sharesAPage {
			b.missing++
			return
		}
		b.pages = append(b.pages, make([]Share, 0, sharesAPage))
		last++
	}
	b.pages[last] = append(b.pages[last], s)
}

func (b *Books) disconnected(miner int, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miners[miner].Disconnects++
	b.total.Disconnects++
	b.trouble = fmt.Sprintf("miner %d lost its connection: %v", miner, why)
}

func (b *Books) toldToReconnect(miner int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miners[miner].Reconnects++
	b.total.Reconnects++
}

func (b *Books) failed(miner int, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.Failures++
	b.trouble = fmt.Sprintf("miner %d: %s", miner, why)
}

func (b *Books) turnedAway(miner int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miners[miner].Refusals++
	b.total.Refusals++
}

func (b *Books) garbage(miner int, line []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.Garbage++
	b.trouble = fmt.Sprintf("miner %d got a line that it doesn't understand: %.200q", miner, line)
}

func (b *Books) leaveOut(shares int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.LeftOut += shares
}

func (b *Books) tooHard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.TooHard++
}

// LastTrouble returns the most recent trouble, or "none".
func (b *Books) LastTrouble() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trouble == "" {
		return "none"
	}
	return b.trouble
}

// Total returns the sum so far.
func (b *Books) Total() Total {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.total
	t.Reasons = maps.Clone(t.Reasons)
	return t
}

// Miner returns the books of one miner, by its index.
func (b *Books) Miner(i int) MinerBooks {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.miners[i]
}

// Shares returns the single shares in the order of their answers, and how many are
// missing because there were too many.
func (b *Books) Shares() (shares []Share, missing int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Concat(b.pages...), b.missing
}

// RoundTrip returns the quantile q (0..1) of submit round trips since the last
// ResetTrips.
func (b *Books) RoundTrip(q float64) time.Duration { return b.trip.Quantile(q) }

// ResetTrips forgets the round trips so far.
func (b *Books) ResetTrips() { b.trip.reset() }

// Add adds another fleet's sums.
func (t *Total) Add(o Total) {
	t.Submits, t.Accepted = t.Submits+o.Submits, t.Accepted+o.Accepted
	t.Refused, t.Unanswered = t.Refused+o.Refused, t.Unanswered+o.Unanswered
	t.Disconnects, t.Reconnects = t.Disconnects+o.Disconnects, t.Reconnects+o.Reconnects
	t.LeftOut, t.TooHard = t.LeftOut+o.LeftOut, t.TooHard+o.TooHard
	t.Garbage, t.Failures, t.Refusals = t.Garbage+o.Garbage, t.Failures+o.Failures, t.Refusals+o.Refusals
	for reason, n := range o.Reasons {
		t.Reasons[reason] += n
	}
}
