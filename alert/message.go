package alert

import (
	"fmt"
	"strings"
	"time"

	"farmproxy/plain"
)

// Kind is what a message is about.
type Kind string

const (
	Alerts  Kind = "alerts"
	Summary Kind = "summary" // what happened while nobody could be told
	Test    Kind = "test"
	Report  Kind = "report"
)

// Message is what channels get.
type Message struct {
	Kind     Kind
	At       time.Time
	Site     string   // what the box is called
	Severity Severity // of the worst alert that it is about; "": it is about none that goes on
	Title    string   // one line, at most maxTitle bytes
	Text     string   // plain text, at most maxText bytes
	HTML     string   // the same; "": there is none
	Alerts   []Alert  // firing, then resolved; at most mostTold
}

const (
	// maxTitle is what a lock screen shows, and more.
	maxTitle = 120

	// maxText fits the smallest of the channels' limits twice: they split or cut it.
	maxText = 8 << 10

	// mostTold bounds what one message is about: more is on the page.
	mostTold = 100
)

// due is what an operator should be told now.
type due struct{ firing, over []*entry }

// message returns what is to be told now, if anything.
func (e *Engine) message(k *look) *Message {
	switch {
	case e.settings.Mute:
		return nil
	case k.CutOff:
		for _, x := range e.entries {
			x.missed = x.missed || x.state() == Firing && !x.said
		}
		return nil
	}
	d := e.due(k.now)
	began, wait := e.gather, gather
	if !e.back.IsZero() {
		began, wait = e.back, gatherAfterCutOff
	}
	switch {
	case began.IsZero() && len(d.firing)+len(d.over) > 0:
		e.gather = k.now
		return nil
	case began.IsZero(), k.now.Sub(began) < wait:
		if len(d.firing)+len(d.over) == 0 {
			e.gather = time.Time{}
		}
		return nil
	}
	m := e.compose(k, d)
	e.gather, e.back = time.Time{}, time.Time{}
	return m
}

// due returns what has not been told, and need not wait.
func (e *Engine) due(now time.Time) (d due) {
	quiet := e.quiet(now)
	for _, x := range e.sorted() {
		held := quiet && x.rule.Severity == Ticket
		switch state := x.state(); {
		case state == Firing && !held && e.untold(x, now):
			d.firing = append(d.firing, x)
		case state == Resolved && held && x.missed:
			x.missed = false // by the end of quiet hours it is no news
		case state == Resolved && (x.owed && !held || x.missed):
			d.over = append(d.over, x)
		}
	}
	return d
}

// quiet reports whether tickets wait.
func (e *Engine) quiet(now time.Time) (is bool) {
	if e.settings.Quiet.Zone != nil {
		_, is = e.settings.Quiet.At(now)
	}
	return is
}

// untold reports whether an operator was not told of an alert, and does not know it from a
// little while ago.
func (e *Engine) untold(x *entry, now time.Time) bool {
	s, _ := e.rule(x.rule)
	return !x.said && (x.told.IsZero() || now.Sub(x.told) >= s.CoolDown)
}

// brief reports whether an alert that ends now was about to be told: that it was is told then.
func (e *Engine) brief(x *entry, now time.Time) bool {
	return !e.settings.Mute && !(e.quiet(now) && x.rule.Severity == Ticket) && e.untold(x, now)
}

// compose writes the message, and notes that it was told; nil: there is nothing to tell.
func (e *Engine) compose(k *look, d due) *Message {
	if len(d.firing)+len(d.over) == 0 {
		return nil
	}
	m := &Message{Kind: Alerts, At: k.now.Round(0).In(e.settings.Zone), Site: e.settings.Site}
	var text strings.Builder
	if !e.back.IsZero() {
		m.Kind = Summary
		until := e.back.Round(0)
		fmt.Fprintf(&text, "Neither a pool nor a channel could be reached from %s to %s (%s). Meanwhile:\n\n", e.clock(k.now, until.Add(-e.away)), e.clock(k.now, until), lasted(e.away))
	}
	for _, x := range d.firing {
		x.told, x.said, x.missed = k.now, true, false
		if m.Severity != Page {
			m.Severity = x.rule.Severity
		}
		e.tell(m, &text, k.now, x)
	}
	for _, x := range d.over {
		if x.owed, x.missed = false, false; !x.said && m.Kind != Summary {
			x.told, x.said = k.now, true // by this message
		}
		e.tell(m, &text, k.now, x)
	}
	all := len(d.firing) + len(d.over)
	if more := all - len(m.Alerts); more > 0 {
		fmt.Fprintf(&text, "And %d more: GET /api/v1/alerts, farmproxy alerts.\n", more)
	}
	m.Text = plain.Cut(text.String(), maxText)
	m.Title = plain.Cut(e.title(m, len(d.firing), len(d.over)), maxTitle)
	return m
}

// tell adds an alert to a message.
func (e *Engine) tell(m *Message, text *strings.Builder, now time.Time, x *entry) {
	if len(m.Alerts) == mostTold {
		return
	}
	a := e.alert(x)
	m.Alerts = append(m.Alerts, a)
	if a.Until != nil {
		fmt.Fprintf(text, "RESOLVED  %s (from %s to %s)\n\n", a.Text, e.clock(now, a.Since), e.clock(now, *a.Until))
		return
	}
	fmt.Fprintf(text, "%s  %s\n%s\n\n", strings.ToUpper(string(a.Severity)), a.Sentence(e.clock(now, a.Since)), a.Do)
}

// title says the most important in one line, and how many more there are.
func (e *Engine) title(m *Message, firing, over int) string {
	var b strings.Builder
	if m.Site != "" {
		b.WriteString("[" + m.Site + "] ")
	}
	switch first := m.Alerts[0]; {
	case m.Kind == Summary:
		fmt.Fprintf(&b, "Back after %s without a pool or a channel", lasted(e.away))
	case first.State == Resolved:
		b.WriteString("Resolved: " + first.Text)
	default:
		b.WriteString(first.Text)
	}
	line := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, b.String())
	more := ""
	switch {
	case m.Kind == Summary, firing+over == 1:
		return line
	case firing == 0:
		more = fmt.Sprintf(" (and %d more)", over-1)
	case over == 0:
		more = fmt.Sprintf(" (and %d more)", firing-1)
	case firing == 1:
		more = fmt.Sprintf(" (%d resolved)", over)
	default:
		more = fmt.Sprintf(" (and %d more; %d resolved)", firing-1, over)
	}
	return plain.Cut(line, maxTitle-len(more)) + more
}

// clock returns a time for people who read it now.
func (e *Engine) clock(now, t time.Time) string { return clock(now, t, e.settings.Zone) }

func clock(now, t time.Time, zone *time.Location) string {
	now, t = now.In(zone), t.In(zone)
	if now.YearDay() == t.YearDay() && now.Year() == t.Year() {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// lasted returns a duration for people.
func lasted(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d h", d/time.Hour)
}
