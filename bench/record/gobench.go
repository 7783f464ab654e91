package record

import (
	"fmt"
	"strings"
)

// gobenchUnits maps our units to benchstat's, with the factor between them.
var gobenchUnits = map[Unit]struct {
	name  string
	times float64
}{
	inSeconds:     {"ns/op", 1e9},
	inBytes:       {"B/op", 1},
	inAllocations: {"allocs/op", 1},
	inFractions:   {"%", 100},
	inPerSecond:   {"/s", 1},

	inBytesPerSecond: {"B/s", 1},
}

// GoBench returns the result in the format of Go's benchmarks, one line per round. The
// commit is left out: benchstat treats runs with different settings as runs of
// different things.
func (r *Result) GoBench() string {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: farmproxy/bench\ncpu: %s\n", r.Machine.OS, r.Machine.Arch, r.Machine.CPU)
	for _, m := range r.Measures {
		unit := gobenchUnits[m.Unit]
		for _, side := range []struct {
			name   string
			values []float64
		}{{"proxy", m.Proxy}, {"floor", m.Floor}, {"haproxy", m.HAProxy}} {
			name := fmt.Sprintf("Benchmark%s/%s/miners=%d", camel(m.Key), side.name, m.Miners)
			if m.Rate > 0 {
				name += fmt.Sprintf("/rate=%.0f", m.Rate)
			}
			for _, v := range side.values {
				fmt.Fprintf(&b, "%s 1 %v %s\n", name, v*unit.times, unit.name)
			}
		}
	}
	return b.String()
}

// camel turns cpu_share into CpuShare, as in names of benchmarks.
func camel(key string) (s string) {
	for word := range strings.SplitSeq(key, "_") {
		s += strings.ToUpper(word[:1]) + word[1:]
	}
	return s
}
