package scenario

import (
	"context"
	"fmt"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/cli"
	"farmproxy/bench/figure"
	"farmproxy/bench/record"
	"farmproxy/bench/wait"
)

const (
	// manyPages are open at the same time: the control room, and some telephones.
	manyPages = 10

	// pageMost is how many bytes per second an open page may take, with 10,000 workers, and
	// pagesMost what many together may.
	pageMost  = 50_000
	pagesMost = 2 * pageMost

	// pageRate is the load, in shares per second: 6 a minute of each of 10,000 miners.
	pageRate = 1000

	// pageCalm is how long the load runs before anything is measured: longer than the 5
	// minutes that hash rates are of.
	pageCalm = 330 * time.Second
)

// pageEvents is how many events a page has to have heard before it is measured: all of the
// farm, and a difference.
const pageEvents = 2

// PageCost is what scenario page measured, as medians of all rounds.
type PageCost struct {
	Opens    float64 `json:"opens_bytes"`           // the first event of an open page
	Bytes    float64 `json:"bytes_per_second"`      // what it gets after that
	AllBytes float64 `json:"ten_bytes_per_second"`  // what ten pages get together
	None     float64 `json:"cpu_without"`           // processor seconds a second, without a page
	CPU      float64 `json:"cpu_more"`              // how much more with one
	AllCPU   float64 `json:"ten_cpu_more"`          // how much more than without with ten
	RSS      int64   `json:"rss_with_a_page_bytes"` // memory of the process
}

// over says what is more than it may be; "": nothing. Times are for people to judge.
func (c *PageCost) over() string {
	switch {
	case c.Bytes > pageMost:
		return fmt.Sprintf("an open page gets %.1f kB/s, want at most %.1f", c.Bytes/1000, pageMost/1000.0)
	case c.AllBytes > pagesMost:
		return fmt.Sprintf("%d open pages get %.1f kB/s, want at most %.1f", manyPages, c.AllBytes/1000, pagesMost/1000.0)
	}
	return ""
}

// print prints the costs; none of them if pages were not measured.
func (c *PageCost) print(row func(name, value string)) {
	if c == nil {
		return
	}
	row("an open page begins with", fmt.Sprintf("%.1f kB", c.Opens/1000))
	row("  and gets", fmt.Sprintf("%.1f kB/s", c.Bytes/1000))
	row("  ten of them, together", fmt.Sprintf("%.1f kB/s", c.AllBytes/1000))
	row("processor, without a page", figure.Percent(c.None))
	row("  more with a page", figure.Percent(c.CPU))
	row("  more with ten", figure.Percent(c.AllCPU))
	row("memory, with history and a page", figure.Megabytes(float64(c.RSS)))
}

// page has all miners work, and measures what pages cost.
func (t *trial) page(ctx context.Context) error {
	if err := t.working(ctx, t.o.Calm); err != nil {
		return err
	}
	cost, err := t.pages(ctx, t.o.Rounds)
	if err != nil {
		return err
	}
	t.fig.Page = &cost
	if over := cost.over(); over != "" {
		t.breach("%s", over)
	}
	t.settle(ctx)
	return t.finish()
}

// working connects all miners and has the load run for a while. It goes on afterwards.
func (t *trial) working(ctx context.Context, calm time.Duration) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.fleet.SetRate(t.o.Rate)
	t.say("%v of load, %g shares/s", calm, t.o.Rate)
	return wait.For(ctx, calm)
}

// pages measures windows without a page, with one and with many, in turn.
func (t *trial) pages(ctx context.Context, rounds int) (cost PageCost, err error) {
	o := openPages{trial: t}
	defer func() { o.leave(0) }()
	var none, one, many, bytes, all []float64
	for round := range rounds {
		var windows [3]pageWindow
		for i, n := range []int{0, 1, manyPages} {
			t.say("round %d of %d: %v with %d pages", round+1, rounds, t.o.Duration, n)
			if windows[i], err = o.window(ctx, n); err != nil {
				return cost, err
			}
		}
		none = append(none, windows[0].cpu)
		one, bytes = append(one, windows[1].cpu-windows[0].cpu), append(bytes, windows[1].bytes)
		many, all = append(many, windows[2].cpu-windows[0].cpu), append(all, windows[2].bytes)
	}
	if err := o.have(ctx, 1); err != nil {
		return cost, err
	}
	rss, err := t.restingRSS(ctx)
	return PageCost{
		Opens: o.first, Bytes: figure.Median(bytes), AllBytes: figure.Median(all),
		None: figure.Median(none), CPU: figure.Median(one), AllCPU: figure.Median(many), RSS: rss,
	}, err
}

