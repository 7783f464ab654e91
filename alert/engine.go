package alert

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"farmproxy/wish"
)

const (
	// gather is how long a message waits for what belongs to it: the racks of a hall do
	// not go down in the same second.
	gather = 30 * time.Second

	// gatherAfterCutOff is the same after a cut-off: until then most pools are back, and
	// one message says so.
	gatherAfterCutOff = 3 * time.Minute

	// Settle is how long after a curtailment, a start, or a time without work nothing is
	// said of workers: miners boot, and hash rates are taken over 5 minutes.
	Settle = 15 * time.Minute

	// maxAlerts bounds the alerts that are known at a time: a farm has a few dozen pools
	// and a thousand groups.
	maxAlerts = 4096
)

// Settings say which rules there are, and when an operator is told.
type Settings struct {
	Site      string // what messages call this box
	Mute      bool   // nobody is told; pages say what is wrong all the same
	CoolDown  time.Duration
	Zone      *time.Location         // of the times in messages
	Quiet     wish.Period            // tickets wait for its end; without a zone: never
	Rules     map[string]RuleSetting // by name; a rule that is missing is as in Rules
	Curtailed []Curtailment
	Known     []string // hosts of pools; none: all are known
}

// RuleSetting is how a rule is other than in Rules.
type RuleSetting struct {
	Off       bool
	For       time.Duration
	Threshold float64
	CoolDown  time.Duration
}

// Curtailment is when miners are off on purpose, each time.
type Curtailment struct {
	Group  string // "": all
	Period wish.Period
}

// State is how far an alert is.
type State string

const (
	Pending  State = "pending"  // it holds, but not for long enough
	Firing   State = "firing"   // it is an alert
	Resolved State = "resolved" // it was one
)

// Alert is what a rule says about one subject.
type Alert struct {
	Rule     string     `json:"rule"`
	Subject  string     `json:"subject"` // a pool, a group, a file; "": the farm
	State    State      `json:"state"`
	Severity Severity   `json:"severity"`
	Since    time.Time  `json:"since"` // it holds since then
	Until    *time.Time `json:"until"` // when it ended; null: it has not
	Text     string     `json:"text"`
	Do       string     `json:"do"` // what to do about it
}

// Sentence returns the text with when it began, unless it says so itself.
func (a *Alert) Sentence(since string) string {
	if r := ByName(a.Rule); a.Until == nil && r != nil && r.dated {
		return a.Text
	}
	return a.Text + " (since " + since + ")"
}

// key identifies an alert.
type key struct{ rule, subject string }

// entry is what is known of an alert. A time that is zero has not come.
type entry struct {
	key
	rule    *Rule
	text    string
	begun   time.Time // it holds since then
	fired   time.Time // it is an alert since then
	cleared time.Time // it does not hold since then
	ended   time.Time // it is none any more
	told    time.Time // when an operator was last told that it is one
	said    bool      // told of this one
	owed    bool      // told of this one, and not yet of its end
	missed  bool      // it came while nobody could be told, or went before anybody was
}

func (e *entry) state() State {
	switch {
	case !e.ended.IsZero():
		return Resolved
	case !e.fired.IsZero():
		return Firing
	}
	return Pending
}

// Engine knows what is wrong. It is not for several goroutines at a time. Times that it
// gets have a monotonic reading, which alone says how much time has passed.
type Engine struct {
	settings Settings
	entries  map[key]*entry
	pools    map[string]*past
	off      map[string]time.Time // groups that are off on purpose, "" for all, and until when
	excused  map[string]time.Time // until when nothing is said of a group, "" for all: after a curtailment
	settling time.Time            // until when nothing is said of workers at all
	unready  time.Time            // since when miners get no work
	cutOff   time.Time            // since when nothing can be reached
	back     time.Time            // when something could be reached again, which has not been told
	away     time.Duration        // for how long nothing could be
	gather   time.Time            // since when a message waits
	last     time.Time            // the look before
	wall     time.Time            // the same, by the wall clock
	set      time.Time            // when the clock was last set
	setBy    time.Duration
	notices  []Notice
}

// New returns an engine that knows of no trouble yet.
func New(s Settings) *Engine {
	e := &Engine{entries: make(map[key]*entry), pools: make(map[string]*past), excused: make(map[string]time.Time)}
	e.Configure(s)
	return e
}

// Configure changes the settings, from the next look on.
func (e *Engine) Configure(s Settings) {
	if s.Zone == nil {
		s.Zone = time.Local
	}
	e.settings = s
}

// Started says that everything begins now: miners are only coming.
func (e *Engine) Started(now time.Time) { e.settling = now.Add(Settle) }

// Outcome is what a look has led to.
type Outcome struct {
	Began, Ended []Alert  // for log and history
	Message      *Message // for the operator; nil: nothing is to be told now
	Changed      bool     // the state is not what it was
}

