package scenario

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/figure"
	"farmproxy/bench/stand"
	"farmproxy/bench/wait"
)

// Sizes of the scenario: a farm of 2,000 miners, which has two shares per miner and window
// and more.
const (
	splitMiners = 2000
	splitLoad   = time.Minute // a window in which the work is compared with the wish

	// splitPatience is how long the work may take to be as is wished, with the windows
	// that show it: more than miners have to rest.
	splitPatience = 5 * time.Minute
)

// splitWindows is how many windows one after the other have to be as is wished: the first
// may have been on the way to something else.
const splitWindows = 2

// The wishes of the scenario, for the first pool, in parts of all work; and how far the
// work of a window may be off unless -within says otherwise.
const (
	splitFirst  = 0.7
	splitSecond = 0.1
	splitWithin = 0.02
)

// largestMiner is how many times larger than the smallest one the largest miner is: 1 to
// 500 TH/s, of which there are as many between 1 and 2 as between 250 and 500.
const largestMiner = 500

// A miner is known by that many shares. That part of all miners has to be: the smallest
// ones take long.
const (
	knownShares = 2
	knownMiners = 0.97
)

// minerSize returns how large a miner is, compared with the smallest one.
func minerSize(seed uint64) func(miner int) float64 {
	return func(miner int) float64 {
		return math.Pow(largestMiner, rand.New(rand.NewPCG(seed, uint64(miner))).Float64())
	}
}

const (
	// movesEach is how often every miner is moved by hand.
	movesEach = 20

	// moversAtOnce is how many requests ask for moves at the same time.
	moversAtOnce = 16
)

// SplitPart is a part of scenario split: what was wished and what became of it.
type SplitPart struct {
	What    string  `json:"what"`
	Wish    float64 `json:"wish"`   // part of the work that the first pool is to have
	Got     float64 `json:"got"`    // and that it had in the last window, by the pools' books
	After   float64 `json:"after"`  // seconds until the windows began that were as is wished
	Shares  int     `json:"shares"` // accepted in the last window
	Moves   int     `json:"moves"`  // by the proxy, since the part before
	Refused int     `json:"refused"`
}

// split divides a farm between two pools: as configured, without the second pool, with it
// again, by other weights, and after twenty moves of every miner. Shares flow all the time.
func (t *trial) split(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	first, second := t.stand.Pools[0], t.stand.Pools[1]
	if err := t.load(ctx, t.o.Duration); err != nil {
		return err
	}
	if err := t.known(ctx); err != nil {
		return err
	}
	if err := t.part(ctx, "as configured", splitFirst); err != nil {
		return err
	}
	t.say("pool %s goes down", second.Options().Name)
	start := time.Now()
	fresh := first.Job(true)
	second.Stop()
	last, err := t.moved(ctx, first, fresh)
	if err != nil {
		t.breach("the second pool is down: %v", err)
		return ctx.Err()
	}
	t.fig.FailoverSeconds = last.Sub(start).Seconds()
	if err := t.part(ctx, "the second pool is down", 1); err != nil {
		return err
	}
	if err := second.Start(); err != nil {
		return err
	}
	if err := t.part(ctx, "it is back", splitFirst); err != nil {
		return err
	}
	weights := map[string]any{"weights": map[string]float64{first.Options().Name: splitSecond, second.Options().Name: 1 - splitSecond}}
	if err := api.At(t.stand.HTTP).Do(ctx, http.MethodPut, "/api/v1/routes/"+stand.SplitRoute+"/weights", http.StatusOK, weights, nil); err != nil {
		return err
	}
	if err := t.part(ctx, "other weights, over the API", splitSecond); err != nil {
		return err
	}
	if err := t.moveAll(ctx); err != nil {
		return err
	}
	if err := t.part(ctx, "after the moves", splitSecond); err != nil {
		return err
	}
	t.settle(ctx)
	return t.finish()
}

// work returns the pools' accepted work and shares, and how many the miners were refused.
func (t *trial) work() (work []float64, accepted, refused int) {
	for _, p := range t.stand.Pools {
		total := p.Books().Total()
		work = append(work, total.Work)
		accepted += total.Accepted
	}
	return work, accepted, t.fleet.Books().Total().Refused
}

