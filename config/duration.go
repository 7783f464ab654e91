package config

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// units are the units of time that people write and time.ParseDuration does not know.
var units = map[string]time.Duration{
	"":   time.Second,
	"ms": time.Millisecond, "msec": time.Millisecond, "millisecond": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hour": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
	"y": 365 * 24 * time.Hour, "year": 365 * 24 * time.Hour,
}

// quantity is a number and its unit.
var quantity = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) *([a-z]*)[ ,]*`)

// meantDuration reads durations that everyone but time.ParseDuration understands: "2d",
// "1 day 12 hours", "10min", "30".
func meantDuration(text string) (sum time.Duration, ok bool) {
	for text = strings.ToLower(strings.TrimSpace(text)); text != ""; {
		m := quantity.FindStringSubmatch(text)
		if m == nil {
			return 0, false
		}
		unit, known := units[m[2]]
		if !known {
			unit, known = units[strings.TrimSuffix(m[2], "s")]
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if !known || err != nil || n*float64(unit)+float64(sum) > math.MaxInt64/2 {
			return 0, false
		}
		sum += time.Duration(n * float64(unit))
		text = text[len(m[0]):]
		ok = true
	}
	return sum, ok
}
