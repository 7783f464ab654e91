package bench

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// What is promised to honest miners and to the pool, whatever others do.
const (
	// mostSlower is by which factor the 99 % round trip may grow.
	mostSlower = 2

	// mostMemory bounds the proxy's resident memory. At rest it takes some
	// 20 MB with 1,000 miners. The attackers have 1,000 connections, each with
	// at most 64 KiB that wait for it: 64 MB, were all of them slow. 40 are. What
	// remains are tables with bounds of their own (parked sessions, workers, the
	// fingerprints of shares), and a collector that lets garbage grow meanwhile.
	mostMemory = 128 << 20

	// mostLinks is how many connections the proxy may have at a pool, beside those
	// of strangers: the farm's, probes, the honest agent's, as many again, and one
	// for each attacker that handed in a good share, which may earn it.
	mostLinks = 16

	// strangersLinks is how many those of one address may have before they handed
	// in a good share. In strangersTime as many may come and go: a pool bans who
	// connects all the time.
	strangersLinks = 64
	strangersTime  = time.Minute
)

// Ordeal is what one stage came to: all that is judged, and what helps to find a
// cause. Times are in seconds.
type Ordeal struct {
	Stage    string `json:"stage"`
	Checked  bool   `json:"checked"` // the algorithm is one that farmproxy computes
	Miners   int    `json:"miners"`  // honest ones, without newcomers
	Sent     int    `json:"sent"`    // shares of all honest miners
	Lost     int    `json:"lost"`    // of them, for no good reason
	Excused  int    `json:"excused"` // of them, such as those that a clean job made stale
	Closed   int    `json:"closed"`  // connections of honest miners, and refused logins
	Guests   int    `json:"newcomers"`
	GuestsIn int    `json:"newcomers_at_work"`
	Bouts    []Bout `json:"bouts"` // up to the first in which round trips were kept

	Duplicates int   `json:"duplicates"` // at the pool
	Low        int   `json:"low"`        // at the pool
	Elsewhere  int   `json:"elsewhere"`  // honest shares at the backup
	Links      int   `json:"links"`      // that brought the honest miners' shares
	Open       int   `json:"open"`       // connections that the proxy had at the pool, at the most
	Opened     int   `json:"opened"`     // all that it ever opened there
	Memory     int64 `json:"memory_bytes"`
	Looks      int   `json:"health_looks"`
	Sick       int   `json:"health_failed"`

	Raids    []RaidFigures  `json:"attacks"`
	Reasons  map[string]int `json:"closed_by_reason,omitempty"` // all connections, as the proxy counts them
	Troubles []string       `json:"troubles,omitempty"`         // the first of each kind
	Log      string         `json:"log,omitempty"`
}

// Bout is an attack, with the quiet around it: round trips of honest shares.
type Bout struct {
	Before   []float64 `json:"before_p99_seconds"`   // the attack, of each window
	After    []float64 `json:"after_p99_seconds"`    // it
	Attacked []float64 `json:"attacked_p99_seconds"` // the same under attack
	Stalled  float64   `json:"attacked_p95_seconds"` // over the whole attack: a stall of seconds is in few windows, and in this
	From     time.Time `json:"from"`                 // of the attack
	To       time.Time `json:"to"`
}

// quiet is the round trip without the attack.
func (b *Bout) quiet() float64 { return median(slices.Concat(b.Before, b.After)) }

// slower is by which factor the attack made round trips longer: windows by
// their medians, and the whole of it. One without an answer is endless.
func (b *Bout) slower() (windows, whole float64) {
	quiet, attacked := b.quiet(), median(b.Attacked)
	if quiet == 0 || attacked == 0 {
		return math.Inf(1), math.Inf(1)
	}
	return attacked / quiet, b.Stalled / quiet
}

// worse is max, for what slower returns.
func worse(windows, whole float64) float64 { return max(windows, whole) }

// left is by which factor round trips stayed longer after the attack than they
// were before the first one.
func (d *Ordeal) left() (ratio, after, before float64) {
	if len(d.Bouts) == 0 {
		return math.Inf(1), 0, 0
	}
	before = median(d.Bouts[0].Before)
	for _, b := range d.Bouts {
		if m := median(b.After); m > 0 && (after == 0 || m < after) {
			after = m
		}
	}
	if before == 0 || after == 0 {
		return math.Inf(1), after, before
	}
	return after / before, after, before
}

// fast says whether what is promised of round trips is kept so far.
func (d *Ordeal) fast() bool {
	left, _, _ := d.left()
	return max(left, worse(d.best().slower())) <= mostSlower
}

// best is the bout that the round trips are judged by: the machine's other work
// can spoil one, and what the proxy does is in all of them.
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

// attacked is how long the attacks took, with what was between them.
func (d *Ordeal) attacked() time.Duration {
	if len(d.Bouts) == 0 {
		return 0
	}
	return d.Bouts[len(d.Bouts)-1].To.Sub(d.Bouts[0].From)
}

// RaidFigures is what an attack did and came to.
type RaidFigures struct {
	Name     string         `json:"name"`
	Connects int            `json:"connects"`
	Cut      int            `json:"cut"` // of them, by the other side
	Sent     int            `json:"sent"`
	Accepted int            `json:"accepted"`
	Refused  int            `json:"refused"`
	Repeats  int            `json:"repeats_accepted"`
	Earned   int            `json:"connections_with_a_share"`
	Lanes    bool           `json:"lanes"` // it wanted links of its own
	Ends     map[string]int `json:"ends"`  // why connections ended and shares were refused
}

