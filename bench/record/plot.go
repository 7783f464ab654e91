package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"farmproxy/bench/figure"
)

// panel is one picture of a plot: a quantity against miners or rates.
type panel struct {
	title   string
	axis    string // label of x
	unit    Unit
	log     bool // x: each step is a multiple of the last
	proxy   line
	floor   line
	context string // the fixed conditions
}

// line is one side's points, by x.
type line []point

// point is the median of all rounds, with their range.
type point struct{ x, y, low, high float64 }

// panels returns what a sweep shows, without panels of fewer than two points.
func (r *Result) panels() (all []panel) {
	rate, miners := r.commonRate(), r.commonMiners()
	byMiners := func(title, key string, rate float64) {
		p := panel{title: title, axis: "miners", unit: quantities[key].unit}
		if rate > 0 {
			p.context = figure.Grouped(rate) + " shares a second"
		}
		p.collect(r.Measures, key, func(m *Measure) (float64, bool) { return float64(m.Miners), m.Rate == rate })
		all = append(all, p)
	}
	byRate := func(title, key string) {
		p := panel{title: title, axis: "shares a second", unit: quantities[key].unit, log: true, context: figure.Grouped(float64(miners)) + " miners"}
		p.collect(r.Measures, key, func(m *Measure) (float64, bool) { return m.Rate, m.Miners == miners })
		all = append(all, p)
	}
	byMiners("Processor time a share", KeyShare, rate)
	byRate("Processor time a share", KeyShare)
	byMiners("Processor time a notify", KeyNotify, 0)
	byRate("Round trip of a share, 99 %", KeyP99)
	byMiners("Job, emission to the last miner", KeyLast, 0)
	byMiners("Memory, all at work", KeyRSS, 0)
	return slices.DeleteFunc(all, func(p panel) bool { return len(p.proxy) < 2 })
}

// collect takes a quantity's points at the values of x.
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
				*side.into = append(*side.into, point{at, figure.Median(side.values), slices.Min(side.values), slices.Max(side.values)})
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

// commonRate returns the rate at which most numbers of miners were measured.
func (r *Result) commonRate() float64 {
	return mostFrequent(r.Measures, func(m *Measure) (float64, bool) { return m.Rate, m.Key == KeyShare })
}

// commonMiners returns the number of miners at which most rates were measured.
func (r *Result) commonMiners() int {
	return int(mostFrequent(r.Measures, func(m *Measure) (float64, bool) { return float64(m.Miners), m.Key == KeyShare }))
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
		into := r.measure(Sample{Key: m.Key, Miners: m.Miners, Rate: m.Rate})
		into.Floor = append(into.Floor, m.Floor...)
		into.Proxy = append(into.Proxy, m.Proxy...)
	}
}

// Plot returns an SVG of sweeps, with their rounds taken together, and what it shows:
// nothing if nothing was measured at two points.
func Plot(results []*Result) (picture string, shown []string) {
	r := results[0]
	for _, other := range results[1:] {
		r.join(other)
	}
	panels := r.panels()
	if len(panels) == 0 {
		return "", nil
	}
	caption := fmt.Sprintf("medians and range of %d rounds; %s; commit %s", r.rounds(), r.Machine, r.Commit)
	return drawPanels(panels, caption), titles(panels)
}

func titles(panels []panel) (all []string) {
	for _, p := range panels {
		all = append(all, strings.ToLower(p.title[:1])+p.title[1:]+" by "+p.axis)
	}
	return all
}
