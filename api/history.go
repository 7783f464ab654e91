package api

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/history"
)

const (
	// defaultSpan is what is shown unless the query says otherwise.
	defaultSpan = 24 * time.Hour

	// maxPoints bounds an answer to a megabyte: a week of minutes, or a year of hours.
	maxPoints = 11_000

	// maxRecalls bounds concurrent requests for the history: it reads for one at a time.
	// Their gate is not that of maxQueries: whoever waits for a slow disk keeps nobody
	// from what is in memory.
	maxRecalls = 1

	// historyTime bounds how long a query reads.
	historyTime = 10 * time.Second

	// maxEvents bounds an answer with events to a megabyte.
	maxEvents     = 10_000
	defaultEvents = 1000
)

// span is what a query of the history is about.
type span struct {
	kind     history.Kind
	name     string
	from, to time.Time
	step     time.Duration
	subject  string
	limit    int
	csv      bool
}

// withHistory makes a handler of one that reads the history.
func withHistory(answer func(s *Server, life context.Context, ctx *fasthttp.RequestCtx, h *history.Store) error) handler {
	return func(s *Server, ctx *fasthttp.RequestCtx) error {
		if err := s.recalls.enter(); err != nil {
			return err
		}
		defer s.recalls.leave()
		h, err := s.options.History()
		switch {
		case err != nil:
			return &httpError{fasthttp.StatusServiceUnavailable, err.Error()}
		case h == nil:
			return &httpError{fasthttp.StatusNotFound, "nothing is remembered: set state_dir, and history.enabled = true"}
		}
		life, cancel := context.WithTimeout(context.Background(), historyTime)
		defer cancel()
		return withCode(fasthttp.StatusServiceUnavailable, answer(s, life, ctx, h))
	}
}

// Point is what a series did in a step.
type Point struct {
	Time time.Time `json:"time"` // when the step begins
	did
}

// did is what was done in some time.
type did struct {
	HashRate   float64  `json:"hashrate"` // over the time in which farmproxy ran
	Work       float64  `json:"work"`
	Accepted   uint64   `json:"accepted"`
	Rejected   uint64   `json:"rejected"`
	Efficiency *float64 `json:"efficiency"` // accepted shares of all, 0 to 1; null: there were none
	Up         float64  `json:"up"`         // of a worker: the fraction of the time that it was up; else how many workers were, on average
	Seconds    uint64   `json:"seconds"`    // in which farmproxy ran
}

func makeDid(s *history.Sample) did {
	d := did{HashRate: s.HashRate(), Work: s.Work, Accepted: s.Accepted, Rejected: s.Rejected, Up: s.Workers(), Seconds: s.Seconds}
	if e, ok := s.Efficiency(); ok {
		d.Efficiency = &e
	}
	return d
}

// didColumns are the columns of did in CSV.
var didColumns = []string{"hashrate", "work", "accepted", "rejected", "efficiency", "up", "seconds"}

func (d *did) columns() []any {
	var efficiency any
	if d.Efficiency != nil {
		efficiency = *d.Efficiency
	}
	return []any{d.HashRate, d.Work, d.Accepted, d.Rejected, efficiency, d.Up, d.Seconds}
}

// History is what one series did, step by step.
type History struct {
	Kind   history.Kind `json:"kind"`
	Name   string       `json:"name"`
	From   time.Time    `json:"from"`
	To     time.Time    `json:"to"`
	Step   float64      `json:"step_seconds"`
	Points []Point      `json:"points"`
}

// history answers what a worker, a pool, a group or the farm did, step by step.
func (s *Server) history(life context.Context, ctx *fasthttp.RequestCtx, h *history.Store) error {
	q, err := readSpan(ctx, "kind", "name", "from", "to", "step", "format")
	if err != nil {
		return err
	}
	if q.kind == history.Farm && q.name != "" {
		return badRequest("name: the farm has none; want kind worker, pool or group with it")
	}
	if q.kind != history.Farm && q.name == "" {
		return badRequest("name: required with kind %s; GET /api/v1/report lists all of them", q.kind)
	}
	points, step, err := h.Steps(life, history.Key{Kind: q.kind, Name: q.name}, q.from, q.to, q.step)
	if err != nil {
		return err
	}
	if len(points) > maxPoints {
		return badRequest("step: want a longer one, or from and to closer together: these are %d points, and up to %d are sent", len(points), maxPoints)
	}
	a := History{q.kind, q.name, Moment(q.from), Moment(q.to), step.Seconds(), make([]Point, len(points))}
	for i := range points {
		a.Points[i] = Point{points[i].At.UTC(), makeDid(&points[i].Sample)}
	}
	if !q.csv {
		return writeJSON(ctx, fasthttp.StatusOK, &a)
	}
	t := newTable(append([]string{"time"}, didColumns...)...)
	for i := range a.Points {
		t.row(append([]any{a.Points[i].Time}, a.Points[i].columns()...)...)
	}
	return t.write(ctx, "history")
}