func (r *raid) figures() RaidFigures {
	b := &r.books
	b.mu.Lock()
	defer b.mu.Unlock()
	return RaidFigures{
		Name: r.name, Connects: int(b.connects.Load()), Cut: int(b.cut.Load()), Sent: int(b.sent.Load()),
		Accepted: int(b.accepted.Load()), Refused: int(b.refused.Load()), Repeats: int(b.repeats.Load()),
		Earned: int(b.earned.Load()), Lanes: r.lanes, Ends: maps.Clone(b.ends),
	}
}

// mostTroubles bounds what is told of one stage.
const mostTroubles = 12

// trouble notes something that helps to find a cause.
func (d *Ordeal) trouble(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(d.Troubles) < mostTroubles && !slices.Contains(d.Troubles, text) {
		d.Troubles = append(d.Troubles, text)
	}
}

// lost takes what a comparison found of the honest miners' shares. The
// attackers' own are on the pool's books too, and nothing here.
func (d *Ordeal) lost(r Reconciled) {
	for kind, n := range r.Breaches {
		if kind != breachInvented && kind != breachForwarded {
			d.Lost += n
			d.trouble("%d x %s", n, kind)
		}
	}
	for _, n := range r.Excused {
		d.Excused += n
	}
	for _, e := range r.Examples {
		if !strings.HasPrefix(e, breachInvented) && !strings.HasPrefix(e, breachForwarded) {
			d.trouble("%s", e)
		}
	}
}

// tripsDuring finds the round trip that 95 % of the shares of the attack had, of
// those that are answered.
func (b *Bout) tripsDuring(shares []FleetShare) {
	var trips latencies
	for _, s := range shares {
		if !s.Answered.IsZero() && s.Sent.After(b.From) && s.Sent.Before(b.To) {
			trips.add(s.Answered.Sub(s.Sent))
		}
	}
	b.Stalled = trips.quantile(0.95).Seconds()
}

// closings asks the proxy why it closed connections.
func (d *Ordeal) closings(ctx context.Context, api rest) {
	all, err := api.series(ctx, "farmproxy_connections_closed_total")
	if err != nil {
		d.trouble("metrics: %v", err)
		return
	}
	d.Reasons = map[string]int{}
	for _, s := range all {
		if s.value > 0 {
			d.Reasons[s.labels["reason"]] += int(s.value)
		}
	}
}

// promise is one line of the verdict: what is promised, what came of it, and
// whether it was kept.
type promise struct {
	text, figure, want string
	kept               bool
}

// verdict is the judgement, promise by promise.
func (d *Ordeal) verdict() (all []promise) {
	add := func(text string, kept bool, figure, want string, args ...any) {
		all = append(all, promise{text, figure, fmt.Sprintf(want, args...), kept})
	}
	none := func(text string, n int) { add(text, n == 0, fmt.Sprint(n), "0") }

	none(fmt.Sprintf("honest shares lost, of %d", d.Sent), d.Lost)
	none("honest miners closed or refused", d.Closed)
	add("newcomers at work during the attack", d.GuestsIn == d.Guests, fmt.Sprint(d.GuestsIn), "%d", d.Guests)
	best := d.best()
	quiet := best.quiet()
	windows, whole := best.slower()
	add("round trip 99 %, attacked to quiet", windows <= mostSlower,
		against(windows, median(best.Attacked), quiet), "%d at most", mostSlower)
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
	add("memory", d.Memory > 0 && d.Memory <= mostMemory, megabytes(float64(d.Memory)), "%s at most", megabytes(mostMemory))
	add(fmt.Sprintf("health checks failed, of %d", d.Looks), d.Looks > 0 && d.Sick == 0, fmt.Sprint(d.Sick), "0")
	add("attacks that did nothing", len(idle) == 0, fmt.Sprintf("%d %s", len(idle), strings.Join(idle, " ")), "0")
	return all
}

func against(ratio, v, base float64) string {
	return fmt.Sprintf("%.2f  (%s to %s)", ratio, seconds(v), seconds(base))
}

// broken is the promises that were not kept, in words.
func (d *Ordeal) broken() (all []string) {
	for _, p := range d.verdict() {
		if !p.kept {
			all = append(all, fmt.Sprintf("stage %s: %s: %s, want %s", d.Stage, p.text, p.figure, p.want))
		}
	}
	return all
}

// printOrdeals is the tables of the stages.
func (out *Outcome) printOrdeals(t terminal) {
	w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	for i := range out.Ordeals {
		d := &out.Ordeals[i]
		fmt.Fprintf(w, "\nstage %s, %d honest miners\t\t\t\n", d.Stage, d.Miners)
		for _, p := range d.verdict() {
			kept := "ok"
			if !p.kept {
				kept = "BROKEN"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", p.text, p.figure, p.want, kept)
		}
		w.Flush()
		fmt.Fprintf(w, "  attack\tconnections\tclosed\tsent\taccepted\trefused\n")
		for _, r := range d.Raids {
			fmt.Fprintf(w, "  %s\t%d\t%d\t%d\t%d\t%d\n", r.Name, r.Connects, r.Cut, r.Sent, r.Accepted, r.Refused)
		}
		w.Flush()
		if len(d.broken()) == 0 {
			continue
		}
		for _, r := range d.Raids {
			t.printf("  %s: %s\n", r.Name, counts(r.Ends))
		}
		t.printf("  all connections, closed by the proxy: %s\n", counts(d.Reasons))
		for _, trouble := range d.Troubles {
			t.printf("  ! %s\n", trouble)
		}
	}
}
