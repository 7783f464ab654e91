package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"farmproxy/bench/figure"
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

// commonRate is the rate that most numbers of miners were measured at.
func (r *Result) commonRate() float64 {
	return mostFrequent(r.Measures, func(m *Measure) (float64, bool) { return m.Rate, m.Key == KeyShare })
}

// commonMiners is the number of miners that most rates were measured at.
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

// Plot is an SVG of sweeps, whose rounds are taken together, and what it shows:
// nothing where nothing was measured at two points.
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