// Look takes facts, and returns what becomes of them.
func (e *Engine) Look(now time.Time, f *Facts) (o Outcome) {
	e.watch(now, f)
	k := &look{Facts: f, now: now, zone: e.settings.Zone, pools: e.pools, known: e.settings.Known, set: e.set, setBy: e.setBy}
	e.notices = nil
	for i := range Rules {
		e.apply(k, &Rules[i], &o)
	}
	o.Message = e.message(k)
	o.Changed = o.Changed || o.Message != nil
	return o
}

// watch notes what rules need of before.
func (e *Engine) watch(now time.Time, f *Facts) {
	if !e.last.IsZero() {
		by := f.Wall.Sub(e.wall) - now.Sub(e.last)
		if rule, on := e.rule(ByName(clockSet)); on && by.Abs().Seconds() > rule.Threshold {
			e.set, e.setBy = now, by
		}
	}
	e.last, e.wall = now, f.Wall
	seen := make(map[string]bool, len(f.Pools))
	for i := range f.Pools {
		p := &f.Pools[i]
		if seen[p.Name] = true; e.pools[p.Name] == nil {
			e.pools[p.Name] = newPast()
		}
		e.pools[p.Name].add(now, p)
	}
	maps.DeleteFunc(e.pools, func(name string, _ *past) bool { return !seen[name] })
	e.watchReadiness(now, f)
	e.watchCurtailment(now, f)
	switch {
	case f.CutOff && e.cutOff.IsZero():
		e.cutOff = now
	case !f.CutOff && !e.cutOff.IsZero():
		e.back, e.away, e.cutOff = now, now.Sub(e.cutOff), time.Time{}
	}
}

// watchReadiness has workers left in peace for a while after miners had no work for long.
func (e *Engine) watchReadiness(now time.Time, f *Facts) {
	rule, _ := e.rule(ByName(notReady))
	switch {
	case f.NotReady == "" && !e.unready.IsZero():
		if now.Sub(e.unready) >= rule.For {
			e.settling = now.Add(Settle)
		}
		e.unready = time.Time{}
	case f.NotReady != "" && e.unready.IsZero():
		e.unready = now
	}
}

// watchCurtailment completes the groups that are off on purpose: by schedule, or until a
// moment ago.
func (e *Engine) watchCurtailment(now time.Time, f *Facts) {
	off := maps.Clone(f.Curtailed)
	if off == nil {
		off = make(map[string]time.Time)
	}
	for i := range e.settings.Curtailed {
		c := &e.settings.Curtailed[i]
		if until, is := c.Period.At(now); is && until.After(off[c.Group]) {
			off[c.Group] = until
		}
	}
	e.off = maps.Clone(off)
	for group := range off {
		e.excused[group] = now.Add(Settle)
	}
	for group, until := range e.excused {
		if _, still := off[group]; !still && now.Before(until) {
			off[group] = until
		} else if !still {
			delete(e.excused, group)
		}
	}
	f.Curtailed = off
}

// rule returns a rule as it is set; false: it is off.
func (e *Engine) rule(r *Rule) (s RuleSetting, on bool) {
	s = RuleSetting{For: r.For, Threshold: r.Threshold, CoolDown: e.settings.CoolDown}
	if other, is := e.settings.Rules[r.Name]; is {
		s = other
	}
	return s, !s.Off
}

// ofWorkers are the rules about workers, which have nothing to say while miners get no work.
var ofWorkers = []string{"hashrate_low", "group_hashrate_low", "group_down", "workers_down", "workers_slow"}

// waits reports whether a rule can't become an alert now: something else is the reason.
func (e *Engine) waits(k *look, r *Rule) bool {
	switch {
	case r.Name == "pool_down":
		return k.NotReady != ""
	case slices.Contains(ofWorkers, r.Name):
		return k.NotReady != "" || k.now.Before(e.settling)
	}
	return false
}

// apply asks one rule.
func (e *Engine) apply(k *look, r *Rule, o *Outcome) {
	s, on := e.rule(r)
	var found []finding
	if on {
		k.threshold = s.Threshold
		found = r.find(k)
	}
	holds := make(map[key]bool, len(found))
	waits := e.waits(k, r)
	for i := range found {
		f := &found[i]
		if !f.within {
			at := key{r.Name, f.subject}
			holds[at] = true
			e.hold(k, r, s, at, f.text, waits, o)
		}
		e.note(r, f)
	}
	var clear []*entry
	for at, x := range e.entries {
		if at.rule == r.Name && !holds[at] {
			clear = append(clear, x)
		}
	}
	slices.SortFunc(clear, func(a, b *entry) int { return cmp.Compare(a.subject, b.subject) })
	for _, x := range clear {
		e.clear(k, s, x, on, o)
	}
}

