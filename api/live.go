package api

import (
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/alert"
	"farmproxy/live"
	"farmproxy/stats"
	"farmproxy/work"
)

const livePath = "/api/v1/live"

// openPage opens a page of the feed, which has begun with the first one, or with Serve.
// holder is by whose name it is opened; "": nobody's.
func (s *Server) openPage(holder string) (*live.Page, error) {
	s.feeding.Do(func() { go s.feed.Run(s.stopped) })
	page, err := s.feed.Open(time.Now(), holder)
	if err != nil {
		return nil, Busy("busy: %v", err)
	}
	return page, nil
}

// live streams what changes on the farm, as server-sent events, until the client leaves,
// is too slow, or its token or view link is revoked. It has a gate of its own, and no limit of time.
func (s *Server) live(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("text/event-stream; charset=utf-8")
	ctx.Response.Header.Set("X-Accel-Buffering", "no") // nginx would keep events for itself
	if ctx.IsHead() {
		return nil
	}
	page, err := s.openPage(by(ctx, ""))
	if err != nil {
		return err
	}
	closed := s.viewers.opened(s.noteOpened(ctx))
	token := bearer(&ctx.Request.Header) // now: the request is gone when the first event is written
	connOf(ctx).lasting.Store(true)
	ctx.Response.SetConnectionClose()
	ctx.SetBodyStream(&events{page: page, may: func() bool { return s.mayStillRead(token) }, closed: closed}, -1)
	return nil
}

// events is an open page as a stream, which fasthttp reads in pieces. It writes none itself:
// then the first event, of all workers, would be copied for each page, and copies be kept.
type events struct {
	page   *live.Page
	may    func() bool
	closed func()
	rest   net.Buffers // of the event under way
}

// Read waits for an event if there is nothing left of the one before.
func (e *events) Read(piece []byte) (int, error) {
	if len(e.rest) == 0 {
		event, open := <-e.page.Events()
		if !open || !e.may() {
			return 0, io.EOF
		}
		e.rest = net.Buffers{eventBegins, event, eventEnds}
	}
	n, _ := e.rest.Read(piece) // EOF is the end of an event
	return n, nil
}

// Close closes the page.
func (e *events) Close() error {
	e.page.Close()
	e.closed()
	return nil
}

// eventBegins and eventEnds surround an event.
var eventBegins, eventEnds = []byte("data: "), []byte("\n\n")

// liveFarm is what pages show of the books; it implements live.Source.
type liveFarm struct {
	*Server
	seen *alert.Workers // by EachWorker
}

// Farm implements live.Source.
func (f *liveFarm) Farm() *live.Farm {
	st := f.options.Book.Status()
	a := &live.Farm{
		Version: f.options.Version, Ready: st.Ready == nil, Uptime: st.Uptime.Seconds(),
		Miners: st.Miners, MinersMax: st.MinersMax, HashRate: st.HashRate, Shares: liveTally(&st.Shares),
		WorkersUp: f.seen.Up, WorkersDown: f.seen.Down, NeverSeen: f.seen.NeverSeen,
	}
	if st.Ready != nil {
		a.Error = st.Ready.Error()
	}
	trouble, remembers := f.options.Book.History()
	a.Remembers = remembers && trouble == nil
	totals := f.options.Book.PoolTotals()
	for _, c := range f.options.Book.Compare() {
		total := totals[c.Name]
		p := live.Pool{
			Name: c.Name, URL: c.URL, State: f.poolState(c.Name), Up: c.Up.Load(), Active: c.Active.Load(),
			Miners: total.Miners, HashRate: total.HashRate, Difficulty: c.Difficulty.Load(),
			Shares: liveTally(&c.Shares),
		}
		if c.Lag.Count() > 0 {
			p.Lag = new(c.Lag.Mean().Seconds())
		}
		if c.Latency.Count() > 0 {
			p.Latency = new(c.Latency.Quantile(0.5).Seconds())
		}
		if e := c.LastError.Load(); e != nil && !p.Up {
			p.Trouble = *e
		}
		if x := c.Certificate.Load(); x != nil {
			p.CertificateEnds = OrNull(x.Ends)
		}
		a.Pools = append(a.Pools, p)
	}
	a.Wrong = wrongs(f.options.Alerts.Notices(f.seen))
	a.Off = offs(f.options.Alerts.Off())
	return a
}

// poolState is whether a pool is enabled, drained or disabled.
func (f *liveFarm) poolState(name string) string {
	if o := f.options.Orders.PoolOrder(name); o != nil {
		return o.State
	}
	return Enabled
}

func liveTally(s *stats.Shares) live.Tally {
	t := makeTally(s)
	return live.Tally{Accepted: t.Accepted, Rejected: t.Rejected}
}

// liveStates are the books' states of workers.
var liveStates = [...]live.State{stats.WorkerDown: live.Down, stats.WorkerUp: live.Up, stats.WorkerSilent: live.Silent}

// EachWorker implements live.Source.
func (f *liveFarm) EachWorker(each func(*live.Worker)) {
	usual := f.options.Alerts.Usual()
	f.seen = alert.NewWorkers(time.Now())
	var row live.Worker
	f.options.Book.EachWorker(func(w *stats.WorkerInfo) {
		f.seen.Add(w, usual[w.Name])
		row = live.Worker{
			Name: w.Name, Group: w.Group, Pool: w.Pool, Account: w.Account, Listener: w.Listener, Address: w.Address, Agent: w.Agent,
			HashRate: w.HashRate, Usual: usual[w.Name], State: liveStates[w.State], Since: w.Since,
			Accepted: w.Shares[work.Accepted], Rejected: w.Shares.Rejected(),
		}
		each(&row)
	})
}
