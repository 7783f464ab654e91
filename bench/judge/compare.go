package judge

import (
	"fmt"
	"slices"
	"time"

	"farmproxy/bench/fleet"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
)

// Comparison holds what is needed to compare the two books.
type Comparison struct {
	Shares []fleet.Share
	Name   func(miner int) string // the name under which a pool knows that miner's shares
	Pools  []Witness
	Flight time.Duration            // longest time of a share from the miner to the pool
	CutOff func(fleet.Share) string // why a share has no answer; "": it should have one; nil: all should

	// Newcomer reports that a miner came while its address was crowded: before it has a
	// link it may be given test work, a job that no pool emitted. nil: nobody may.
	Newcomer func(miner int) bool
}

// Witness is a pool's testimony.
type Witness struct {
	name      string
	algorithm *proof.Algorithm
	resume    bool          // sessions outlive their link
	delay     time.Duration // of its verdicts
	hardest   float64       // of all its difficulties
	books     *pool.Books
	events    []pool.Event // oldest first
	jobs      []proof.Job
}

// Witnesses returns the testimony of pools as they are now.
func Witnesses(pools ...*pool.Pool) (all []Witness) {
	for _, p := range pools {
		o := p.Options()
		all = append(all, Witness{
			name: o.Name, algorithm: o.Algorithm, resume: o.Resume, delay: o.AnswerDelay,
			hardest: p.HardestDifficulty(), books: p.Books(), events: p.Timeline(), jobs: p.Jobs(),
		})
	}
	return all
}

// Reconciled is the result of a comparison.
type Reconciled struct {
	FleetAccepted int            `json:"fleet_accepted"`
	PoolAccepted  int            `json:"pool_accepted"`
	Local         int            `json:"answered_locally"`         // accepted, below the pool's difficulty
	Tested        int            `json:"test_work,omitempty"`      // accepted from newcomers, for jobs that no pool emitted
	Refused       map[string]int `json:"fleet_refused"`            // by code and text, as told to the miners
	PoolRefused   map[string]int `json:"pool_refused"`             // by text
	Excused       map[string]int `json:"excused"`                  // refusals that the pools' books explain, by reason
	UpP50         float64        `json:"share_up_p50_seconds"`     // from the miner to the pool's verdict
	DownP50       float64        `json:"verdict_down_p50_seconds"` // from there to the miner
	Breaches      map[string]int `json:"breaches"`                 // by kind
	Examples      []string       `json:"examples"`                 // of breaches, the first few of each kind
}

// ExamplesEach bounds the examples per kind.
const ExamplesEach = 3

// Add adds the result of another comparison, with other pools.
func (r *Reconciled) Add(o Reconciled) {
	r.FleetAccepted += o.FleetAccepted
	r.PoolAccepted += o.PoolAccepted
	r.Local += o.Local
	r.Tested += o.Tested
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
	if r.Breaches[kind] <= ExamplesEach {
		r.Examples = append(r.Examples, kind+": "+fmt.Sprintf(format, args...))
	}
}

// Kinds of breaches.
const (
	breachLost      = "accepted to the miner, not on a pool's books"
	breachUntrue    = "accepted to the miner, refused by the pool"
	breachWronged   = "refused to the miner, accepted by the pool"
	breachRefused   = "refused though valid"
	BreachName      = "booked under a wrong name"
	BreachSilent    = "never answered"
	breachInvented  = "accepted by a pool, sent by no miner"
	breachForwarded = "forwarded though invalid"
)

// Excuses for a refusal.
const (
	excuseReplaced = "a clean job had replaced its job"
	excuseLost     = "its pool session was lost"
	excuseVerdict  = "accepted, but the pool died before the verdict was out"
	excuseScripted = "refused by script"
	excuseTested   = "test work, which a pool's job had replaced"
	ExcuseKilled   = "never answered: the proxy was killed"
	ExcuseGone     = "never answered: its account was deleted"
)

