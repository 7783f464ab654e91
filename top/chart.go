package top

import (
	"strings"

	"farmproxy/api"
)

// chart is what was done, step by step.
type chart api.History

// mean is the hash rate over the time in which farmproxy ran.
func (c *chart) mean() (rate float64, known bool) {
	seconds := 0.0
	for _, p := range c.Points {
		rate += p.HashRate * float64(p.Seconds)
		seconds += float64(p.Seconds)
	}
	if seconds == 0 {
		return 0, false
	}
	return rate / seconds, true
}

// maxSteps bounds a chart, whatever is answered.
const maxSteps = 1000

// bars are the heights of a step, from nothing up.
var bars = []rune("▁▂▃▄▅▆▇█")

// line draws the last steps that fit into a width, a character each, against the highest
// one; a step in which farmproxy did not run is blank.
func (c *chart) line(width int) string {
	if c.Step <= 0 || width <= 0 {
		return ""
	}
	steps := max(min(int(c.To.Sub(c.From).Seconds()/c.Step), maxSteps), 0) + 1
	row := []rune(strings.Repeat(" ", steps))
	highest := 0.0
	for _, p := range c.Points {
		highest = max(highest, p.HashRate)
	}
	for _, p := range c.Points {
		at := int(p.Time.Sub(c.From).Seconds()/c.Step + 0.5)
		if at < 0 || at >= len(row) || p.Seconds == 0 {
			continue
		}
		bar := 0
		if highest > 0 {
			bar = int(p.HashRate/highest*float64(len(bars)-1) + 0.5)
		}
		row[at] = bars[bar]
	}
	return strings.TrimRight(string(row[max(len(row)-width, 0):]), " ")
}
