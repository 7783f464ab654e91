package proxy

import (
	"context"
	"log/slog"
	"time"

	"farmproxy/api"
	"farmproxy/netloop"
	"farmproxy/upstream"
	"farmproxy/wish"
)

// errRehearsing refuses a dry run that has waited too long for those before it.
var errRehearsing = api.Busy("busy: dry runs are answered one at a time; ask again later, or less often")

// rehearse waits for the dry runs before this one, and returns what ends this one: there is one
// at a time, since the loops list all miners of split routes for it, and whoever asks without
// end would have them do nothing else.
func (o *orders) rehearse(ctx context.Context) (end func(), err error) {
	select {
	case o.rehearsing <- struct{}{}:
		return func() { <-o.rehearsing }, nil
	case <-ctx.Done():
		return nil, errRehearsing
	}
}

// DryRun implements api.Orders. The order is given at a desk with a copy of the orders, on a
// farm where nobody moves: it is judged as it would be, and what differs then is said.
func (d desk) DryRun(ctx context.Context, order func(api.Orders) (any, error)) (*api.OrderEffects, error) {
	end, err := d.rehearse(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	d.mu.Lock()
	before, frozen := d.all.Clone(), d.frozen
	d.mu.Unlock()
	now := d.now()
	farm := rehearsal{d.known, make(map[upstream.Cookie]netloop.SplitMiner)}
	copied := newOrders("", farm, func(map[string]wish.PoolState) {}, slog.New(slog.DiscardHandler))
	copied.all, copied.frozen = before.Clone(), frozen
	copied.now = func() time.Time { return now }
	answer, err := order(desk{copied})
	if err != nil {
		return nil, err
	}
	c := ordering{facts: d.known.facts(), known: d.known, before: before, after: copied.all, now: now}
	if err := c.tell(ctx, answer); err != nil {
		return nil, err
	}
	return &api.OrderEffects{DryRun: true, Effects: c.said}, nil
}

// rehearsal is a farm whose miners stay where they are: it says what would become of a move.
type rehearsal struct {
	known
	met map[upstream.Cookie]netloop.SplitMiner // those that it was asked for
}

// SplitMinersOf implements known.
func (r rehearsal) SplitMinersOf(ctx context.Context, worker string) ([]netloop.SplitMiner, error) {
	list, err := r.known.SplitMinersOf(ctx, worker)
	for _, m := range list {
		r.met[m.Cookie] = m
	}
	return list, err
}

// Move implements mover.
func (r rehearsal) Move(_ context.Context, moves []netloop.Move) ([]netloop.Moved, error) {
	answers := make([]netloop.Moved, len(moves))
	for i, v := range moves {
		m := r.met[v.Cookie]
		answers[i] = m.Would(v.To)
	}
	return answers, nil
}
