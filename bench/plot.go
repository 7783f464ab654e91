package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// panel is one picture of a plot: a quantity against miners or against rates.
type panel struct {
	title   string
	axis    string // what x is
	unit    Unit
	log     bool // x: each step is a multiple
	proxy   line
	floor   line
	context string // what does not change
}

// line is one side's points, by x.
type line []point

// point is the median of all rounds, and their range.
type point struct{ x, y, low, high float64 }

// panels are what a sweep shows. Those without two points at least are left out.
func (r *Result) panels() (all []panel) {
	rate, miners := r.commonRate(), r.commonMiners()
	byMiners := func(title, key string, rate float64) {
		p := panel{title: title, axis: "miners", unit: quantities[key].unit}
		if rate > 0 {
			p.context = grouped(rate) + " shares a second"
		}
		p.collect(r.Measures, key, func(m *Measure) (float64, bool) { return float64(m.Miners), m.Rate == rate })
		all = append(all, p)
	}
	byRate := func(title, key string) {
		p := panel{title: title, axis: "shares a second", unit: quantities[key].unit, log: true, context: grouped(float64(miners)) + " miners"}
		p.collect(r.Measures, key, func(m *Measure) (float64, bool) { return m.Rate, m.Miners == miners })
		all = append(all, p)
	}
	byMiners("Processor time a share", keyShare, rate)
	byRate("Processor time a share", keyShare)
	byMiners("Processor time a notify", keyNotify, 0)
	byRate("Round trip of a share, 99 %", keyP99)
	byMiners("Job, emission to the last miner", keyLast, 0)
	byMiners("Memory, all at work", keyRSS, 0)
	return slices.DeleteFunc(all, func(p panel) bool { return len(p.proxy) < 2 })
}

// collect takes the points of a quantity, where x says so.
func (p *panel) collect(measures []Measure, key string, x func(*Measure) (float64, bool)) {
	for i := range measures {
		m := &measures[i]
		at, ok := x(m)
		if !ok || m.Key != key {
			continue
		}
		for _, side := range []struct {
			into   *line
			values []float64
		}{{&p.proxy, m.Proxy}, {&p.floor, m.Floor}} {
			if len(side.values) > 0 {
				*side.into = append(*side.into, point{at, median(side.values), slices.Min(side.values), slices.Max(side.values)})
			}
		}
	}
	for _, l := range []line{p.proxy, p.floor} {
		slices.SortFunc(l, func(a, b point) int {
			if a.x < b.x {
				return -1
			}
			return 1
		})
	}
}

// commonRate is the rate that most numbers of miners were measured at.
func (r *Result) commonRate() float64 {
	return mostFrequent(r.Measures, func(m *Measure) (float64, bool) { return m.Rate, m.Key == keyShare })
}

// commonMiners is the number of miners that most rates were measured at.
func (r *Result) commonMiners() int {
	return int(mostFrequent(r.Measures, func(m *Measure) (float64, bool) { return float64(m.Miners), m.Key == keyShare }))
}

func mostFrequent(measures []Measure, of func(*Measure) (float64, bool)) (most float64) {
	count := map[float64]int{}
	for i := range measures {
		if v, ok := of(&measures[i]); ok {
			count[v]++
		}
	}
	for _, v := range slices.Sorted(maps.Keys(count)) {
		if count[v] > count[most] {
			most = v
		}
	}
	return most
}

// join adds the rounds of another result.
func (r *Result) join(other *Result) {
	for _, m := range other.Measures {
		into := r.measure(sample{key: m.Key, miners: m.Miners, rate: m.Rate})
		into.Floor = append(into.Floor, m.Floor...)
		into.Proxy = append(into.Proxy, m.Proxy...)
	}
}

func plotCommand(_ context.Context, args []string, t terminal) error {
	flags := newFlags(t, "plot", `
Draws what bench sweep recorded (FILE ...) as an SVG: costs of the floor and of
the proxy against the number of miners and against shares a second. Of several
files the rounds are taken together.`)
	out := flags.String("o", "", "the `file` to write; \"\": standard output")
	results, err := parseResults(flags, args)
	if err != nil {
		return err
	}
	for _, r := range results[1:] {
		results[0].join(r)
	}
	panels := results[0].panels()
	if len(panels) == 0 {
		return fmt.Errorf("%s: nothing was measured at two points: want what bench sweep recorded", flags.Arg(0))
	}
	caption := fmt.Sprintf("medians and range of %d rounds; %s; commit %s", results[0].rounds(), results[0].Machine, results[0].Commit)
	picture := drawPanels(panels, caption)
	if *out == "" {
		t.printf("%s", picture)
		return nil
	}
	if err := os.WriteFile(*out, []byte(picture), 0o644); err != nil {
		return fmt.Errorf("-o: %w; name a file that can be written", err)
	}
	t.printf("wrote %s: %s\n", *out, strings.Join(titles(panels), "; "))
	return nil
}

func titles(panels []panel) (all []string) {
	for _, p := range panels {
		all = append(all, strings.ToLower(p.title[:1])+p.title[1:]+" by "+p.axis)
	}
	return all
}
