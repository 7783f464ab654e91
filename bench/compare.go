package bench

import (
	"fmt"
	"slices"
	"time"
)

// comparison is what the two books are laid beside each other with.
type comparison struct {
	shares []FleetShare
	name   func(miner int) string // under which a pool knows that miner's shares
	pools  []*Pool
	flight time.Duration           // that a share may take from the miner to the pool
	cutOff func(FleetShare) string // why a share has no answer, "": it should have; nil: all should
}

// Reconciled is the result of a comparison.
type Reconciled struct {
	FleetAccepted int            `json:"fleet_accepted"`
	PoolAccepted  int            `json:"pool_accepted"`
	Local         int            `json:"answered_locally"`         // accepted, below the pool's difficulty
	Refused       map[string]int `json:"fleet_refused"`            // by code and text, as the miners were told
	PoolRefused   map[string]int `json:"pool_refused"`             // by text
	Excused       map[string]int `json:"excused"`                  // refusals that the pools' books explain, by why
	UpP50         float64        `json:"share_up_p50_seconds"`     // from the miner to the pool's verdict
	DownP50       float64        `json:"verdict_down_p50_seconds"` // from there to the miner
	Breaches      map[string]int `json:"breaches"`                 // by kind
	Examples      []string       `json:"examples"`                 // of breaches, the first ones of each kind
}

// examplesEach bounds the examples of a kind.
const examplesEach = 3

// add puts another comparison's result to this one's, that of other pools.
func (r *Reconciled) add(o Reconciled) {
	r.FleetAccepted += o.FleetAccepted
	r.PoolAccepted += o.PoolAccepted
	r.Local += o.Local
	for _, both := range [][2]map[string]int{{r.Refused, o.Refused}, {r.PoolRefused, o.PoolRefused}, {r.Excused, o.Excused}, {r.Breaches, o.Breaches}} {
		for kind, n := range both[1] {
			both[0][kind] += n
		}
	}
	r.UpP50, r.DownP50 = max(r.UpP50, o.UpP50), max(r.DownP50, o.DownP50)
	r.Examples = append(r.Examples, o.Examples...)
}

func (r *Reconciled) breach(kind, format string, args ...any) {
	r.Breaches[kind]++
	if r.Breaches[kind] <= examplesEach {
		r.Examples = append(r.Examples, kind+": "+fmt.Sprintf(format, args...))
	}
}

// Kinds of breaches.
const (
	breachLost      = "accepted to the miner, not on a pool's books"
	breachUntrue    = "accepted to the miner, refused by the pool"
	breachWronged   = "refused to the miner, accepted by the pool"
	breachRefused   = "refused though valid"
	breachName      = "booked under a wrong name"
	breachSilent    = "never answered"
	breachInvented  = "accepted by a pool, sent by no miner"
	breachForwarded = "forwarded though invalid"
)

// Excuses for a refusal.
const (
	excuseReplaced = "a clean job had replaced its job"
	excuseLost     = "its pool session was lost"
	excuseVerdict  = "accepted, but the pool died before the verdict was out"
	excuseScripted = "refused by script"
	excuseKilled   = "never answered: the proxy was killed"
	excuseGone     = "never answered: its account was deleted"
)

func newReconciled() Reconciled {
	return Reconciled{
		Refused: map[string]int{}, PoolRefused: map[string]int{},
		Excused: map[string]int{}, Breaches: map[string]int{},
	}
}

// reconcile finds everything that the two sides do not agree on.
func (c comparison) reconcile() Reconciled {
	r := newReconciled()
	var up, down latencies
	owners := c.owners()
	known := make(map[Hash]bool, len(c.shares))
	for _, s := range c.shares {
		known[s.Hash] = true
		booked, onBooks := c.booked(s.Hash)
		switch {
		case s.Answered.IsZero():
			if c.cutOff != nil {
				if why := c.cutOff(s); why != "" {
					r.Excused[why]++
					break
				}
			}
			r.breach(breachSilent, "%s", c.describe(s))
		case s.Accepted():
			r.FleetAccepted++
			c.checkAccepted(&r, s, booked, onBooks)
		default:
			r.Refused[fmt.Sprintf("%d %s", s.Code, s.Refused)]++
			c.checkRefused(&r, s, booked, onBooks, owners[s.Key])
		}
		if onBooks && !s.Answered.IsZero() {
			up.add(booked.At.Sub(s.Sent))
			down.add(s.Answered.Sub(booked.At))
		}
		if onBooks && booked.User != c.name(s.Miner) {
			r.breach(breachName, "%s is booked under %q, want %q", c.describe(s), booked.User, c.name(s.Miner))
		}
	}
	for _, p := range c.pools {
		c.checkPool(&r, p, known)
	}
	r.UpP50, r.DownP50 = up.quantile(0.5).Seconds(), down.quantile(0.5).Seconds()
	return r
}

// owners is which pool each piece of work came from.
func (c comparison) owners() map[WorkKey]*owner {
	owners := map[WorkKey]*owner{}
	for _, p := range c.pools {
		o := &owner{pool: p, events: p.Timeline(), emitted: map[WorkKey]time.Time{}}
		for _, j := range p.Jobs() {
			o.emitted[j.Key] = j.Emitted
			owners[j.Key] = o
		}
	}
	return owners
}

// owner is a pool with what explains refusals.
type owner struct {
	pool    *Pool
	events  []Event
	emitted map[WorkKey]time.Time
}

