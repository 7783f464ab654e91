package balance

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// tick is how often the simulated farm is looked at, as farmproxy looks at its own.
const tick = 15 * time.Second

// farm is a simulated route: miners whose shares come by chance, at a difficulty of
// their own, and what Plan makes of it.
type farm struct {
	*rand.Rand
	rigs     []rig
	goals    []Goal
	ledger   Ledger
	now      time.Duration
	restless time.Duration // how long a miner is there on average before it leaves; 0: for ever

	rate  float64   // as the last look found it, and what came since
	load  []float64 // by goal
	looks []look    // what each look found
}

// rig is one miner.
type rig struct {
	Miner
	rate          float64 // true work per second, TH/s
	share         float64 // work of a share
	off           bool
	until         time.Duration // when it comes back
	moved         time.Duration
	work, weight  float64 // of the estimate
	shares, moves int
	soon          int           // moves that came before it had rested
	least         time.Duration // between two moves for the balance
}

// look is what one tick brought.
type look struct {
	at    time.Duration
	work  []float64 // by goal
	want  []float64
	moves int
}

// estimateTime is the time constant of a miner's estimated rate.
const estimateTime = 10 * time.Minute

func newFarm(seed uint64, weights []float64, sizes []float64) *farm {
	f := &farm{Rand: rand.New(rand.NewPCG(seed, 15))}
	for _, w := range weights {
		f.goals = append(f.goals, Goal{Wish: w, Open: true})
	}
	for i, size := range sizes {
		f.rigs = append(f.rigs, rig{
			Miner: Miner{ID: uint64(i), Goal: i % len(weights), Fits: 1<<len(weights) - 1, Pinned: NoPin},
			rate:  size, share: math.Exp2(math.Round(math.Log2(size * 10))), // vardiff: a power of two, about 6 a minute
			moved: -time.Hour, least: math.MaxInt64,
		})
	}
	return f
}

// mixed returns sizes from 1 to 500 TH/s: as many small ones as large ones, by their
// orders of magnitude.
func mixed(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 500))
	sizes := make([]float64, n)
	for i := range sizes {
		sizes[i] = exp(r.Float64() * math.Log(500))
	}
	return sizes
}

// poisson returns how many shares come where so many are expected.
func (f *farm) poisson(expected float64) (n int) {
	for p, least := f.Float64(), exp(-expected); p > least; n++ {
		p *= f.Float64()
	}
	return n
}

// run runs the farm, and does what the script says at its times.
func (f *farm) run(t *testing.T, long time.Duration, script map[time.Duration]func(*farm)) {
	t.Helper()
	for end := f.now + long; f.now < end; f.now += tick {
		moves := 0
		if do := script[f.now]; do != nil {
			do(f)
			moves += f.look(t, make([]float64, len(f.goals))) // at once: a change is not left for the next tick
		}
		f.churn()
		work := f.mine()
		moves += f.look(t, work)
		f.looks = append(f.looks, look{f.now, work, f.wanted(work), moves})
	}
}

// churn has miners leave and come back.
func (f *farm) churn() {
	for i := range f.rigs {
		r := &f.rigs[i]
		switch {
		case r.off && f.now >= r.until:
			r.off, r.work, r.weight, r.shares = false, 0, 0, 0
			r.moved = f.now - time.Hour
			r.Goal = f.newcomer()
		case !r.off && f.restless > 0 && f.Float64() < float64(tick)/float64(f.restless):
			f.stop(i, time.Duration(-math.Log(1-f.Float64())*float64(10*time.Minute)))
		}
	}
}

func (f *farm) stop(i int, long time.Duration) {
	f.rigs[i].off, f.rigs[i].until = true, f.now+long
}

// newcomer returns the goal of a miner that comes, as a login chooses it: the one that has
// least for what it is wished, when this one and all that came since the last look are
// average.
func (f *farm) newcomer() (goal int) {
	mean := f.rate / float64(len(f.rigs))
	least := math.Inf(1)
	for g, wish := range Wishes(f.goals) {
		if has := (f.load[g] + mean) / wish; wish > 0 && has < least {
			goal, least = g, has
		}
	}
	f.rate, f.load[goal] = f.rate+mean, f.load[goal]+mean
	return goal
}

// mine returns the work of a tick by goal. A goal that is not open books nothing.
func (f *farm) mine() []float64 {
	work := make([]float64, len(f.goals))
	decay := exp(-float64(tick) / float64(estimateTime))
	for i := range f.rigs {
		r := &f.rigs[i]
		if r.off {
			continue
		}
		n := f.poisson(r.rate * tick.Seconds() / r.share)
		if !f.goals[r.Goal].Open {
			n = 0
		}
		done := float64(n) * r.share
		work[r.Goal] += done
		r.work, r.weight, r.shares = r.work*decay+done, r.weight*decay+tick.Seconds(), r.shares+n
	}
	return work
}

