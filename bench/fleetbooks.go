package bench

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// FleetShare is one submit as its miner saw it.
type FleetShare struct {
	Miner    int // index in the fleet
	Key      WorkKey
	Hash     Hash
	Work     float64 // that it counts, in shares of difficulty 1
	Sent     time.Time
	Answered time.Time // zero: no answer came
	Code     int       // of a refusal
	Refused  string    // why; "": accepted, if answered at all
}

// Accepted says whether the miner was told so.
func (s FleetShare) Accepted() bool { return !s.Answered.IsZero() && s.Refused == "" }

// MinerBooks is what one miner went through.
type MinerBooks struct {
	Submits     int `json:"submits"`
	Accepted    int `json:"accepted"`
	Refused     int `json:"refused"`
	Unanswered  int `json:"unanswered"`  // of submits whose connection ended
	Disconnects int `json:"disconnects"` // by the other side
	Reconnects  int `json:"reconnects"`  // that client.reconnect asked for
	Refusals    int `json:"refusals"`    // logins that were refused
}

// FleetTotal is the sum over all miners, and what belongs to none.
type FleetTotal struct {
	MinerBooks
	Reasons  map[string]int `json:"reasons"`  // refusals by "code text"
	LeftOut  int            `json:"left_out"` // shares not sent: the machine or the answers were too slow for the rate
	TooHard  int            `json:"too_hard"` // shares not sent: the difficulty is beyond a CPU
	Garbage  int            `json:"garbage"`  // lines that no miner understands
	Failures int            `json:"failures"` // dials and handshakes that came to nothing
}

// FleetBooks is the fleet's record of every share. Safe for use by any goroutine.
type FleetBooks struct {
	mu      sync.Mutex
	pages   [][]FleetShare // answered, and given up; all but the last are full
	missing int            // shares beyond fleetShares
	miners  []MinerBooks
	total   FleetTotal
	trouble string

	trip latencies
}

// fleetShares bounds what is kept of single shares, some 130 MB, on pages of
// 0.5 MB: one slice of them all would be copied each time that it grows, up to
// 100 MB while every miner waits for the books.
const (
	fleetShares = 1 << 20
	sharesAPage = 1 << 12
)

func newFleetBooks(miners int) *FleetBooks {
	return &FleetBooks{miners: make([]MinerBooks, miners), total: FleetTotal{Reasons: map[string]int{}}}
}

func (b *FleetBooks) sent(miner int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miners[miner].Submits++
	b.total.Submits++
}

// answered books s with its answer, or without one when its connection ended.
func (b *FleetBooks) answered(s FleetShare) {
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
		b.trip.add(s.Answered.Sub(s.Sent))
	}
	last := len(b.pages) - 1
	if last < 0 || len(b.pages[last]) == sharesAPage {
		if len(b.pages) == fleetShares/sharesAPage {
			b.missing++
			return
		}
		b.pages = append(b.pages, make([]FleetShare, 0, sharesAPage))
		last++
	}
	b.pages[last] = append(b.pages[last], s)
}

func (b *FleetBooks) disconnected(miner int, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miners[miner].Disconnects++
	b.total.Disconnects++
	b.trouble = fmt.Sprintf("miner %d lost its connection: %v", miner, why)
}

func (b *FleetBooks) toldToReconnect(miner int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miners[miner].Reconnects++
	b.total.Reconnects++
}

func (b *FleetBooks) failed(miner int, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.Failures++
	b.trouble = fmt.Sprintf("miner %d: %s", miner, why)
}

func (b *FleetBooks) turnedAway(miner int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miners[miner].Refusals++
	b.total.Refusals++
}

func (b *FleetBooks) garbage(miner int, line []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.Garbage++
	b.trouble = fmt.Sprintf("miner %d got a line that it doesn't understand: %.200q", miner, line)
}

func (b *FleetBooks) leaveOut(shares int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.LeftOut += shares
}

func (b *FleetBooks) tooHard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.TooHard++
}

func (b *FleetBooks) lastTrouble() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trouble == "" {
		return "none"
	}
	return b.trouble
}

// Total is the sum so far.
func (b *FleetBooks) Total() FleetTotal {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.total
	t.Reasons = maps.Clone(t.Reasons)
	return t
}

// Miner is the books of one miner, by its index.
func (b *FleetBooks) Miner(i int) MinerBooks {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.miners[i]
}

// Shares are the single shares in the order of their answers, and how many are
// missing because there were too many.
func (b *FleetBooks) Shares() (shares []FleetShare, missing int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Concat(b.pages...), b.missing
}

// RoundTrip is the quantile q (0..1) of submit round trips since the last ResetTrips.
func (b *FleetBooks) RoundTrip(q float64) time.Duration { return b.trip.quantile(q) }

// ResetTrips forgets the round trips so far.
func (b *FleetBooks) ResetTrips() { b.trip.reset() }

// latencies is a histogram with steps of 1/32 of an octave-wide bucket: what it
// says is at most 3 % too high.
type latencies struct {
	count [64 * latencySteps]atomic.Uint64
}

const latencySteps = 32

func (l *latencies) bucket(d time.Duration) int {
	n := uint64(max(d, 1))
	octave := 63
	for n>>octave == 0 {
		octave--
	}
	step := 0
	if octave > 5 {
		step = int(n>>(octave-5)) & (latencySteps - 1)
	}
	return octave*latencySteps + step
}

func (l *latencies) add(d time.Duration) { l.count[l.bucket(d)].Add(1) }

func (l *latencies) reset() {
	for i := range l.count {
		l.count[i].Store(0)
	}
}

// quantile is the upper end of the bucket that holds it; 0 when there is none.
func (l *latencies) quantile(q float64) time.Duration {
	var total uint64
	for i := range l.count {
		total += l.count[i].Load()
	}
	if total == 0 {
		return 0
	}
	rank := uint64(q * float64(total-1))
	for i := range l.count {
		n := l.count[i].Load()
		if rank < n {
			octave, step := i/latencySteps, i%latencySteps
			width := uint64(1) << octave
			return time.Duration(width + width*uint64(step+1)/latencySteps)
		}
		rank -= n
	}
	return 0
}