// known waits until the proxy knows how much work most miners do: the first part of a split
// would else be that of a farm which has just been switched on.
func (t *trial) known(ctx context.Context) error {
	for start := time.Now(); time.Since(start) < t.o.Patience; {
		workers, err := api.At(t.stand.HTTP).AllWorkers(ctx)
		if err != nil {
			return err
		}
		n := 0
		for _, w := range workers {
			if w.Accepted >= knownShares {
				n++
			}
		}
		t.say("%d of %d miners have sent %d shares", n, t.o.Miners, knownShares)
		if float64(n) >= knownMiners*float64(t.o.Miners) {
			return nil
		}
		if err := wait.For(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil // the rest are small
}

// part waits until the first pool's part of the work is as is wished, in some windows one
// after the other.
func (t *trial) part(ctx context.Context, what string, wish float64) error {
	start, near := time.Now(), 0
	p := SplitPart{What: what, Wish: wish}
	for near < splitWindows {
		t.say("%s: %.1f %% of the work, want %.1f", what, 100*p.Got, 100*wish)
		before, sent, _ := t.work()
		if err := wait.For(ctx, t.o.Duration); err != nil {
			return err
		}
		after, accepted, _ := t.work()
		a, b := after[0]-before[0], after[1]-before[1]
		p.Got, p.Shares = a/max(a+b, math.SmallestNonzeroFloat64), accepted-sent
		if near++; p.Shares == 0 || math.Abs(p.Got-wish) > t.o.Within {
			near = 0
		}
		if near < splitWindows && time.Since(start) > t.o.Patience {
			t.breach("%s: the first pool has %.1f %% of the work of %d shares after %v, want %.1f, within %.1f", what, 100*p.Got, p.Shares, time.Since(start).Round(time.Second), 100*wish, 100*t.o.Within)
			break
		}
	}
	p.After = max(0, (time.Since(start) - splitWindows*t.o.Duration).Seconds())
	var err error
	p.Moves, err = t.moves(ctx)
	_, _, p.Refused = t.work()
	for _, earlier := range t.splits {
		p.Moves, p.Refused = p.Moves-earlier.Moves, p.Refused-earlier.Refused
	}
	t.splits = append(t.splits, p)
	return err
}

// moves returns how often the proxy has moved a miner.
func (t *trial) moves(ctx context.Context) (n int, err error) {
	series, err := api.At(t.stand.HTTP).Series(ctx, "farmproxy_goal_moves_total")
	for _, s := range series {
		n += int(s.Value)
	}
	return n, err
}

// moveAll moves every miner there and back, over the API, and enters what a move costs.
func (t *trial) moveAll(ctx context.Context) error {
	t.say("%d moves of each of %d miners", movesEach, t.o.Miners)
	_, _, refused := t.work()
	before, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	start, sent := time.Now(), t.fleet.Books().Total().Submits
	own, err := t.moves(ctx)
	if err != nil {
		return err
	}
	workers, err := api.At(t.stand.HTTP).AllWorkers(ctx)
	if err != nil {
		return err
	}
	var moved atomic.Int64
	for round := range movesEach {
		if err := t.moveOver(ctx, workers, round%2 == 0, &moved); err != nil {
			return err
		}
	}
	after, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	_, _, now := t.work()
	t.fig.MovesByHand = int(moved.Load())
	shares := float64(t.fleet.Books().Total().Submits - sent)
	t.fig.CPUPerMove = max(0, (after-before).Seconds()-shares*t.fig.CPUPerShare) / max(1, float64(t.fig.MovesByHand))
	t.fig.MovesPerSecond = float64(t.fig.MovesByHand) / time.Since(start).Seconds()
	t.fig.RefusedByMoves = now - refused
	moves, err := t.moves(ctx)
	if all := movesEach * t.o.Miners; err == nil && t.fig.MovesByHand < all-(moves-own) { // those that it made itself meanwhile need not be made
		t.breach("%d moves by hand, and %d by the proxy, want %d", t.fig.MovesByHand, moves-own, all)
	}
	return err
}

// moveOver has all miners work at the other pool than the one that they were at, or back at
// that.
func (t *trial) moveOver(ctx context.Context, workers []api.Worker, over bool, moved *atomic.Int64) error {
	client, first, second := api.At(t.stand.HTTP), t.stand.Pools[0].Options().Name, t.stand.Pools[1].Options().Name
	var next atomic.Int64
	var all sync.WaitGroup
	failed := make(chan error, moversAtOnce)
	for range moversAtOnce {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(workers); i = int(next.Add(1)) - 1 {
				var answer struct{ Moved int }
				path, goal := "/api/v1/workers/"+url.PathEscape(workers[i].Name)+"/move", first
				if (workers[i].Pool == first) == over {
					goal = second
				}
				if err := client.Do(ctx, http.MethodPost, path, http.StatusOK, map[string]string{"goal": goal}, &answer); err != nil {
					failed <- fmt.Errorf("a move: %w", err)
					return
				}
				moved.Add(int64(answer.Moved))
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// printSplits prints the parts of scenario split.
func (out *Outcome) printSplits(row func(cells ...string)) {
	row("split", "wish", "work", "after", "shares", "moves", "refused")
	for _, p := range out.Splits {
		row(p.What, figure.Percent(p.Wish), figure.Percent(p.Got), figure.Seconds(p.After), fmt.Sprint(p.Shares), fmt.Sprint(p.Moves), fmt.Sprint(p.Refused))
	}
}
