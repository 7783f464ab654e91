package proxy

import (
	"fmt"
	"math/bits"
	"strconv"

	"farmproxy/config"
)

// routesOf returns warnings about what pools answered, and the routes that lead to them:
// goals without a pool that works, and pools where not every miner of the route can work.
func routesOf(c *config.Config, answers []*asked) (found config.Problems) {
	byName := make(map[string]*asked)
	for i, a := range answers {
		if a != nil {
			byName[c.Pools[i].Name] = a
		}
	}
	for i := range c.Routes {
		r, key := &c.Routes[i], fmt.Sprintf("route[%d]", i+1)
		if len(r.Goals) < 2 {
			continue // its miners stay where they are
		}
		fractions := r.Fractions()
		for j := range r.Goals {
			g, goal := &r.Goals[j], fmt.Sprintf("%s.goal[%d]", key, j+1)
			widest, works := widestMask(r, j, byName), false
			for k, name := range g.Pools {
				a := byName[name]
				works = works || a == nil || a.err == nil
				if a == nil || a.err != nil || bits.OnesCount32(widest.mask&^a.Mask) == 0 {
					continue
				}
				what := "all miners of the route then roll only the bits that its goals have in common"
				if a.Mask == 0 {
					what = "miners that roll any can't be moved here"
				}
				found = append(found, config.Problem{Warning: true, Key: fmt.Sprintf("%s.pools[%d]", goal, k+1), Value: strconv.Quote(name),
					Want: fmt.Sprintf("this pool lets miners roll %s, and %s allows %s: %s", rolled(a.Mask), widest.pool, rolled(widest.mask), what),
					Try:  "a route of its own for miners that roll no more, or another pool"})
			}
			if !works {
				found = append(found, config.Problem{Warning: true, Key: goal, Value: strconv.Quote(g.Name),
					Want: fmt.Sprintf("no pool of this goal sends a job: its %s %% of the work go to the other goals", strconv.FormatFloat(100*fractions[j], 'g', 3, 64)),
					Try:  "another pool in its list"})
			}
		}
	}
	return found
}

// offeredMask is the version mask of a pool.
type offeredMask struct {
	pool string
	mask uint32
}

// widestMask returns the pool of a route's goals other than one that lets miners roll most
// bits.
func widestMask(r *config.Route, but int, answers map[string]*asked) (widest offeredMask) {
	for i := range r.Goals {
		if i == but {
			continue
		}
		for _, name := range r.Goals[i].Pools {
			if a := answers[name]; a != nil && a.err == nil && bits.OnesCount32(a.Mask) > bits.OnesCount32(widest.mask) {
				widest = offeredMask{name, a.Mask}
			}
		}
	}
	return widest
}

// rolled says which version bits a mask has.
func rolled(mask uint32) string {
	if mask == 0 {
		return "no version bits"
	}
	return fmt.Sprintf("the %d version bits %08x", bits.OnesCount32(mask), mask)
}
