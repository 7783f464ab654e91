package history

import "time"

// class is a kind of series that are kept alike.
type class uint8

const (
	workers class = iota
	totals        // of the farm, pools and groups
	numClasses
)

// tier is a resolution in which a class of series is kept. Its number is in the file.
type tier struct {
	number int
	step   time.Duration
	steps  int  // in a chunk
	coarse bool // it is made of the other one
}

// length is how much time a chunk covers.
func (t *tier) length() time.Duration { return t.step * time.Duration(t.steps) }

// chunkAt returns where the chunk of a time begins, in seconds since 1970, and the step
// within it.
func (t *tier) chunkAt(at int64) (start int64, step int) {
	length, width := int64(t.length()/time.Second), int64(t.step/time.Second)
	start = at - at%length
	return start, int((at - start) / width)
}

// A fine chunk is an hour, which becomes one step of a coarse one.
const foldEvery = time.Hour

// tiers are the fine and the coarse one of each class.
var tiers = [numClasses][2]tier{
	workers: {{0, 5 * time.Minute, 12, false}, {1, foldEvery, 24, true}},
	totals:  {{2, time.Minute, 60, false}, {3, foldEvery, 24, true}},
}

// Retention says for how long what is kept. The times are of recording: what a
// farmproxy that is off does not record does not age.
type Retention struct {
	WorkerSteps time.Duration // 5 minutes of each worker
	WorkerHours time.Duration
	TotalSteps  time.Duration // minutes of the farm, pools and groups
	TotalHours  time.Duration
	Events      time.Duration
	Workers     time.Duration // names that are not seen any more
}

// DefaultRetention is for 10,000 workers what TestSize measures.
var DefaultRetention = Retention{
	WorkerSteps: 7 * day, WorkerHours: 90 * day,
	TotalSteps: 30 * day, TotalHours: 2 * 365 * day,
	Events: 90 * day, Workers: 30 * day,
}

const day = 24 * time.Hour

// fine returns the tier that a coarse one is made of.
func (t *tier) fine() *tier {
	for c := range tiers {
		if tiers[c][1].number == t.number {
			return &tiers[c][0]
		}
	}
	return t
}

// of returns how long a tier is kept.
func (r *Retention) of(c class, coarse int) time.Duration {
	switch {
	case c == workers && coarse == 0:
		return r.WorkerSteps
	case c == workers:
		return r.WorkerHours
	case coarse == 0:
		return r.TotalSteps
	}
	return r.TotalHours
}
