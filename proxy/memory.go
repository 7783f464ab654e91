package proxy

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"

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

	// forgetAfter is how long no garbage was collected when the text is forgotten. A farm
	// that connects causes a collection every 30 ms; what they look up may stay until they
	// are over.
	forgetAfter = 300 * time.Millisecond
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

// settle is what is done after each look of the history but the first; wrote says whether
// it has written.
//
// A write of 10,000 workers leaves 3 MB of garbage and room, which the runtime would keep
// for minutes: it collects so little otherwise that it hardly looks at what it has. Giving
// that back takes one collection more a minute, of ten.
func settle(wrote bool) {
	if wrote && os.Getenv("GOGC") == "" {
		debug.FreeOSMemory()
	}
}

// forgetText drops the text from resident memory whenever garbage was collected and then
// was not for forgetAfter, until ctx ends. What only the start needed goes with the first
// time.
//
// A collection looks up the stacks of all goroutines in tables as long as the code is, of
// which it needs a few bytes here and there; the kernel maps 64 kB for each. With 10,000
// miners 14 MB of text were resident after one, and 6 MB are without what only a collection
// needs.
func forgetText(ctx context.Context) {
	if t := loadedText(); len(t) > 0 {
		afterCollections(ctx, forgetAfter, t.forget)
	}
}

// afterCollections has do called, on a goroutine of its own, whenever garbage was collected
// and then was not for that time, until ctx ends. The first time it does not wait for garbage.
func afterCollections(ctx context.Context, quiet time.Duration, do func()) {
	timer := time.AfterFunc(quiet, func() {
		if ctx.Err() == nil {
			do()
		}
	})
	var collected func(struct{})
	collected = func(struct{}) {
		if ctx.Err() != nil {
			return
		}
		timer.Reset(quiet)
		runtime.AddCleanup(new(*byte), collected, struct{}{}) // found to be garbage by the next one
	}
	collected(struct{}{})
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
