package proxy

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"farmproxy/balance"
	"farmproxy/netloop"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/wish"
)

// farm is what orders can be about, where farmproxy runs: the routes and pools of the
// configuration in use and of the store's accounts, and the miners.
type farm struct {
	*netloop.Server
	p *proxy
}

// route implements known.
func (f farm) route(name string) (wish.Route, bool) {
	if account, is := strings.CutPrefix(name, accountRoute); is {
		return f.p.tables.accountRoute(account)
	}
	for _, r := range f.p.settings.Load().routes {
		if r.Name == name {
			return r, true
		}
	}
	return wish.Route{}, false
}

// groups implements known. Workers that are only remembered have a group too: alerts speak of
// it.
func (f farm) groups() []string {
	list, _ := f.p.book.Groups(stats.GroupQuery{Limit: math.MaxInt})
	names := make(map[string]bool, len(list))
	for i := range list {
		names[list[i].Name] = true
	}
	f.p.book.EachWorker(func(w *stats.WorkerInfo) {
		if w.Group != "" {
			names[w.Group] = true
		}
	})
	return slices.Sorted(maps.Keys(names))
}

// workers implements known.
func (f farm) workers(group string) (known, up int) {
	if group == "" {
		s := f.p.book.Status()
		return s.Workers, s.WorkersUp
	}
	list, _ := f.p.book.Groups(stats.GroupQuery{Limit: math.MaxInt})
	for i := range list {
		if list[i].Name == group {
			return list[i].Workers, list[i].WorkersUp
		}
	}
	return 0, 0
}

// facts implements known.
func (f farm) facts() facts { return f.p.facts() }

// flows implements known.
func (f farm) flows(ctx context.Context, route string, wanted []balance.Goal, pins map[string]string) (*flow, error) {
	list := f.p.directory.Routes()
	at := slices.IndexFunc(list, func(r *upstream.Route) bool { return routeName(r.ID()) == route })
	if at < 0 {
		return new(flow), nil // nobody is there
	}
	goals := list[at].Goals()
	if len(goals) != len(wanted) {
		return nil, errChanging
	}
	miners, err := f.SplitMiners(ctx)
	if err != nil {
		return nil, err
	}
	return foresee(goals, slices.DeleteFunc(miners, func(m netloop.SplitMiner) bool { return m.Goal.Route() != list[at] }), wanted, pins), nil
}

// routes implements known.
func (f farm) routes() (names []string) {
	for _, r := range f.p.settings.Load().routes {
		if len(r.Goals) > 1 {
			names = append(names, r.Name)
		}
	}
	for _, r := range f.p.directory.Routes() {
		if name := routeName(r.ID()); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// works implements known. A goal that nobody uses may work.
func (f farm) works(route, goal string) bool {
	for _, r := range f.p.directory.Routes() {
		if routeName(r.ID()) == route {
			g := r.Goal(goal)
			return g == nil || g.Up()
		}
	}
	return true
}

// pool implements known.
func (f farm) pool(name string) bool { return f.p.tables.known().hasPool(name) }

// pools implements known.
func (f farm) pools() (names []string) {
	for _, p := range f.p.book.Pools() {
		names = append(names, p.Name)
	}
	return names
}

// poolOrders are wish's words for upstream's.
var poolOrders = map[wish.PoolState]upstream.PoolOrder{wish.Drained: upstream.Drained, wish.Disabled: upstream.Disabled}

// leave has the directory leave pools alone.
func (f farm) leave(pools map[string]wish.PoolState) {
	orders := make(map[string]upstream.PoolOrder, len(pools))
	for name, state := range pools {
		orders[name] = poolOrders[state]
	}
	f.p.directory.Order(orders)
}
