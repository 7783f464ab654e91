package report

import (
	"fmt"
	"slices"
	"time"

	"farmproxy/wish"
)

// Kind is how much time a report is about.
type Kind string

const (
	Daily  Kind = "daily"  // a calendar day
	Weekly Kind = "weekly" // Monday to Sunday
)

// Kinds are all of them.
var Kinds = []Kind{Daily, Weekly}

// KindOf returns the kind of a name.
func KindOf(name string) (Kind, error) {
	if kind := Kind(name); slices.Contains(Kinds, kind) {
		return kind, nil
	}
	return "", fmt.Errorf("report = %q: want daily or weekly", name)
}

// Span is the time that a report is about.
type Span struct {
	Kind     Kind
	From, To time.Time // midnights; To is not included
}

// Before returns the last span that was over at a time, as clocks of a zone show it.
func Before(kind Kind, now time.Time, zone *time.Location) Span {
	year, month, day := now.In(zone).Date()
	days := 1
	if kind == Weekly {
		days = 7
		day -= (int(now.In(zone).Weekday()) + 6) % 7 // to this week's Monday
	}
	return Span{kind, wish.Wall(year, month, day-days, 0, zone), wish.Wall(year, month, day, 0, zone)}
}

// previous returns the span before.
func (s *Span) previous() Span { return Before(s.Kind, s.From, s.From.Location()) }

// String returns its dates.
func (s *Span) String() string {
	const date = "Mon 2 Jan 2006"
	if s.Kind == Daily {
		return s.From.Format(date)
	}
	return s.From.Format(date) + " to " + s.To.Add(-time.Minute).Format(date)
}

// late is for how long a report is still sent when farmproxy was off at its time.
const late = 12 * time.Hour

// Times say when reports are due.
type Times struct {
	Daily, Weekly wish.Clock     // times of day
	On            time.Weekday   // the day of the weekly one
	Zone          *time.Location // of all of them
	Has           map[Kind]bool  // those that are wanted
}

// Due reports whether a report is to be sent now, and returns what last, when it was due the
// last time, is from then on. What was due too long ago is not sent. A last that lies beyond
// the next one is from a clock that was wrong: it is as if the last one had just been due.
func (t *Times) Due(kind Kind, last, now time.Time) (at time.Time, send bool) {
	if !t.Has[kind] {
		return last, false
	}
	year, month, day := now.In(t.Zone).Date()
	clock := t.Daily
	every := 1
	if kind == Weekly {
		clock, every = t.Weekly, 7
		day -= (int(now.In(t.Zone).Weekday()-t.On) + 7) % 7
	}
	at = wish.Wall(year, month, day, clock, t.Zone)
	if at.After(now) {
		at = wish.Wall(year, month, day-every, clock, t.Zone)
	}
	switch {
	case at.After(last):
		return at, now.Sub(at) < late
	case last.After(now.AddDate(0, 0, every)):
		return at, false
	}
	return last, false
}
