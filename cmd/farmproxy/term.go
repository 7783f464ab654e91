package main

import (
	"flag"
	"fmt"
	"time"

	"farmproxy/api"
)

// minutes is how times are printed, and read: by the clock of this machine.
const minutes = "2006-01-02 15:04"

// termFlags are how long an order holds.
type termFlags struct{ lasts, until *string }

func addTermFlags(flags *flag.FlagSet) termFlags {
	return termFlags{
		lasts: flags.String("for", "", "it holds for this `TIME`, as 90m or 8h"),
		until: flags.String("until", "", "it holds until this `TIME`: 06:00, when the clock here shows it next, \"2026-01-31 06:00\", or with a zone as in RFC 3339"),
	}
}

// term returns what was asked for, for the running farmproxy.
func (f termFlags) term(now time.Time) (api.Term, error) {
	term, err := f.read(now)
	if err == nil {
		_, err = term.End(now)
	}
	return term, err
}

// read is term without a judgement.
func (f termFlags) read(now time.Time) (api.Term, error) {
	term := api.Term{For: *f.lasts}
	if *f.until != "" {
		end, err := readUntil(*f.until, now)
		if err != nil {
			return term, err
		}
		term.Until = end.Format(time.RFC3339)
	}
	return term, nil
}

// readUntil reads a time as people write it, by the clock of now.
func readUntil(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	zone := now.Location()
	if t, err := time.ParseInLocation(minutes, text, zone); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(minutes, now.Format("2006-01-02 ")+text, zone)
	if err != nil {
		return t, fmt.Errorf("-until %q: expected 06:00, \"2026-01-31 06:00\" or 2026-01-31T06:00:00+01:00", text)
	}
	if !t.After(now) {
		t = t.AddDate(0, 0, 1)
	}
	return t, nil
}