// note has a page say it.
func (e *Engine) note(r *Rule, f *finding) {
	x := e.entries[key{r.Name, f.subject}]
	if !r.soon && (x == nil || x.fired.IsZero()) {
		return
	}
	if f.notices == nil {
		f.notices = []Notice{{r.Severity == Page || r.Name == "pool_down", f.text}}
	}
	e.notices = append(e.notices, f.notices...)
}

// hold notes that a rule holds.
func (e *Engine) hold(k *look, r *Rule, s RuleSetting, at key, text string, waits bool, o *Outcome) {
	x := e.entries[at]
	if x == nil {
		if len(e.entries) >= maxAlerts {
			return
		}
		x = &entry{key: at, rule: r, begun: k.now}
		e.entries[at] = x
	}
	if !x.ended.IsZero() { // it is back
		x.begun, x.fired, x.ended, x.said, x.missed = k.now, time.Time{}, time.Time{}, false, false
	}
	x.text, x.cleared = text, time.Time{}
	if x.fired.IsZero() && !waits && k.now.Sub(x.begun) >= s.For {
		x.fired = k.now
		if x.owed { // its end was not told yet: it has none
			x.said = true
		}
		o.Began, o.Changed = append(o.Began, e.alert(x)), true
	}
}

// clear notes that a rule does not hold.
func (e *Engine) clear(k *look, s RuleSetting, x *entry, on bool, o *Outcome) {
	switch {
	case x.fired.IsZero() && x.told.IsZero():
		delete(e.entries, x.key)
	case !x.ended.IsZero():
		e.forget(k.now, s, x)
	case x.fired.IsZero(): // it was back for a moment
		x.ended, x.text = k.now, over(k, x)
	case x.cleared.IsZero() && on:
		x.cleared = k.now
		fallthrough
	default:
		if on && k.now.Sub(x.cleared) < s.For {
			return
		}
		x.missed = x.missed || on && e.brief(x, k.now)
		x.ended = k.now
		x.text = over(k, x)
		x.owed = x.said
		o.Ended, o.Changed = append(o.Ended, e.alert(x)), true
	}
}

// over says why an alert is over.
func over(k *look, x *entry) string {
	if slices.Contains(ofWorkers, x.rule.Name) && k.curtailed(x.subject) {
		return "Miners are off on purpose. Before: " + x.text
	}
	return x.rule.over(k, x.subject)
}

// forget drops an alert that is over, once that matters to nobody.
func (e *Engine) forget(now time.Time, s RuleSetting, x *entry) {
	if !x.owed && !x.missed && (x.told.IsZero() || now.Sub(x.told) >= s.CoolDown) {
		delete(e.entries, x.key)
	}
}

func (e *Engine) alert(x *entry) Alert {
	a := Alert{Rule: x.rule.Name, Subject: x.subject, State: x.state(), Severity: x.rule.Severity, Since: shown(x.begun), Text: x.text, Do: x.rule.Do}
	if !x.ended.IsZero() {
		until := shown(x.ended)
		a.Until = &until
	}
	return a
}

// shown returns a time as answers have it.
func shown(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Alerts returns all that are known, the worst rules first: pending, firing, and those that
// have ended lately.
func (e *Engine) Alerts() []Alert {
	list := make([]Alert, 0, len(e.entries))
	for _, x := range e.sorted() {
		list = append(list, e.alert(x))
	}
	return list
}

// sorted returns the entries by rule and subject.
func (e *Engine) sorted() []*entry {
	place := make(map[string]int, len(Rules))
	for i := range Rules {
		place[Rules[i].Name] = i
	}
	return slices.SortedFunc(maps.Values(e.entries), func(a, b *entry) int {
		return cmp.Or(cmp.Compare(place[a.rule.Name], place[b.rule.Name]), cmp.Compare(a.subject, b.subject))
	})
}

// Notices returns what a page says is wrong now, the severe first.
func (e *Engine) Notices() []Notice {
	return slices.SortedStableFunc(slices.Values(e.notices), func(a, b Notice) int {
		return cmp.Compare(truth(b.Severe), truth(a.Severe))
	})
}

func truth(is bool) int {
	if is {
		return 1
	}
	return 0
}

// Lateness is how late a pool may tell of a new block.
func (e *Engine) Lateness() time.Duration {
	s, _ := e.rule(ByName(poolLate))
	return time.Duration(s.Threshold * float64(time.Second))
}

// Looked returns when the last look was; zero: there was none.
func (e *Engine) Looked() time.Time { return e.last }

// CutOff returns since when nothing can be reached; zero: something can.
func (e *Engine) CutOff() time.Time { return e.cutOff }

// Off returns the groups whose miners are off on purpose now, "" for all, and until when.
func (e *Engine) Off() map[string]time.Time { return maps.Clone(e.off) }

// Curtailed returns which groups are excused now, and until when, "" for all.
func (e *Engine) Curtailed() map[string]time.Time { return maps.Clone(e.excused) }