// look books the work, plans, and moves: how many.
func (f *farm) look(t *testing.T, work []float64) int {
	t.Helper()
	s := State{}
	f.rate, f.load = 0, make([]float64, len(f.goals))
	for i := range f.rigs {
		r := &f.rigs[i]
		if r.off {
			continue
		}
		m := r.Miner
		m.Share, m.Rested = r.share, f.now-r.moved
		m.Rate = f.estimate(m.ID)
		f.rate += m.Rate
		f.load[m.Goal] += m.Rate
		s.Miners = append(s.Miners, m)
	}
	f.ledger.Book(f.goals, work, f.rate)
	for g := range f.goals {
		f.goals[g].Owed = f.ledger.Owed(g)
	}
	s.Goals = slices.Clone(f.goals)
	moves := Plan(s)
	checkMoves(t, s, moves)
	for _, m := range moves {
		r := &f.rigs[m.ID]
		if m.Why == Balance {
			r.least = min(r.least, f.now-r.moved)
			if f.now-r.moved < Rest {
				r.soon++
			}
		}
		f.load[m.From] -= f.estimate(m.ID)
		f.load[m.To] += f.estimate(m.ID)
		r.Goal, r.moved = m.To, f.now
		r.moves++
	}
	return len(moves)
}

// wanted returns what each goal should have got of some work.
func (f *farm) wanted(work []float64) []float64 {
	total := 0.0
	for _, w := range work {
		total += w
	}
	wanted := Wishes(f.goals)
	for g := range wanted {
		wanted[g] *= total
	}
	return wanted
}

// estimate returns a miner's rate as its shares tell it; 0: there are too few.
func (f *farm) estimate(id uint64) float64 {
	if r := &f.rigs[id]; r.shares >= 2 {
		return r.work / r.weight
	}
	return 0
}

// firstMinutes is how long after the start the split is not judged: what miners can do is
// not known at once.
const firstMinutes = 5 * time.Minute

// window returns by how much each goal's part differed from its wish in the Window that
// ends with a look; false: it is not judged.
func (f *farm) window(end int) (off []float64, judged bool) {
	begin := end - int(Window/tick) + 1
	if begin < 0 || f.looks[begin].at < firstMinutes {
		return nil, false
	}
	off = make([]float64, len(f.goals))
	total := 0.0
	for _, l := range f.looks[begin : end+1] {
		for g := range off {
			off[g] += l.work[g] - l.want[g]
			total += l.work[g]
		}
	}
	for g := range off {
		off[g] /= max(total, math.SmallestNonzeroFloat64)
	}
	return off, true
}

// worst returns the largest difference of a goal's part from its wish in any Window, and
// when the window ended.
func (f *farm) worst() (worst float64, at time.Duration) {
	for i := range f.looks {
		off, judged := f.window(i)
		if !judged {
			continue
		}
		for _, d := range off {
			if math.Abs(d) > worst {
				worst, at = math.Abs(d), f.looks[i].at
			}
		}
	}
	return worst, at
}

// moves returns how many there were, how many of them before the miner had rested, and
// the least time between two of a miner's for the balance's sake.
func (f *farm) moves() (all, soon int, least time.Duration) {
	least = math.MaxInt64
	for i := range f.rigs {
		all, soon, least = all+f.rigs[i].moves, soon+f.rigs[i].soon, min(least, f.rigs[i].least)
	}
	return all, soon, least
}

// checkMoves fails where moves break what Plan promises.
func checkMoves(t *testing.T, s State, moves []Move) {
	t.Helper()
	byID := make(map[uint64]*Miner)
	for i := range s.Miners {
		byID[s.Miners[i].ID] = &s.Miners[i]
	}
	wish := Wishes(s.Goals)
	for _, v := range moves {
		m := byID[v.ID]
		if m == nil {
			t.Fatalf("%+v: there is no such miner, or it moves twice", v)
		}
		delete(byID, v.ID)
		holds := m.Pinned >= 0 && m.Pinned < len(s.Goals) && s.Goals[m.Pinned].Open && m.fits(m.Pinned)
		for _, broken := range []struct {
			is   bool
			what string
		}{
			{v.From != m.Goal, "it is not there"},
			{v.To == v.From, "it is there already"},
			{v.To < 0 || v.To >= len(s.Goals), "there is no such goal"},
			{!s.Goals[v.To].Open, "the goal is closed"},
			{!m.fits(v.To), "it does not fit"},
			{m.Fixed, "it cannot be moved"},
			{holds && v.To != m.Pinned, "it is pinned elsewhere"},
			{!holds && wish[v.To] == 0, "the goal gets nothing"},
			{v.Why == Balance && m.Rested < ShortRest, "it was moved just now"},
			{v.Why == Balance && !m.known(), "its rate is not known"},
		} {
			if broken.is {
				t.Fatalf("%+v: %s; %+v", v, broken.what, m)
			}
		}
	}
}

// exp is math.Exp as every amd64 computes it: that one depends on the processor, and so
// would the plot.
func exp(x float64) float64 { return math.Exp2(x * math.Log2E) }