// maxSparks bounds how many series an answer has rates of: what a page shows at a time.
const maxSparks = 128

type sparksAnswer struct {
	From  time.Time   `json:"from"`
	Step  float64     `json:"step_seconds"`
	Rates [][]float64 `json:"rates"` // of each name, in the order of the query: H/s step by step; -1: nothing is known
}

// sparks answers the hash rates of several workers, for small charts.
func (s *Server) sparks(life context.Context, ctx *fasthttp.RequestCtx, h *history.Store) error {
	names := ctx.QueryArgs().PeekMulti("name")
	if len(names) == 0 || len(names) > maxSparks {
		return badRequest("name: want 1 to %d of them, got %d", maxSparks, len(names))
	}
	q := span{to: time.Now(), step: sparkStep}
	q.from = q.to.Add(-defaultSpan).Truncate(q.step)
	list := make([]string, len(names))
	for i := range names {
		list[i] = string(names[i])
	}
	points, step, err := h.StepsOf(life, history.Worker, list, q.from, q.to, q.step)
	if err != nil {
		return err
	}
	a := sparksAnswer{Moment(q.from), step.Seconds(), make([][]float64, len(list))}
	steps := int(q.to.Sub(q.from)/step) + 1
	for i, name := range list {
		a.Rates[i] = slices.Repeat([]float64{-1}, steps)
		for _, p := range points[name] {
			if at := int(p.At.Sub(q.from) / step); at >= 0 && at < steps {
				a.Rates[i][at] = math.Round(p.HashRate())
			}
		}
	}
	return writeJSON(ctx, fasthttp.StatusOK, &a)
}

// sparkStep is how much time a point of a small chart stands for.
const sparkStep = time.Hour

type reportAnswer struct {
	Kind history.Kind `json:"kind"`
	From time.Time    `json:"from"`
	To   time.Time    `json:"to"`
	Rows []reportRow  `json:"rows"`
}

type reportRow struct {
	Name string `json:"name"`
	did
}

// report answers what each worker, pool or group did between two times.
func (s *Server) report(life context.Context, ctx *fasthttp.RequestCtx, h *history.Store) error {
	q, err := readSpan(ctx, "kind", "from", "to", "format")
	if err != nil {
		return err
	}
	sums, err := h.Sums(life, q.kind, q.from, q.to)
	if err != nil {
		return err
	}
	a := reportAnswer{q.kind, Moment(q.from), Moment(q.to), make([]reportRow, 0, len(sums))}
	for _, name := range sorted(sums) {
		sample := sums[name]
		a.Rows = append(a.Rows, reportRow{name, makeDid(&sample)})
	}
	if !q.csv {
		return writeJSON(ctx, fasthttp.StatusOK, &a)
	}
	t := newTable(append([]string{"name"}, didColumns...)...)
	for i := range a.Rows {
		t.row(append([]any{a.Rows[i].Name}, a.Rows[i].columns()...)...)
	}
	return t.write(ctx, "report")
}

// Events are what happened, the newest first.
type Events struct {
	Events []Event `json:"events"`
}

// Event is one of them.
type Event struct {
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind"`
	Subject string    `json:"subject"` // a worker, pool, route or group; "": farmproxy itself
	Text    string    `json:"text"`
}

// events answers what happened, the newest first.
func (s *Server) events(life context.Context, ctx *fasthttp.RequestCtx, h *history.Store) error {
	q, err := readSpan(ctx, "kind", "subject", "from", "to", "limit", "format")
	if err != nil {
		return err
	}
	list, err := h.Events(life, history.EventQuery{From: q.from, To: q.to, Kind: string(q.kind), Subject: q.subject, Limit: q.limit})
	if err != nil {
		return err
	}
	a := Events{make([]Event, len(list))}
	for i, e := range list {
		a.Events[i] = Event{Moment(e.At), e.Kind, e.Subject, e.Text}
	}
	if !q.csv {
		return writeJSON(ctx, fasthttp.StatusOK, &a)
	}
	t := newTable("time", "kind", "subject", "text")
	for _, e := range a.Events {
		t.row(e.Time, e.Kind, e.Subject, e.Text)
	}
	return t.write(ctx, "events")
}
