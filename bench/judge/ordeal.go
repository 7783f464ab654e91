package judge

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"farmproxy/bench/attack"
	"farmproxy/bench/figure"
	"farmproxy/bench/fleet"
)

// Promises to honest miners and to the pool, whatever others do.
const (
	// mostSlower is the factor by which the 99 % round trip may grow.
	mostSlower = 2

	// mostMemory bounds the proxy's resident memory. At rest it takes about 20 MB with
	// 1,000 miners. The attackers have 1,000 connections with at most 64 KiB waiting
	// for each: 64 MB if all of them were slow. 40 are. The rest is tables with bounds
	// of their own (parked sessions, workers, share fingerprints), and garbage that
	// grows until the collector runs.
	mostMemory = 128 << 20

	// mostLinks is how many connections the proxy may have at a pool, not counting
	// those of strangers: the farm's, probes, the honest agent's, the same number
	// again, and one per attacker that submitted a good share, which may earn it.
	mostLinks = 16

	// strangersLinks is how many links the strangers of one address may have before
	// they have submitted a good share. As many may come and go within strangersTime: a
	// pool bans clients that connect all the time.
	strangersLinks = 64
	strangersTime  = time.Minute

	// testedEach is how many shares of work that no pool gave a newcomer may hand in
	// before it has a link: one gets it the link, and some are found until that is up.
	testedEach = 8
)

// Ordeal is the result of one stage: everything that is judged, and what helps to find
// a cause. Times are in seconds.
type Ordeal struct {
	Stage    string `json:"stage"`
	Checked  bool   `json:"checked"`             // farmproxy can compute the algorithm
	Miners   int    `json:"miners"`              // honest ones, without newcomers
	Sent     int    `json:"sent"`                // shares of all honest miners
	Lost     int    `json:"lost"`                // shares lost for no good reason
	Excused  int    `json:"excused"`             // shares with an excuse, for example made stale by a clean job
	Closed   int    `json:"closed"`              // honest miners' connections closed, and logins refused
	Returned int    `json:"returned,omitempty"`  // newcomers behind agents that connected again after their test work, once each
	Tested   int    `json:"test_work,omitempty"` // shares of newcomers while they waited for a link
	Guests   int    `json:"newcomers"`
	GuestsIn int    `json:"newcomers_at_work"`
	Bouts    []Bout `json:"bouts"` // up to the first in which round trips stayed within the promise

	Duplicates int   `json:"duplicates"` // at the pool
	Low        int   `json:"low"`        // at the pool
	Elsewhere  int   `json:"elsewhere"`  // honest shares at the backup
	Links      int   `json:"links"`      // links that carried the honest miners' shares
	Open       int   `json:"open"`       // most connections that the proxy had at the pool
	Opened     int   `json:"opened"`     // all connections it ever opened there
	Memory     int64 `json:"memory_bytes"`
	Looks      int   `json:"health_looks"`
	Sick       int   `json:"health_failed"`

	Raids    []attack.Figures `json:"attacks"`
	Reasons  map[string]int   `json:"closed_by_reason,omitempty"` // all connections, as the proxy counts them
	Troubles []string         `json:"troubles,omitempty"`         // the first of each kind
	Log      string           `json:"log,omitempty"`
}

// Bout is an attack with the quiet periods around it: round trips of honest shares.
type Bout struct {
	Before   []float64 `json:"before_p99_seconds"`   // the attack, of each window
	After    []float64 `json:"after_p99_seconds"`    // it
	Attacked []float64 `json:"attacked_p99_seconds"` // the same under attack
	Stalled  float64   `json:"attacked_p95_seconds"` // over the whole attack: a stall of seconds is in few windows, but in this
	From     time.Time `json:"from"`                 // start of the attack
	To       time.Time `json:"to"`
}

// quiet returns the round trip without the attack.
func (b *Bout) quiet() float64 { return figure.Median(slices.Concat(b.Before, b.After)) }

// slower returns the factors by which the attack made round trips longer: by the
// medians of windows, and over the whole attack. A missing answer counts as infinite.
func (b *Bout) slower() (windows, whole float64) {
	quiet, attacked := b.quiet(), figure.Median(b.Attacked)
	if quiet == 0 || attacked == 0 {
		return math.Inf(1), math.Inf(1)
	}
	return attacked / quiet, b.Stalled / quiet
}

// worse is max, for slower's results.
func worse(windows, whole float64) float64 { return max(windows, whole) }

// left returns the factor by which round trips stayed longer after the attack than they
// were before the first one.
func (d *Ordeal) left() (ratio, after, before float64) {
	if len(d.Bouts) == 0 {
		return math.Inf(1), 0, 0
	}
	before = figure.Median(d.Bouts[0].Before)
	for _, b := range d.Bouts {
		if m := figure.Median(b.After); m > 0 && (after == 0 || m < after) {
			after = m
		}
	}
	if before == 0 || after == 0 {
		return math.Inf(1), after, before
	}
	return after / before, after, before
}

// Fast reports whether the promise about round trips has been kept so far.
func (d *Ordeal) Fast() bool {
	left, _, _ := d.left()
	return max(left, worse(d.best().slower())) <= mostSlower
}

// best returns the bout by which round trips are judged: other work on the machine can
// spoil one, but the proxy's own effects are in all of them.
func (d *Ordeal) best() *Bout {
	if len(d.Bouts) == 0 {
		return &Bout{}
	}
	best := &d.Bouts[0]
	for i := range d.Bouts {
		b := &d.Bouts[i]
		if worse(b.slower()) < worse(best.slower()) {
			best = b
		}
	}
	return best
}

