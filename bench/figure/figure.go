package figure

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Percent formats a fraction as a percentage.
func Percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

// HashRate formats v in H/s with a prefix.
func HashRate(v float64) string {
	prefix := 0
	for ; v >= 999.995 && prefix < 7; prefix++ { // would be written as 1000.00
		v /= 1000
	}
	return fmt.Sprintf("%.2f %sH/s", v, []string{"", "k", "M", "G", "T", "P", "E", "Z"}[prefix])
}

// Short formats d with about three digits.
func Short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// Seconds formats a time with about three digits.
func Seconds(v float64) string { return Short(time.Duration(v * float64(time.Second))) }

// Megabytes formats a number of bytes in MB.
func Megabytes(v float64) string { return fmt.Sprintf("%.1f MB", v/(1<<20)) }

// Plain formats a number without a unit.
func Plain(v float64) string { return fmt.Sprintf("%.1f", v) }

// Counts formats a map as "3 x a, 1 x b", or "none".
func Counts(m map[string]int) string {
	var parts []string
	for _, k := range SortedKeys(m) {
		parts = append(parts, fmt.Sprintf("%d x %s", m[k], k))
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// SortedKeys returns the keys of a map, in order.
func SortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Median returns the median; for an even number of values the mean of the middle two,
// and 0 for none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// Grouped formats a number with commas between its thousands.
func Grouped(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