// pageWindow is what was spent in a while, per second.
type pageWindow struct{ cpu, bytes float64 }

// openPages are the pages that are open.
type openPages struct {
	*trial
	list  []*api.Page
	first float64 // bytes of the first event of the first page
}

// leave closes all pages but the first n.
func (o *openPages) leave(n int) {
	for len(o.list) > n {
		last := len(o.list) - 1
		o.list[last].Close()
		o.list = o.list[:last]
	}
}

// have opens and closes pages until there are n, which have heard all of the farm and what
// has changed since.
func (o *openPages) have(ctx context.Context, n int) error {
	o.leave(n)
	for len(o.list) < n {
		p, err := api.At(o.stand.HTTP).Open(ctx)
		if err != nil {
			return fmt.Errorf("an open page: %w", err)
		}
		o.list = append(o.list, p)
		if err := o.hears(ctx, p, 1); err != nil {
			return err
		}
		if o.first == 0 {
			o.first = float64(p.Bytes())
		}
	}
	for _, p := range o.list {
		if err := o.hears(ctx, p, pageEvents); err != nil {
			return err
		}
	}
	return nil
}

// hears waits until a page has heard so many events.
func (o *openPages) hears(ctx context.Context, p *api.Page, events int64) error {
	limited, cancel := context.WithTimeout(ctx, o.o.Patience)
	defer cancel()
	for p.Events() < events {
		select {
		case <-p.Ended():
			return fmt.Errorf("an open page was closed after %d events and %d bytes", p.Events(), p.Bytes())
		default:
		}
		if wait.For(limited, arriveEvery) != nil {
			return fmt.Errorf("an open page has heard %d events within %v, want %d", p.Events(), o.o.Patience, events)
		}
	}
	return nil
}

// window measures a while with n open pages. It begins and ends with an event, if there are
// any, so that as many looks at the farm are in it as its time has.
func (o *openPages) window(ctx context.Context, n int) (w pageWindow, err error) {
	if err := o.have(ctx, n); err != nil {
		return w, err
	}
	next := func() error {
		if n == 0 {
			return nil
		}
		return o.hears(ctx, o.list[0], o.list[0].Events()+1)
	}
	if err := next(); err != nil {
		return w, err
	}
	bytes, start := o.bytes(), time.Now()
	before, err := o.stand.Child.CPU()
	if err != nil {
		return w, err
	}
	if err := wait.For(ctx, o.o.Duration); err != nil {
		return w, err
	}
	if err := next(); err != nil {
		return w, err
	}
	after, err := o.stand.Child.CPU()
	took := time.Since(start).Seconds()
	return pageWindow{(after - before).Seconds() / took, float64(o.bytes()-bytes) / took}, err
}

// bytes returns how many bytes all pages have got.
func (o *openPages) bytes() (n int64) {
	for _, p := range o.list {
		n += p.Bytes()
	}
	return n
}

// withPages returns the options for a proxy that remembers, and has a page.
func (o Options) withPages() Options {
	o.Scenario, o.measuring = Page, false
	o.Rate = min(o.Rate, pageRate)
	return o
}

// openPages measures what pages cost, and by how much the memory of the process is more, with
// history and a page, than that of one that remembers nothing.
func (m measurement) openPages(ctx context.Context, o Options, t cli.Terminal, turn string) error {
	without := 0.0
	lean := o
	lean.Rate = min(o.Rate, pageRate)
	if err := m.one(ctx, lean, t, turn+", no page", func(t *trial, ctx context.Context) error {
		if err := t.working(ctx, o.Idle); err != nil {
			return err
		}
		rss, err := t.restingRSS(ctx)
		without = float64(rss)
		t.settle(ctx)
		return err
	}, record.SideProxy); err != nil {
		return err
	}
	return m.one(ctx, o.withPages(), t, turn+", open pages", func(t *trial, ctx context.Context) error {
		if err := t.working(ctx, o.Idle); err != nil {
			return err
		}
		cost, err := t.pages(ctx, 1)
		if err != nil {
			return err
		}
		t.sample(record.KeyPageBytes, t.o.Rate, cost.Bytes)
		t.sample(record.KeyPagesBytes, t.o.Rate, cost.AllBytes)
		t.sample(record.KeyPageCPU, t.o.Rate, max(0, cost.CPU))
		t.sample(record.KeyPagesCPU, t.o.Rate, max(0, cost.AllCPU))
		t.sample(record.KeyPageMemory, t.o.Rate, max(0, float64(cost.RSS)-without))
		t.settle(ctx)
		return nil
	}, record.SideProxy)
}