// NewReconciled returns a result with no findings yet.
func NewReconciled() Reconciled {
	return Reconciled{
		Refused: map[string]int{}, PoolRefused: map[string]int{},
		Excused: map[string]int{}, Breaches: map[string]int{},
	}
}

// Reconcile finds everything on which the two sides disagree.
func (c Comparison) Reconcile() Reconciled {
	r := NewReconciled()
	var up, down fleet.Latencies
	owners := c.owners()
	known := make(map[proof.Hash]bool, len(c.Shares))
	for _, s := range c.Shares {
		known[s.Hash] = true
		booked, onBooks := c.booked(s.Hash)
		tested := owners[s.Key] == nil && c.Newcomer != nil && c.Newcomer(s.Miner)
		switch {
		case tested && s.Accepted():
			r.Tested++
		case tested && !onBooks:
			r.Excused[excuseTested]++
		case s.Answered.IsZero():
			if c.CutOff != nil {
				if why := c.CutOff(s); why != "" {
					r.Excused[why]++
					break
				}
			}
			r.breach(BreachSilent, "%s", c.describe(s))
		case s.Accepted():
			r.FleetAccepted++
			c.checkAccepted(&r, s, booked, onBooks)
		default:
			r.Refused[fmt.Sprintf("%d %s", s.Code, s.Refused)]++
			c.checkRefused(&r, s, booked, onBooks, owners[s.Key])
		}
		if onBooks && !s.Answered.IsZero() {
			up.Add(booked.At.Sub(s.Sent))
			down.Add(s.Answered.Sub(booked.At))
		}
		if onBooks && booked.User != c.Name(s.Miner) {
			r.breach(BreachName, "%s is booked under %q, want %q", c.describe(s), booked.User, c.Name(s.Miner))
		}
	}
	for _, p := range c.Pools {
		c.checkPool(&r, p, known)
	}
	r.UpP50, r.DownP50 = up.Quantile(0.5).Seconds(), down.Quantile(0.5).Seconds()
	return r
}

// owners maps each piece of work to its pool.
func (c Comparison) owners() map[proof.WorkKey]*owner {
	owners := map[proof.WorkKey]*owner{}
	for _, p := range c.Pools {
		o := &owner{Witness: p, emitted: map[proof.WorkKey]time.Time{}}
		for _, j := range p.jobs {
			o.emitted[j.Key] = j.Emitted
			owners[j.Key] = o
		}
	}
	return owners
}

// owner is a pool, with what explains refusals.
type owner struct {
	Witness
	emitted map[proof.WorkKey]time.Time
}

func (c Comparison) booked(h proof.Hash) (pool.Submit, bool) {
	for _, p := range c.Pools {
		if s, ok := p.books.Share(h); ok {
			return s, true
		}
	}
	return pool.Submit{}, false
}

