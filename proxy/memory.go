package proxy

import (
	"os"
	"runtime/debug"

	"farmproxy/systemd"
)

const (
	// gcPercent is how much garbage may gather, in percent of what is in use.
	// A share or a job leaves none, so that collecting early costs next to
	// nothing, and a farm that connects at once leaves less behind: a further miner
	// takes 4 % less with 5 than with 12, and 5 % less with 12 than with 25.
	gcPercent = 5

	// stormPercent is the same in a storm of TLS handshakes, each of which leaves 50 kB: with
	// gcPercent, half of the processor time of 5,000 handshakes went into collecting. Until
	// the storm is over, as much garbage may be left as is in use.
	stormPercent = 100

	// memoryShare is the part of the service's MemoryMax, in percent, that the
	// runtime keeps within: the rest is for what it does not count.
	memoryShare = 90
)

// tuneMemory settles how the runtime deals with memory. What the environment
// says (GOGC, GOMEMLIMIT) goes before.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if most, ok := systemd.MemoryMax(); ok && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(most / 100 * memoryShare)
	}
}

// settling returns what is to be done after each look of the history but the first; wrote
// says whether it has written.
//
// A write of 10,000 workers leaves 3 MB of garbage and room, which the runtime would keep
// for minutes: it collects so little otherwise that it hardly looks at what it has. Giving
// that back takes one collection more a minute, of ten. The first time what only the start
// needed is forgotten once more: miners have come since, and the history was opened.
func settling() func(wrote bool) {
	first := true
	return func(wrote bool) {
		if wrote && os.Getenv("GOGC") == "" {
			debug.FreeOSMemory()
		}
		if first {
			forgetStart()
			first = false
		}
	}
}

// storm has the runtime collect more rarely until the storm is over. It waits for a
// collection under way.
func storm(begins bool) {
	switch {
	case os.Getenv("GOGC") != "":
	case begins:
		debug.SetGCPercent(stormPercent)
	default:
		debug.SetGCPercent(gcPercent)
	}
}
