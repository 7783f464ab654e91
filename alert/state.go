package alert

import (
	"encoding/json"
	"fmt"
	"time"
)

// stateVersion is of the format of a state. Unknown fields are skipped and missing ones are
// zero, so it changes only if a field changes its meaning.
const stateVersion = 1

// state is what an engine knows. Its times are how long before At, and negative for never:
// the clock may be set while nobody looks.
type state struct {
	Version int                      `json:"version"`
	At      time.Time                `json:"at"`
	Alerts  []entryState             `json:"alerts"`
	Excused map[string]time.Duration `json:"excused"` // until when, as all others
	Settle  time.Duration            `json:"settle"`
	Unready time.Duration            `json:"unready"`
	CutOff  time.Duration            `json:"cut_off"`
	Back    time.Duration            `json:"back"`
	Away    time.Duration            `json:"away"`
	Set     time.Duration            `json:"set"`
	SetBy   time.Duration            `json:"set_by"`
}

type entryState struct {
	Rule    string        `json:"rule"`
	Subject string        `json:"subject"`
	Text    string        `json:"text"`
	Begun   time.Duration `json:"begun"`
	Fired   time.Duration `json:"fired"`
	Cleared time.Duration `json:"cleared"`
	Ended   time.Duration `json:"ended"`
	Told    time.Duration `json:"told"`
	Said    bool          `json:"said"`
	Owed    bool          `json:"owed"`
	Missed  bool          `json:"missed"`
}

// never is the time that has not come. Others may lie ahead, by less.
const never time.Duration = -1 << 62

// State returns what another engine needs to go on.
func (e *Engine) State(now time.Time) []byte {
	ago := func(t time.Time) time.Duration {
		if t.IsZero() {
			return never
		}
		return now.Sub(t)
	}
	s := state{
		Version: stateVersion, At: now.Round(0), Excused: make(map[string]time.Duration),
		Settle: ago(e.settling), Unready: ago(e.unready), CutOff: ago(e.cutOff), Back: ago(e.back), Away: e.away, Set: ago(e.set), SetBy: e.setBy,
	}
	for group, until := range e.excused {
		s.Excused[group] = ago(until)
	}
	for _, x := range e.sorted() {
		s.Alerts = append(s.Alerts, entryState{
			x.rule.Name, x.subject, x.text, ago(x.begun), ago(x.fired), ago(x.cleared), ago(x.ended), ago(x.told), x.said, x.owed, x.missed,
		})
	}
	text, err := json.Marshal(&s)
	if err != nil {
		panic("alert: a state that is no JSON: " + err.Error()) // it has texts, numbers and times
	}
	return text
}

// Restore has the engine go on from a State. Rules that it does not know are left out.
func (e *Engine) Restore(text []byte, now time.Time) error {
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("the state of alerts is damaged: %w", err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("the state of alerts has version %d, and this farmproxy understands %d", s.Version, stateVersion)
	}
	passed := max(0, now.Round(0).Sub(s.At))
	then := func(ago time.Duration) time.Time {
		if ago == never {
			return time.Time{}
		}
		return now.Add(-passed - ago)
	}
	e.entries, e.excused = make(map[key]*entry), make(map[string]time.Time)
	e.settling, e.unready, e.cutOff, e.back, e.away = then(s.Settle), then(s.Unready), then(s.CutOff), then(s.Back), s.Away
	e.set, e.setBy = then(s.Set), s.SetBy
	for group, until := range s.Excused {
		e.excused[group] = then(until)
	}
	for _, x := range s.Alerts {
		rule := ByName(x.Rule)
		if rule == nil || len(e.entries) >= maxAlerts {
			continue
		}
		at := key{x.Rule, x.Subject}
		e.entries[at] = &entry{
			key: at, rule: rule, text: x.Text, begun: then(x.Begun), fired: then(x.Fired), cleared: then(x.Cleared), ended: then(x.Ended),
			told: then(x.Told), said: x.Said, owed: x.Owed, missed: x.Missed,
		}
	}
	return nil
}
