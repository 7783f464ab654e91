package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"farmproxy/check"
	"farmproxy/config"
	"farmproxy/plain"
	"farmproxy/upstream"
)

// connectTime bounds check -connect: a pool has 15 s for each step, and seldom
// takes more than one of them.
const connectTime = 40 * time.Second

// Examined is what is known of a file, and of the machine and the pools that it
// is for.
type Examined struct {
	Config   *config.Config // nil: nothing could be made of it
	Problems config.Problems
	Offers   []string // of the pools, where they were asked
}

// Examine reads a file, and looks for everything that is wrong with it here; start
// as in check.Config. With connect the pools are asked for a job.
func Examine(ctx context.Context, f *config.File, start, connect bool) Examined {
	return examine(ctx, f, machine{}, start, connect)
}

// examine is Examine for a machine.
func examine(ctx context.Context, f *config.File, m check.Machine, start, connect bool) (x Examined) {
	c, problems := f.Check()
	if c == nil {
		return Examined{Problems: problems}
	}
	x.Config = c
	found := check.Config(ctx, c, problems, m, start)
	through, err := dialer(proxies(&c.Proxies), slog.New(slog.DiscardHandler))
	switch {
	case err != nil && !problems.Within("proxies"):
		found = append(found, config.Problem{Key: "proxies.urls", Want: err.Error()})
	case err == nil && connect:
		var refused config.Problems
		x.Offers, refused = tryPools(ctx, c, slices.Concat(problems, found), through)
		found = append(found, refused...)
	}
	x.Problems = f.Place(found)
	return x
}

// tryPools connects to the pools that have no problem, all at once, and returns
// what each gives, and why others give nothing, or can't take every miner of a route.
func tryPools(ctx context.Context, c *config.Config, known config.Problems, connect dialing) (offers []string, refused config.Problems) {
	answers := askPools(ctx, c, known, connect)
	for i, r := range answers {
		switch {
		case r == nil:
		case r.err != nil:
			refused = append(refused, config.Problem{Key: poolKey(i) + ".url", Value: strconv.Quote(c.Pools[i].URL), Want: "this pool sends no job: " + r.err.Error()})
		default:
			offers = append(offers, fmt.Sprintf("%-9s %s", poolKey(i), offer(&r.Offer)))
		}
	}
	return offers, append(refused, routesOf(c, answers)...)
}

// asked is what a pool answered.
type asked struct {
	upstream.Offer
	err error
}

// askPools connects to the pools that have no problem, all at once, and returns what each
// answered; nil for the others.
func askPools(ctx context.Context, c *config.Config, known config.Problems, connect dialing) []*asked {
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	results := make([]*asked, len(c.Pools))
	var trying sync.WaitGroup
	for i := range c.Pools {
		if known.Within(poolKey(i)) {
			continue
		}
		trying.Go(func() {
			o, err := upstream.Try(ctx, new(tlsConfigs).pool(&c.Pools[i]), connect, log)
			results[i] = &asked{o, err}
		})
	}
	trying.Wait()
	return results
}

func poolKey(i int) string { return fmt.Sprintf("pool[%d]", i+1) }

// offer is what a pool gives, in words.
func offer(o *upstream.Offer) string {
	mask := "no version rolling"
	if o.Mask != 0 {
		mask = fmt.Sprintf("version mask %08x", o.Mask)
	}
	said := []string{fmt.Sprintf("gives an extranonce2 of %d bytes", o.Extranonce2), mask}
	if o.Job > 0 {
		said = append(said, "difficulty "+plain.Difficulty(o.Difficulty), fmt.Sprintf("a job after %.2f s", o.Job.Seconds()))
	} else {
		said = append(said, "not asked for a job: miners' logins name the accounts")
	}
	if o.Certificate != "" {
		said = append(said, "certificate "+o.Certificate)
	}
	return strings.Join(said, ", ")
}
