package proxy

import (
	"errors"
	"testing"

	"farmproxy/config"
	"farmproxy/upstream"
)

// What pools answer may tell that a route can't be kept.
func TestWarningsAboutRoutesWhosePoolsAnswered(t *testing.T) {
	offers := func(mask uint32) *asked { return &asked{Offer: upstream.Offer{Mask: mask}} }
	f := func(want string, answers ...*asked) {
		t.Helper()
		c := twoGoals()
		if got := routesOf(c, answers).Error(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	down, all, few := &asked{err: errors.New("down")}, offers(0x1fffe000), offers(0x00c00000)
	f("", all, all, all)
	f("", nil, nil, nil)
	f("", down, all, all)
	f(`warning: route[1].goal[2].pools[1] = "c": this pool lets miners roll the 2 version bits 00c00000, and a allows the 16 version bits 1fffe000: all miners of the route then roll only the bits that its goals have in common; try a route of its own for miners that roll no more, or another pool`, all, all, few)
	f(`warning: route[1].goal[1].pools[1] = "a": this pool lets miners roll no version bits, and c allows the 16 version bits 1fffe000: miners that roll any can't be moved here; try a route of its own for miners that roll no more, or another pool`, offers(0), all, all)
	f(`warning: route[1].goal[2] = "second": no pool of this goal sends a job: its 30 % of the work go to the other goals; try another pool in its list`, all, all, down)
	f("", few, few, few)
	f("", all, few, nil) // a backup of the same goal: its miners are told to roll less
	c := twoGoals()
	c.Routes[0].Goals = c.Routes[0].Goals[:1]
	if got := routesOf(c, []*asked{down, down, few}); got != nil {
		t.Errorf("a route with one goal: %v", got)
	}
}

// twoGoals is a configuration with a route of two goals: 70 % at a and b, 30 % at c.
func twoGoals() *config.Config {
	c := onePool()
	pool := c.Pools[0]
	c.Pools = nil
	for _, name := range []string{"a", "b", "c"} {
		pool.Name, pool.URL = name, "stratum+tls://"+name+".example:3333"
		c.Pools = append(c.Pools, pool)
	}
	c.Routes = []config.Route{{Name: "hall-1", Goals: []config.Goal{
		{Name: "main", Weight: 70, Pools: []string{"a", "b"}},
		{Name: "second", Weight: 30, Pools: []string{"c"}},
	}}}
	c.Listeners[0].Route = "hall-1"
	return c
}