func (c comparison) booked(h Hash) (Submit, bool) {
	for _, p := range c.pools {
		if s, ok := p.books.Share(h); ok {
			return s, true
		}
	}
	return Submit{}, false
}

func (c comparison) checkAccepted(r *Reconciled, s FleetShare, booked Submit, onBooks bool) {
	switch {
	case onBooks && booked.Refused != nil:
		r.breach(breachUntrue, "%s: %v", c.describe(s), booked.Refused)
	case onBooks:
	case s.Hash.Difficulty() >= c.hardest():
		r.breach(breachLost, "%s", c.describe(s))
	default:
		r.Local++
	}
}

// hardest is the highest difficulty that any pool ever had: what meets it had to
// be forwarded for certain.
func (c comparison) hardest() float64 {
	d := 0.0
	for _, p := range c.pools {
		d = max(d, p.o.Algorithm.one(p.HardestDifficulty()))
	}
	return d
}

func (c comparison) checkRefused(r *Reconciled, s FleetShare, booked Submit, onBooks bool, from *owner) {
	if onBooks && booked.Refused == nil {
		if from.diedOver(s, booked.At, c.flight) {
			r.Excused[excuseVerdict]++
			return
		}
		r.breach(breachWronged, "%s, which the pool accepted %v after it was sent", c.describe(s), booked.At.Sub(s.Sent))
		return
	}
	if onBooks && booked.Refused == refusedByScript {
		r.Excused[excuseScripted]++
		return
	}
	if excuse := from.excuse(s, c.flight); excuse != "" {
		r.Excused[excuse]++
		return
	}
	r.breach(breachRefused, "%s%s", c.describe(s), from.around(s))
}

// excuse is why the refusal of s is in order, or "": something that happened
// after its job was emitted, before it was refused, and while it may have been on
// its way. A real share is never a duplicate nor of low difficulty.
func (o *owner) excuse(s FleetShare, flight time.Duration) string {
	if o == nil || s.Code == refusedDuplicate.Code || s.Code == refusedLow.Code || s.Code == refusedUnauthorized.Code {
		return ""
	}
	latest := s.Sent.Add(flight)
	for _, e := range o.events {
		if !e.At.After(o.emitted[s.Key]) || e.At.After(latest) || e.At.After(s.Answered) {
			continue
		}
		switch {
		case e.Kind == EventClean:
			return excuseReplaced
		case o.loses(e):
			return excuseLost
		}
	}
	return ""
}

// diedOver says whether the pool's sessions were lost while its verdict on s, made
// at judged, may have been on its way: nobody can know it then.
func (o *owner) diedOver(s FleetShare, judged time.Time, flight time.Duration) bool {
	if o == nil {
		return false
	}
	if o.down(judged) {
		return true // what had been read before is judged all the same
	}
	latest := judged.Add(flight + o.pool.o.AnswerDelay)
	for _, e := range o.events {
		if o.loses(e) && !e.At.Before(judged) && !e.At.After(latest) && !e.At.After(s.Answered) {
			return true
		}
	}
	return false
}

// down says whether the pool was down at that time.
func (o *owner) down(at time.Time) (down bool) {
	for _, e := range o.events {
		switch {
		case e.At.After(at):
			return down
		case e.Kind == EventDown:
			down = true
		case e.Kind == EventUp:
			down = false
		}
	}
	return down
}

// loses says whether e is the end of the pool's sessions.
func (o *owner) loses(e Event) bool {
	return e.Kind == EventDown || e.Kind == EventForget || e.Kind == EventDrop && !o.pool.o.Resume
}

// around is the pool's event nearest to s, to help who looks for the cause.
func (o *owner) around(s FleetShare) string {
	if o == nil {
		return ", for a job that no pool emitted"
	}
	if len(o.events) == 0 {
		return ""
	}
	nearest := slices.MinFunc(o.events, func(a, b Event) int {
		return int(a.At.Sub(s.Sent).Abs() - b.At.Sub(s.Sent).Abs())
	})
	return fmt.Sprintf("; sent %v after the event %q of pool %s", s.Sent.Sub(nearest.At).Round(time.Millisecond), nearest.Kind, o.pool.o.Name)
}

func (c comparison) describe(s FleetShare) string {
	verdict := "accepted"
	switch {
	case s.Answered.IsZero():
		verdict = "no answer"
	case s.Refused != "":
		verdict = fmt.Sprintf("%d %s", s.Code, s.Refused)
	}
	return fmt.Sprintf("share %s… of miner %d, sent %s: %s", s.Hash.String()[:24], s.Miner, s.Sent.Format("15:04:05.000"), verdict)
}

// checkPool looks for what only the pool knows of.
func (c comparison) checkPool(r *Reconciled, p *Pool, known map[Hash]bool) {
	total := p.books.Total()
	r.PoolAccepted += total.Accepted
	for text, n := range total.Refused {
		r.PoolRefused[text] += n
	}
	for _, why := range []*Refusal{refusedParams, refusedExtranonce2, refusedTime, refusedVersion, refusedLow, refusedUnauthorized, refusedSubscribe} {
		if n := total.Refused[why.Text]; n > 0 {
			r.Breaches[breachForwarded] += n
			r.Examples = append(r.Examples, fmt.Sprintf("%s: pool %s refused %d with %q", breachForwarded, p.o.Name, n, why.Text))
		}
	}
	p.books.each(func(s Submit) {
		if s.Refused == nil && !known[s.Hash] {
			r.breach(breachInvented, "share %s… of %q at pool %s", s.Hash.String()[:24], s.User, p.o.Name)
		}
	})
}
