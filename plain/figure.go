package plain

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Unknown stands where a figure is not known.
const Unknown = "-"

// fixed is a number with so many digits behind the point. Halves are rounded up, as the page
// does it.
func fixed(v float64, digits int) string {
	return strconv.FormatFloat(math.Nextafter(v, math.Inf(1)), 'f', digits, 64)
}

// HashRate is a hash rate, which is given in H/s, in three figures: 1.50 PH/s, 110 TH/s.
func HashRate(v float64) string {
	const prefixes = "kMGTPEZ"
	if !(v >= 0.005) {
		return "0 H/s"
	}
	prefix := ""
	for i := 0; v >= 999.5 && i < len(prefixes); i++ { // otherwise it would be written as 1000
		v /= 1000
		prefix = prefixes[i : i+1]
	}
	digits := 0
	switch {
	case v < 9.995:
		digits = 2
	case v < 99.95:
		digits = 1
	}
	return fixed(v, digits) + " " + prefix + "H/s"
}

// Difficulty is a difficulty: a whole number from 1,000 on. Those of test pools, and of some
// algorithms, are far below 1, and have three figures.
func Difficulty(v float64) string {
	switch {
	case !(v > 0):
		return Unknown
	case v >= 999.9995:
		return grouped(strconv.FormatFloat(math.Round(v), 'f', 0, 64))
	case v >= 0.9995:
		return strings.TrimRight(strings.TrimRight(fixed(v, 3), "0"), ".")
	case v >= 1e-6:
		return strconv.FormatFloat(figures(v), 'f', -1, 64)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(figures(v), 'e', -1, 64), "e-")
	return mantissa + "e-" + strings.TrimLeft(exponent, "0")
}

// figures rounds a number to three figures.
func figures(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(math.Nextafter(v, math.Inf(1)), 'e', 2, 64), 64)
	return v
}

// Percent is a fraction in percent, with so many digits behind the point. The sign is not
// there: in a table the title has it.
func Percent(f float64, digits int) string { return fixed(100*f, digits) }

// Seconds is how many seconds something takes, in two figures or more: 500 µs, 42 ms, 1.5 s.
func Seconds(s float64) string {
	switch {
	case !(s > 0):
		return "0 s"
	case s < 0.0009995:
		return fixed(s*1e6, 0) + " µs"
	case s < 0.00995:
		return fixed(s*1e3, 1) + " ms"
	case s < 0.9995:
		return fixed(s*1e3, 0) + " ms"
	}
	return fixed(s, 1) + " s"
}

// Age is a time that has passed, in two figures: 12 s, 5 min, 3 h, 4 d.
func Age(d time.Duration) string {
	switch s := max(d, 0).Seconds(); {
	case s < 99.5:
		return fixed(s, 0) + " s"
	case s < 99.5*60:
		return fixed(s/60, 0) + " min"
	case s < 99.5*3600:
		return fixed(s/3600, 0) + " h"
	default:
		return fixed(s/86400, 0) + " d"
	}
}

// Count is a number of things in groups of three digits: 1,234,567.
func Count[N int | int64 | uint64](n N) string { return grouped(strconv.FormatUint(uint64(n), 10)) }

// grouped puts commas between groups of three digits.
func grouped(s string) string {
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// Several is a number of things: 1 miner, 2,000 miners.
func Several(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + one + "s"
}

// Number is a number as it was written: a weight.
func Number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Moment writes a time by this machine's clock, with its zone, since whoever reads it may be in
// another one.
func Moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }
