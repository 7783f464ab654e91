package proxy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"farmproxy/admin"
	"farmproxy/tap"
	"farmproxy/upstream"
)

// traceEvery is how often a trace looks for messages: a tap holds those of a link in that
// time, and an operator sees no delay.
const traceEvery = 10 * time.Millisecond

// TraceArgs are the arguments of the admin command trace.
type TraceArgs struct {
	Name string `json:"name"` // of a worker or a pool
}

// TraceEvent is a message that a trace shows, or a remark.
type TraceEvent struct {
	Time       *time.Time `json:"time,omitempty"`
	Connection string     `json:"connection,omitempty"` // the miner's address, or the link's lane
	From       string     `json:"from,omitempty"`       // miner, farmproxy or pool
	Line       string     `json:"line,omitempty"`       // without secrets; frames in hex
	Remark     string     `json:"remark,omitempty"`     // of the trace itself: instead of the rest
}

// watched is a tap, and how much of it was shown.
type watched struct {
	*tap.Tap
	connection, other, secret string
	shown                     uint64
}

// trace shows what a worker's miners and farmproxy say to each other, or farmproxy and a
// pool, until the client leaves.
func (p *proxy) trace(ctx context.Context, c *admin.Call) (any, error) {
	var args TraceArgs
	if err := c.Args(&args); err != nil {
		return nil, err
	}
	if args.Name == "" {
		return nil, errors.New("whose lines? expected the name of a worker or of a pool")
	}
	find, remark := p.tracePool(args.Name)
	if find == nil {
		t := p.server.Trace(args.Name)
		defer p.server.EndTrace(t)
		links := p.directory.TraceLinks(args.Name)
		defer p.directory.EndTrace(links)
		find, remark = func() (list []watched) {
			for _, m := range t.Miners() {
				list = append(list, watched{Tap: m.Tap, connection: m.Address, other: "miner"})
			}
			return append(list, linksOf(links.Links())...)
		}, "from now on, what miners of worker "+strconv.Quote(args.Name)+" say and hear, and the links that they have to themselves; there is no pool of that name"
	}
	if err := c.Send(TraceEvent{Remark: remark}); err != nil {
		return nil, err
	}
	look := time.NewTicker(traceEvery)
	defer look.Stop()
	known := make(map[*tap.Tap]*watched)
	for {
		found := find()
		for i := range found {
			if w := &found[i]; known[w.Tap] == nil {
				known[w.Tap] = w
			}
		}
		for _, e := range takeAll(known) {
			if err := c.Send(e); err != nil {
				return nil, nil // the client has left
			}
		}
		maps.DeleteFunc(known, func(t *tap.Tap, _ *watched) bool {
			return !slices.ContainsFunc(found, func(w watched) bool { return w.Tap == t })
		})
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// tracePool returns what finds a pool's links; nil: there is no such pool.
func (p *proxy) tracePool(name string) (find func() []watched, remark string) {
	found := false
	for _, known := range p.book.Pools() {
		found = found || known.Name == name
	}
	if !found {
		return nil, ""
	}
	return func() []watched { return linksOf(p.directory.Taps(name)) },
		"the last lines of the links to pool " + strconv.Quote(name) + ", and those to come; of direct miners trace the worker"
}

// linksOf returns what is to be watched of links.
func linksOf(taps []*upstream.Tapped) (list []watched) {
	for _, x := range taps {
		w := watched{Tap: x.Tap, connection: "lane " + strconv.Itoa(x.Lane), other: "pool"}
		if x.Lane < 0 {
			w.connection = "probe"
		}
		if len(x.Secret) >= minHidden {
			w.secret = x.Secret
		}
		list = append(list, w)
	}
	return list
}

// takeAll returns the messages that were not shown yet, in the order of their times.
func takeAll(known map[*tap.Tap]*watched) (events []TraceEvent) {
	for _, w := range known {
		list, missed, next := w.Since(w.shown)
		if w.shown == 0 {
			missed = 0 // before anybody looked
		}
		w.shown = next
		if missed > 0 && len(list) > 0 {
			events = append(events, TraceEvent{Time: &list[0].At, Connection: w.connection, Remark: strconv.FormatUint(missed, 10) + " messages are left out: they are gone"})
		}
		for i := range list {
			m := &list[i]
			from := w.other
			if m.Sent {
				from = "farmproxy"
			}
			events = append(events, TraceEvent{Time: &m.At, Connection: w.connection, From: from, Line: m.Show(w.secret)})
		}
	}
	slices.SortStableFunc(events, func(a, b TraceEvent) int { return a.Time.Compare(*b.Time) })
	return events
}
