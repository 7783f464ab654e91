package api

import (
	"bufio"
	"context"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/history"
	"farmproxy/live"
	"farmproxy/stats"
	"farmproxy/work"
)

const livePath = "/api/v1/live"

// live streams what changes on the farm, as server-sent events, until the client leaves,
// is too slow, or its token or view link is revoked. It has a gate of its own, and no limit of time.
func (s *Server) live(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("text/event-stream; charset=utf-8")
	ctx.Response.Header.Set("X-Accel-Buffering", "no") // nginx would keep events for itself
	if ctx.IsHead() {
		return nil
	}
	page, ok := s.feed.Open(time.Now())
	if !ok {
		return &httpError{fasthttp.StatusServiceUnavailable, "busy: too many pages are open; close some"}
	}
	s.noteOpened(ctx)
	token := bearer(&ctx.Request.Header) // now: the request is gone when the first event is written
	connOf(ctx).lasting.Store(true)
	ctx.Response.SetConnectionClose()
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		defer page.Close()
		for event := range page.Events() {
			if !s.mayStillRead(token) {
				return
			}
			w.Write(event)
			w.WriteString("\n\n")
			if w.Flush() != nil {
				return
			}
		}
	})
	return nil
}

// liveFarm is what pages show of the books; it implements live.Source.
type liveFarm struct {
	*Server
	usual map[string]float64      // H/s, by worker
	asked time.Time               // when that was asked for
	news  chan map[string]float64 // what is being read; nil: nothing is
	sums  wrongs
}

// usualEvery is how often the usual hash rates are read: they are learnt once an hour.
const usualEvery = 10 * time.Minute

// usualPatience is how long a page waits for them: for a disk that is good.
const usualPatience = 250 * time.Millisecond

// Farm implements live.Source.
func (f *liveFarm) Farm() *live.Farm {
	st := f.options.Book.Status()
	a := &live.Farm{
		Version: f.options.Version, Ready: st.Ready == nil, Uptime: st.Uptime.Seconds(),
		Miners: st.Miners, MinersMax: st.MinersMax, HashRate: st.HashRate, Shares: liveTally(&st.Shares),
		WorkersUp: f.sums.up, WorkersDown: f.sums.down, NeverSeen: f.sums.never,
	}
	if st.Ready != nil {
		a.Error = st.Ready.Error()
	}
	trouble, remembers := f.options.Book.History()
	a.Remembers = remembers && trouble == nil
	for _, c := range f.options.Book.Compare() {
		total := f.options.Book.PoolTotal(c.Name)
		p := live.Pool{
			Name: c.Name, URL: c.URL, Up: c.Up.Load(), Active: c.Active.Load(),
			Miners: total.Miners, HashRate: total.HashRate, Difficulty: c.Difficulty.Load(),
			Lag: c.Lag.Quantile(0.5).Seconds(), Latency: c.Latency.Quantile(0.5).Seconds(), Shares: liveTally(&c.Shares),
		}
		if e := c.LastError.Load(); e != nil && !p.Up {
			p.Trouble = *e
		}
		a.Pools = append(a.Pools, p)
	}
	a.Wrong = f.sums.tell(a)
	return a
}

func liveTally(s *stats.Shares) live.Tally {
	t := makeTally(s)
	return live.Tally{Accepted: t.Accepted, Rejected: t.Rejected}
}

// EachWorker implements live.Source.
func (f *liveFarm) EachWorker(each func(*live.Worker)) {
	now := time.Now()
	f.readUsual(now)
	f.sums = wrongs{}
	f.options.Book.EachWorker(func(w *stats.WorkerInfo) {
		l := live.Worker{
			Name: w.Name, Group: w.Group, Pool: w.Pool, Account: w.Account, Listener: w.Listener, Address: w.Address, Agent: w.Agent,
			HashRate: w.HashRate, Usual: f.usual[w.Name], State: live.Down, Since: w.LastSeen,
			Accepted: w.Shares[work.Accepted], Rejected: w.Shares.Rejected(),
		}
		if w.Miners > 0 {
			l.State, l.Since = live.Up, w.ConnectedSince
			if last := w.LastShare; last.IsZero() && now.Sub(w.ConnectedSince) > history.Silence || !last.IsZero() && now.Sub(last) > history.Silence {
				l.State = live.Silent
				if !last.IsZero() {
					l.Since = last
				}
			}
		}
		f.sums.add(&l)
		each(&l)
	})
}

// readUsual reads the workers' usual hash rates now and then. What is not there in time is
// taken at a later tick.
func (f *liveFarm) readUsual(now time.Time) {
	if f.news != nil {
		select {
		case usual := <-f.news:
			f.learn(usual)
		default:
		}
		return
	}
	if !f.asked.IsZero() && now.Sub(f.asked) < usualEvery {
		return
	}
	h, err := f.options.History()
	if err != nil || h == nil {
		return // it may just be opened
	}
	f.asked, f.news = now, make(chan map[string]float64, 1)
	go func(news chan<- map[string]float64) {
		ctx, cancel := context.WithTimeout(context.Background(), historyTime)
		defer cancel()
		usual, _ := h.Usual(ctx) // nil: those that are known stay
		news <- usual
	}(f.news)
	late := time.NewTimer(usualPatience)
	defer late.Stop()
	select {
	case usual := <-f.news:
		f.learn(usual)
	case <-late.C:
	}
}

// learn takes what was read; nil: it could not be.
func (f *liveFarm) learn(usual map[string]float64) {
	if f.news = nil; usual != nil {
		f.usual = usual
	}
}
