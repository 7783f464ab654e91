package api

import (
	"fmt"
	"time"
)

// maxTerm is the longest time that an order holds, unless it holds until it is taken back:
// what is longer is a slip of the keyboard.
const maxTerm = 10 * 365 * 24 * time.Hour

// Term says how long an order holds: until a moment or for a time; with neither, until it is
// taken back.
type Term struct {
	Until string `json:"until,omitempty"` // RFC 3339
	For   string `json:"for,omitempty"`   // as 90m, 8h or 72h
}

// End returns when an order that is given now ends; zero: when it is taken back.
func (t Term) End(now time.Time) (end time.Time, err error) {
	if end, err = t.end(now); err == nil && end.Sub(now) > maxTerm {
		return end, badRequest("until and for: want ten years at most; give neither for an order that holds until it is taken back")
	}
	return end, err
}

// end is End without the bound.
func (t Term) end(now time.Time) (end time.Time, err error) {
	switch {
	case t.Until != "" && t.For != "":
		return end, badRequest("until and for: give one of them")
	case t.For != "":
		d, err := time.ParseDuration(t.For)
		if err != nil || d <= 0 {
			return end, badRequest(`for: want a duration such as "90m", "8h" or "72h", got %s`, quoted(t.For))
		}
		end = now.Add(min(d, maxTerm+1))
	case t.Until != "":
		end, err = parseTime(t.Until)
		if err != nil {
			return end, badRequest(`until: want a time such as "2026-01-31T18:00:00+01:00", got %s`, quoted(t.Until))
		}
		if !end.After(now) {
			return end, badRequest("until: %s is over; it is %s now", t.Until, now.In(end.Location()).Format(time.RFC3339))
		}
	default:
		return end, nil
	}
	return end, nil
}

// parseTime reads a time of RFC 3339. Package time also reads zones that are a day or more
// away, and can't write them: an order with one could not be kept.
func parseTime(text string) (t time.Time, err error) {
	if t, err = time.Parse(time.RFC3339, text); err == nil {
		_, err = t.MarshalText()
	}
	return t, err
}

// Note is who gave an order, when, and until when it holds.
type Note struct {
	By    string     `json:"by"`
	Since time.Time  `json:"since"`
	Until *time.Time `json:"until"` // null: until it is taken back
}

// String says it for people, with times of this machine's clock.
func (n *Note) String() string {
	text := fmt.Sprintf("by %s, since %s", n.By, n.Since.Local().Format(minutes))
	if n.Until != nil {
		text += ", until " + n.Until.Local().Format(minutes)
	}
	return text
}

// minutes is how people read times.
const minutes = "2006-01-02 15:04"

// MakeNote returns a note as answers have it.
func MakeNote(by string, since, until time.Time) Note {
	return Note{By: by, Since: Moment(since), Until: OrNull(until)}
}
