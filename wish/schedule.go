package wish

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // so that a schedule means the same on a machine without zones
)

// Days is a set of weekdays: bit 0 is Sunday.
type Days uint8

// EveryDay has all of them.
const EveryDay Days = 1<<7 - 1

// dayNames are their names in the configuration, in time's order.
var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseDays reads days and ranges of days: "mon-fri", "sat,sun", "fri-mon"; "" is every day.
func ParseDays(text string) (d Days, err error) {
	if strings.TrimSpace(text) == "" {
		return EveryDay, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, known := parseDay(first)
		to, known2 := parseDay(last)
		if !known || !known2 {
			return 0, fmt.Errorf("%q is no day: write mon, tue, wed, thu, fri, sat or sun, and ranges and lists of them, for example \"mon-fri\" or \"sat,sun\"", strings.TrimSpace(part))
		}
		for day := from; ; day = (day + 1) % 7 {
			d |= 1 << day
			if day == to {
				break
			}
		}
	}
	return d, nil
}

func parseDay(text string) (day int, known bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for i, name := range dayNames {
		if text == name || text == strings.ToLower(time.Weekday(i).String()) {
			return i, true
		}
	}
	return 0, false
}

// has reports whether a day is one of them.
func (d Days) has(day time.Weekday) bool { return d>>day&1 == 1 }

// Clock is a time of day on the wall, in minutes since midnight: 0 to 1440.
type Clock int

const endOfDay Clock = 24 * 60

// ParseClock reads a time of day from "00:00" to "24:00".
func ParseClock(text string) (Clock, error) {
	if len(text) == len("00:00") && text[2] == ':' {
		h, m := digits(text[:2]), digits(text[3:])
		if c := Clock(h*60 + m); h >= 0 && m >= 0 && m < 60 && c <= endOfDay {
			return c, nil
		}
	}
	return 0, fmt.Errorf("%q is no time of day: write hours and minutes from \"00:00\" to \"24:00\", for example \"06:30\"", text)
}

// digits returns the number that two digits write; -1: they are none.
func digits(s string) int {
	if s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}

// String returns the form that ParseClock reads.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// Period is a weight at times: on some days from a time of day until another. One whose To
// is not after From ends on the next day, and belongs to the day on which it begins.
//
// A time of day that the clock shows twice, when summer time ends, is the first of the two;
// one that it skips, when summer time begins, is the moment of the change. So periods that
// follow each other never overlap and leave no gap.
type Period struct {
	Days     Days
	From, To Clock
	Zone     *time.Location
	Weight   float64
}

// on returns the period of a calendar day, whether or not it is one of Days.
func (p *Period) on(year int, month time.Month, day int) (begin, end time.Time) {
	begin = Wall(year, month, day, p.From, p.Zone)
	if p.To <= p.From {
		day++
	}
	return begin, Wall(year, month, day, p.To, p.Zone)
}

// At reports whether the period is in force, and until when.
func (p *Period) At(now time.Time) (until time.Time, inForce bool) {
	year, month, day := now.In(p.Zone).Date()
	for _, d := range [2]int{day, day - 1} { // yesterday's may reach into today
		begin, end := p.on(year, month, d)
		if p.Days.has(weekday(year, month, d)) && !now.Before(begin) && now.Before(end) {
			return end, true
		}
	}
	return time.Time{}, false
}

// next returns when the period begins the next time.
func (p *Period) next(now time.Time) time.Time {
	year, month, day := now.In(p.Zone).Date()
	for d := day; d <= day+7; d++ { // today's next week, if today's is over
		begin, _ := p.on(year, month, d)
		if p.Days.has(weekday(year, month, d)) && begin.After(now) {
			return begin
		}
	}
	return time.Time{} // it has no days
}

// weekday returns the weekday of a calendar day; days of other months are understood.
func weekday(year int, month time.Month, day int) time.Weekday {
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC).Weekday()
}

// Wall returns when a clock on the wall first shows a time on a calendar day, or the moment
// at which it skips that time.
func Wall(year int, month time.Month, day int, c Clock, zone *time.Location) time.Time {
	utc := time.Date(year, month, day, 0, int(c), 0, 0, time.UTC)
	// The offsets before and after: zones change at most once in two days.
	before, after := offset(utc.Add(-24*time.Hour), zone), offset(utc.Add(24*time.Hour), zone)
	early, late := utc.Add(-max(before, after)), utc.Add(-min(before, after))
	for _, t := range [2]time.Time{early, late} {
		if offset(t, zone) == utc.Sub(t) {
			return t.In(zone)
		}
	}
	change, _ := late.In(zone).ZoneBounds()
	return change
}

// offset returns how far a zone's clocks are ahead of UTC.
func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// zones are those that were loaded, by name: equal periods have the same one.
var zones sync.Map

// LoadZone returns a time zone by its name in the IANA database, for example
// "Europe/Berlin"; "" is the machine's own. The same name gives the same zone.
func LoadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no time zone: write a name of the IANA database, for example \"Europe/Berlin\", \"America/Chicago\" or \"UTC\"", name)
	}
	known, _ := zones.LoadOrStore(name, zone)
	return known.(*time.Location), nil
}
