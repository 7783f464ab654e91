package stats

import "time"

// WorkerState says how a worker is.
type WorkerState uint8

const (
	WorkerDown   WorkerState = iota // no miner is connected under its name
	WorkerUp                        // it works
	WorkerSilent                    // a miner is connected, and shares stay away
)

// Silence is how long a connected worker may be without an accepted share before it is
// silent: pools warn after two minutes, and call it dead after five.
const Silence = 5 * time.Minute

// how returns how a worker is, and since when; the caller holds w.mu, and i has its times.
func (w *Worker) how(now time.Time, i *WorkerInfo) (WorkerState, time.Time) {
	if w.miners == 0 {
		return WorkerDown, i.LastSeen
	}
	last := i.LastShare
	switch {
	case last.IsZero() && elapsed(now)-time.Duration(w.since)*time.Second > Silence:
		return WorkerSilent, i.ConnectedSince
	case !last.IsZero() && elapsed(now)-time.Duration(w.lastShare)*time.Second > Silence:
		return WorkerSilent, last
	}
	return WorkerUp, i.ConnectedSince
}
