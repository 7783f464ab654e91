package history

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"time"
)

// stateVersion is of the format of State. Unknown fields are skipped and missing ones are
// zero, so it changes only if a field changes its meaning.
const stateVersion = 1

// recorderState is what a Recorder hands over, apart from what is in the file.
type recorderState struct {
	Version int
	Ago     time.Duration // since the last look; negative: there was none
	Flushed int64
	Pools   map[string]bool
	Books   map[string]PoolBooks // nil: of a farmproxy that shared out the workers' work
	Workers []trackedState
}

type trackedState struct {
	Name               string
	Work               float64
	Accepted, Rejected uint64
	Missing            uint16
	Gap                uint32
	Rate               float32
	Pending            Sample
}

// State returns what a Recorder in another process needs, besides the roster, to go on
// from the last look: with what has not been written, and what the books said. This one
// may go on too.
func (r *Recorder) State(now time.Time) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(r.state(now))
	return b.Bytes(), err
}

func (r *Recorder) state(now time.Time) *recorderState {
	s := &recorderState{Version: stateVersion, Ago: -1, Flushed: r.flushed, Pools: r.pools, Books: r.books, Workers: make([]trackedState, 0, len(r.workers))}
	if !r.last.IsZero() {
		s.Ago = now.Sub(r.last)
	}
	for _, t := range r.workers {
		s.Workers = append(s.Workers, trackedState{t.name, t.work, t.accepted, t.rejected, uint16(t.missing), t.gap, t.rate, t.pending.sample()})
	}
	return s
}

// Restore has the recorder go on from a State. It knows the roster already. A worker that
// is not in that is new with the next look. If the other process did not look at the books
// of pools, the next look gives the work of each worker to the pool at which it is.
func (r *Recorder) Restore(state []byte, now time.Time) error {
	var s recorderState
	if err := gob.NewDecoder(bytes.NewReader(state)).Decode(&s); err != nil {
		return fmt.Errorf("the state of the history is damaged: %w", err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("the state of the history has version %d, and this farmproxy understands %d", s.Version, stateVersion)
	}
	if s.Ago >= 0 {
		r.last = now.Add(-s.Ago)
	}
	r.flushed = s.Flushed
	for name, up := range s.Pools {
		r.pools[name] = up
	}
	r.blind = s.Books == nil
	for name, was := range s.Books {
		r.books[name] = was
	}
	for i := range s.Workers {
		w := &s.Workers[i]
		if t := r.workers[w.Name]; t != nil {
			t.work, t.accepted, t.rejected, t.missing, t.gap, t.rate = w.Work, w.Accepted, w.Rejected, uint8(min(w.Missing, absence)), w.Gap, w.Rate
			t.pending = pending{}
			t.pending.add(w.Pending)
		}
	}
	return nil
}
