package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"farmproxy/history"
)

// A report is read on a phone.
const (
	maxRows  = 20 // groups, and pools; the rest is one line
	maxWorst = 10 // workers
)

// slack is the fraction of its usual work that a worker may lack without a word: shares come
// by chance.
const slack = 0.05

// Source is where a report is from: a *history.Store.
type Source interface {
	Sums(ctx context.Context, kind history.Kind, from, to time.Time) (map[string]history.Sample, error)
	Roster(ctx context.Context) ([]history.Row, error)
	Counts(ctx context.Context, from, to time.Time) (map[string]int, error)
}

// Report is what a farm did in a span.
type Report struct {
	Span
	Site string

	Farm   history.Sample
	Before history.Sample // of the farm in the span before; Seconds is 0 if it is not known

	Groups, Pools []Row // with most work first
	Workers       int   // that were known
	Uptime        float64
	Worst         []Worker // with the most work missing first
	Lacking       int      // workers with work missing, of which Worst are some
	Events        []Count
}

// Row is what a pool or a group did.
type Row struct {
	Name string
	Part float64 // of the farm's work
	history.Sample
}

// Worker is one of the worst.
type Worker struct {
	Name, Group string
	Usual       float64 // H/s
	Missing     float64 // H/s, against the usual
	history.Sample
}

// Count is how often something happened.
type Count struct {
	What string
	N    int
}

// Read reads a report from the history.
func Read(ctx context.Context, h Source, site string, s Span) (*Report, error) {
	r := &Report{Span: s, Site: site}
	before := s.previous()
	for _, x := range []struct {
		sample *history.Sample
		of     Span
	}{{&r.Farm, s}, {&r.Before, before}} {
		sums, err := h.Sums(ctx, history.Farm, x.of.From, x.of.To)
		if err != nil {
			return nil, err
		}
		*x.sample = sums[""]
	}
	for _, x := range []struct {
		rows *[]Row
		kind history.Kind
	}{{&r.Groups, history.Group}, {&r.Pools, history.Pool}} {
		sums, err := h.Sums(ctx, x.kind, s.From, s.To)
		if err != nil {
			return nil, err
		}
		*x.rows = rows(sums, r.Farm.Work)
	}
	if err := r.workers(ctx, h); err != nil {
		return nil, err
	}
	return r, r.events(ctx, h)
}

// rows sorts sums by work; what is too many becomes one row.
func rows(sums map[string]history.Sample, all float64) []Row {
	list := make([]Row, 0, len(sums))
	for name, sample := range sums {
		r := Row{Name: name, Sample: sample}
		if all > 0 {
			r.Part = sample.Work / all
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Row) int { return cmp.Or(cmp.Compare(b.Work, a.Work), cmp.Compare(a.Name, b.Name)) })
	if len(list) <= maxRows {
		return list
	}
	rest := Row{Name: fmt.Sprintf("%d others", len(list)-maxRows+1)}
	for _, x := range list[maxRows-1:] {
		rest.Part += x.Part
		seconds := max(rest.Seconds, x.Seconds)
		rest.Add(x.Sample)
		rest.Seconds = seconds // they ran beside each other
	}
	return append(list[:maxRows-1], rest)
}

// workers finds those that lack work, and the uptime of all.
func (r *Report) workers(ctx context.Context, h Source) error {
	sums, err := h.Sums(ctx, history.Worker, r.From, r.To)
	if err != nil {
		return err
	}
	roster, err := h.Roster(ctx)
	if err != nil {
		return err
	}
	var all history.Sample
	for _, row := range roster {
		s, known := sums[row.Name]
		if !known {
			continue
		}
		r.Workers++
		all.Add(s)
		usual := row.Usual
		if usual == 0 {
			usual = s.WhileUp()
		}
		if missing := usual - s.HashRate(); usual > 0 && missing > slack*usual {
			r.Worst = append(r.Worst, Worker{row.Name, row.Group, usual, missing, s})
		}
	}
	r.Uptime, _ = all.Uptime()
	slices.SortFunc(r.Worst, func(a, b Worker) int {
		return cmp.Or(cmp.Compare(b.Missing, a.Missing), cmp.Compare(a.Name, b.Name))
	})
	r.Lacking = len(r.Worst)
	r.Worst = r.Worst[:min(len(r.Worst), maxWorst)]
	return nil
}

// told are the events that a report counts, by kind, in its order.
var told = []struct{ kind, what string }{
	{"pool_down", "a pool went down"},
	{"worker_down", "a worker went down"},
	{"start", "farmproxy started"},
	{"upgrade", "farmproxy was upgraded"},
	{"configuration", "the configuration changed"},
	{"ban", "an address was banned"},
}

func (r *Report) events(ctx context.Context, h Source) error {
	counts, err := h.Counts(ctx, r.From, r.To)
	for _, x := range told {
		if n := counts[x.kind]; n > 0 {
			r.Events = append(r.Events, Count{x.what, n})
		}
	}
	return err
}

// Empty reports whether nothing is known of the span.
func (r *Report) Empty() bool { return r.Farm.Seconds == 0 }
