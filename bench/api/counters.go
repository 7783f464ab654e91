package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// id returns what identifies the series.
func (s Series) id() string {
	var b strings.Builder
	b.WriteString(s.name)
	for _, label := range slices.Sorted(maps.Keys(s.Labels)) {
		fmt.Fprintf(&b, ",%s=%q", label, s.Labels[label])
	}
	return b.String()
}

// counts reports whether the series may only grow.
func (s Series) counts() bool {
	for _, suffix := range []string{"_total", "_bucket", "_count", "_sum"} {
		if strings.HasSuffix(s.name, suffix) {
			return true
		}
	}
	return false
}

// WentBack returns the counters that are gone after, or less than before.
func WentBack(before, after []Series) (all []string) {
	now := make(map[string]float64, len(after))
	for _, s := range after {
		now[s.id()] = s.Value
	}
	for _, s := range before {
		if !s.counts() {
			continue
		}
		switch value, there := now[s.id()]; {
		case !there:
			all = append(all, fmt.Sprintf("%s was %v and is gone", s.id(), s.Value))
		case value < s.Value:
			all = append(all, fmt.Sprintf("%s was %v and is %v", s.id(), s.Value, value))
		}
	}
	return all
}