// attacked returns how long the attacks took, including the time between them.
func (d *Ordeal) attacked() time.Duration {
	if len(d.Bouts) == 0 {
		return 0
	}
	return d.Bouts[len(d.Bouts)-1].To.Sub(d.Bouts[0].From)
}

// mostTroubles bounds the troubles reported per stage.
const mostTroubles = 12

// Trouble records something that helps to find a cause.
func (d *Ordeal) Trouble(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(d.Troubles) < mostTroubles && !slices.Contains(d.Troubles, text) {
		d.Troubles = append(d.Troubles, text)
	}
}

// Enter takes the results of comparing the honest miners' shares. The attackers' shares
// are in the pool's books too, and are ignored here.
func (d *Ordeal) Enter(r Reconciled) {
	for kind, n := range r.Breaches {
		if kind != breachInvented && kind != breachForwarded {
			d.Lost += n
			d.Trouble("%d x %s", n, kind)
		}
	}
	for _, n := range r.Excused {
		d.Excused += n
	}
	d.Tested += r.Tested
	for _, e := range r.Examples {
		if !strings.HasPrefix(e, breachInvented) && !strings.HasPrefix(e, breachForwarded) {
			d.Trouble("%s", e)
		}
	}
}

// TripsDuring finds the 95 % round trip of the attack's shares, among those answered.
func (b *Bout) TripsDuring(shares []fleet.Share) {
	var trips fleet.Latencies
	for _, s := range shares {
		if !s.Answered.IsZero() && s.Sent.After(b.From) && s.Sent.Before(b.To) {
			trips.Add(s.Answered.Sub(s.Sent))
		}
	}
	b.Stalled = trips.Quantile(0.95).Seconds()
}

// promise is one line of the verdict: the promise, the result, and whether it was kept.
type promise struct {
	Text, Figure, Want string
	Kept               bool
}

// Verdict returns the judgement, promise by promise.
func (d *Ordeal) Verdict() (all []promise) {
	add := func(text string, kept bool, figure, want string, args ...any) {
		all = append(all, promise{text, figure, fmt.Sprintf(want, args...), kept})
	}
	none := func(text string, n int) { add(text, n == 0, fmt.Sprint(n), "0") }

	none(fmt.Sprintf("honest shares lost, of %d", d.Sent), d.Lost)
	none("honest miners closed or refused", d.Closed)
	add("newcomers at work during the attack", d.GuestsIn == d.Guests, fmt.Sprint(d.GuestsIn), "%d", d.Guests)
	add("those behind agents that came back from test work, and its shares", d.Tested <= testedEach*d.Guests,
		fmt.Sprintf("%d, %d", d.Returned, d.Tested), "%d shares at most", testedEach*d.Guests)
	best := d.best()
	quiet := best.quiet()
	windows, whole := best.slower()
	add("round trip 99 %, attacked to quiet", windows <= mostSlower,
		against(windows, figure.Median(best.Attacked), quiet), "%d at most", mostSlower)
	add("round trip 95 % of the whole attack, to quiet 99 %", whole <= mostSlower,
		against(whole, best.Stalled, quiet), "%d at most", mostSlower)
	left, after, before := d.left()
	add("round trip 99 %, after the attack to before it", left <= mostSlower, against(left, after, before), "%d at most", mostSlower)
	none("duplicates at the pool", d.Duplicates)
	if d.Checked {
		none("low shares at the pool", d.Low)
	}
	repeats, idle := 0, []string{}
	open, opened := mostLinks, mostLinks
	for _, r := range d.Raids {
		repeats += r.Repeats
		open, opened = open+r.Earned, opened+r.Earned
		if r.Lanes {
			open += strangersLinks
			opened += strangersLinks * (2 + int(d.attacked()/strangersTime))
		}
		if r.Sent == 0 {
			idle = append(idle, r.Name)
		}
	}
	none("repeated shares accepted", repeats)
	add("links that carried the honest shares", d.Links == 1, fmt.Sprint(d.Links), "1")
	none("honest shares at the backup", d.Elsewhere)
	add("connections at the pool at a time", d.Open <= open, fmt.Sprint(d.Open), "%d at most", open)
	add("connections at the pool in all", d.Opened <= opened, fmt.Sprint(d.Opened), "%d at most", opened)
	add("memory", d.Memory > 0 && d.Memory <= mostMemory, figure.Megabytes(float64(d.Memory)), "%s at most", figure.Megabytes(mostMemory))
	add(fmt.Sprintf("health checks failed, of %d", d.Looks), d.Looks > 0 && d.Sick == 0, fmt.Sprint(d.Sick), "0")
	add("attacks that did nothing", len(idle) == 0, fmt.Sprintf("%d %s", len(idle), strings.Join(idle, " ")), "0")
	return all
}

func against(ratio, v, base float64) string {
	return fmt.Sprintf("%.2f  (%s to %s)", ratio, figure.Seconds(v), figure.Seconds(base))
}

// Broken returns the broken promises, in words.
func (d *Ordeal) Broken() (all []string) {
	for _, p := range d.Verdict() {
		if !p.Kept {
			all = append(all, fmt.Sprintf("stage %s: %s: %s, want %s", d.Stage, p.Text, p.Figure, p.Want))
		}
	}
	return all
}
