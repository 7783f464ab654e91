package plain

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Text replaces what a terminal would obey, or what would reorder or hide the text beside
// it: names come from miners and pools.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '?'
		}
		return r
	}, s)
}

// More ends a text that was cut.
const More = "…"

// Cut returns a text of at most so many bytes, in whole characters, that shows if there was
// more.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most -= len(More); most > 0 && !utf8.RuneStart(s[most]); {
		most--
	}
	return s[:most] + More
}

// Age is a time that has passed, in two figures: 12 s, 5 min, 3 h, 4 d.
func Age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 100*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 100*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 100*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	default:
		return fmt.Sprintf("%.0f d", d.Hours()/24)
	}
}

// Count is a number in groups of three digits: 1,234,567.
func Count(n uint64) string {
	s := strconv.FormatUint(n, 10)
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
	return Count(uint64(n)) + " " + one + "s"
}

// Number is a number as short as it is, without an exponent; of one below 1, three digits.
func Number(v float64) string {
	if v < 1 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