func (c Comparison) checkAccepted(r *Reconciled, s fleet.Share, booked pool.Submit, onBooks bool) {
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

// hardest returns the highest difficulty that any pool ever had: a share that meets it
// must have been forwarded.
func (c Comparison) hardest() float64 {
	d := 0.0
	for _, p := range c.Pools {
		d = max(d, p.algorithm.One(p.hardest))
	}
	return d
}

func (c Comparison) checkRefused(r *Reconciled, s fleet.Share, booked pool.Submit, onBooks bool, from *owner) {
	if onBooks && booked.Refused == nil {
		if from.diedOver(s, booked.At, c.Flight) {
			r.Excused[excuseVerdict]++
			return
		}
		r.breach(breachWronged, "%s, which the pool accepted %v after it was sent", c.describe(s), booked.At.Sub(s.Sent))
		return
	}
	if onBooks && booked.Refused == proof.RefusedByScript {
		r.Excused[excuseScripted]++
		return
	}
	if excuse := from.excuse(s, c.Flight); excuse != "" {
		r.Excused[excuse]++
		return
	}
	r.breach(breachRefused, "%s%s", c.describe(s), from.around(s))
}

// excuse returns why the refusal of s is justified, or "": an event after its job was
// emitted, before it was refused, and while it may have been in flight. A real share is
// never a duplicate nor of low difficulty.
func (o *owner) excuse(s fleet.Share, flight time.Duration) string {
	if o == nil || s.Code == proof.RefusedDuplicate.Code || s.Code == proof.RefusedLow.Code || s.Code == proof.RefusedUnauthorized.Code {
		return ""
	}
	latest := s.Sent.Add(flight)
	for _, e := range o.events {
		if !e.At.After(o.emitted[s.Key]) || e.At.After(latest) || e.At.After(s.Answered) {
			continue
		}
		switch {
		case e.Kind == pool.EventClean:
			return excuseReplaced
		case o.loses(e):
			return excuseLost
		}
	}
	return ""
}

// diedOver reports whether the pool's sessions were lost while its verdict on s, made
// at judged, may have been in flight: then nobody can know it.
func (o *owner) diedOver(s fleet.Share, judged time.Time, flight time.Duration) bool {
	if o == nil {
		return false
	}
	if o.down(judged) {
		return true // anything read before is judged all the same
	}
	latest := judged.Add(flight + o.delay)
	for _, e := range o.events {
		if o.loses(e) && !e.At.Before(judged) && !e.At.After(latest) && !e.At.After(s.Answered) {
			return true
		}
	}
	return false
}

// down reports whether the pool was down at that time.
func (o *owner) down(at time.Time) (down bool) {
	for _, e := range o.events {
		switch {
		case e.At.After(at):
			return down
		case e.Kind == pool.EventDown:
			down = true
		case e.Kind == pool.EventUp:
			down = false
		}
	}
	return down
}

// loses reports whether e ends the pool's sessions.
func (o *owner) loses(e pool.Event) bool {
	return e.Kind == pool.EventDown || e.Kind == pool.EventForget || e.Kind == pool.EventDrop && !o.resume
}

// around returns the pool's event nearest to s, to help find the cause.
func (o *owner) around(s fleet.Share) string {
	if o == nil {
		return ", for a job that no pool emitted"
	}
	if len(o.events) == 0 {
		return ""
	}
	nearest := slices.MinFunc(o.events, func(a, b pool.Event) int {
		return int(a.At.Sub(s.Sent).Abs() - b.At.Sub(s.Sent).Abs())
	})
	return fmt.Sprintf("; sent %v after the event %q of pool %s", s.Sent.Sub(nearest.At).Round(time.Millisecond), nearest.Kind, o.name)
}

func (c Comparison) describe(s fleet.Share) string {
	verdict := "accepted"
	switch {
	case s.Answered.IsZero():
		verdict = "no answer"
	case s.Refused != "":
		verdict = fmt.Sprintf("%d %s", s.Code, s.Refused)
	}
	return fmt.Sprintf("share %s… of miner %d, sent %s: %s", s.Hash.String()[:24], s.Miner, s.Sent.Format("15:04:05.000"), verdict)
}

// checkPool looks for problems that only the pool can see.
func (c Comparison) checkPool(r *Reconciled, p Witness, known map[proof.Hash]bool) {
	total := p.books.Total()
	r.PoolAccepted += total.Accepted
	for text, n := range total.Refused {
		r.PoolRefused[text] += n
	}
	for _, why := range []*proof.Refusal{proof.RefusedParams, proof.RefusedExtranonce2, proof.RefusedTime, proof.RefusedVersion, proof.RefusedLow, proof.RefusedUnauthorized, proof.RefusedSubscribe} {
		if n := total.Refused[why.Text]; n > 0 {
			r.Breaches[breachForwarded] += n
			r.Examples = append(r.Examples, fmt.Sprintf("%s: pool %s refused %d with %q", breachForwarded, p.name, n, why.Text))
		}
	}
	p.books.Each(func(s pool.Submit) {
		if s.Refused == nil && !known[s.Hash] {
			r.breach(breachInvented, "share %s… of %q at pool %s", s.Hash.String()[:24], s.User, p.name)
		}
	})
}
