package top

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"farmproxy/api"
	"farmproxy/live"
	"farmproxy/plain"
)

// farmLines is the farm at a glance: what is wrong, hash rates, pools, routes, events.
func (m *model) farmLines() []string {
	lines := m.wrongLines()
	for _, part := range [][]string{m.figureLines(), m.poolLines(), m.routeLines(), m.eventLines()} {
		if len(part) > 0 {
			lines = append(append(lines, ""), part...)
		}
	}
	return lines
}

// wrongLines say what is wrong now, in the words of the page.
func (m *model) wrongLines() (lines []string) {
	for _, w := range m.mirror.Farm.Wrong {
		style, sign := warning, "△ "
		if w.Severe {
			style, sign = bad, "▲ "
		}
		lines = append(lines, m.folded(style, sign, plain.Text(w.Text))...)
	}
	if lines == nil {
		lines = []string{good.Styled("✓ Nothing is wrong.")}
	}
	for _, o := range m.mirror.Farm.Off {
		whose := "All miners are"
		if o.Group != "" {
			whose = "The miners of group " + plain.Text(o.Group) + " are"
		}
		lines = append(lines, m.folded(noStyle, "◌ ", whose+" off on purpose until "+m.clockTime(o.Until))...)
	}
	return lines
}

// figureLines are the farm's hash rates, workers and shares.
func (m *model) figureLines() []string {
	f := m.mirror.Farm
	lines := []string{
		fmt.Sprintf("%-16s%11s  %s", "Hash rate, 5 min", plain.HashRate(f.HashRate), m.workerWords()),
	}
	for _, span := range []string{"1 h", "24 h", "30 d"} {
		c := m.facts.charts[span]
		if rate, known := c.mean(); known {
			lines = append(lines, fmt.Sprintf("%-16s%11s  %s", span, plain.HashRate(rate), c.line(m.width-29)))
		}
	}
	if !f.Remembers {
		lines = append(lines, "Nothing is remembered: set state_dir to have charts and events.")
	}
	return append(lines, m.folded(noStyle, "Shares          ", shareWords(&f.Shares))...)
}

func (m *model) workerWords() string {
	f := m.mirror.Farm
	text := plain.Count(f.WorkersUp) + " workers up, " + plain.Count(f.WorkersDown) + " down"
	if f.NeverSeen > 0 {
		text += ", " + plain.Count(f.NeverSeen) + " never seen"
	}
	return text
}

// shareWords say how many shares were accepted, and why the others were not.
func shareWords(t *live.Tally) string {
	rejected := rejected(t)
	text := plain.Count(t.Accepted) + " accepted, " + plain.Count(rejected) + " rejected"
	all := float64(t.Accepted + rejected)
	if rejected == 0 {
		return text
	}
	text += " (" + plain.Percent(float64(rejected)/all, 2) + " %): "
	var reasons []string
	for _, reason := range byCount(t.Rejected) {
		reasons = append(reasons, reason+" "+plain.Percent(float64(t.Rejected[reason])/all, 2)+" %")
	}
	return text + strings.Join(reasons, ", ")
}

// byCount returns the reasons, the most frequent first.
func byCount(counts map[string]uint64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
}

func rejected(t *live.Tally) (n uint64) {
	for _, k := range t.Rejected {
		n += k
	}
	return n
}

func (m *model) poolLines() []string {
	g := grid{columns: []column{{title: "POOL", least: 12}, {title: "STATE"}, {title: "HASH RATE", right: true}, {title: "PART %", right: true}, {title: "MINERS", right: true}, {title: "REJ %", right: true}, {title: "MEAN LAG", right: true}, {title: "VERDICT P50", right: true}, {title: "DIFFICULTY", right: true}}}
	sum := 0.0
	for i := range m.mirror.Farm.Pools {
		sum += m.mirror.Farm.Pools[i].HashRate
	}
	for i := range m.mirror.Farm.Pools {
		p := &m.mirror.Farm.Pools[i]
		part, bad := plain.Unknown, plain.Unknown
		if sum > 0 {
			part = plain.Percent(p.HashRate/sum, 1)
		}
		if n := rejected(&p.Shares); n+p.Shares.Accepted > 0 {
			bad = plain.Percent(float64(n)/float64(n+p.Shares.Accepted), 2)
		}
		g.add(plain.Text(p.Name), m.poolState(p), plain.HashRate(p.HashRate), part, plain.Count(p.Miners), bad, seconds(p.Lag), seconds(p.Latency), plain.Difficulty(p.Difficulty))
	}
	return g.lines(m.width)
}

// poolState is a pool's state in a word, which is the page's and that of farmproxy pools.
func (m *model) poolState(p *live.Pool) string {
	switch {
	case p.State != api.Enabled:
		return warning.Styled("■ " + plain.Text(p.State))
	case !p.Up:
		return bad.Styled("✕ down")
	case p.Active:
		return good.Styled("● active")
	}
	return "○ up"
}

// seconds is how long something takes; "-": it is not known.
func seconds(s *float64) string {
	if s == nil {
		return plain.Unknown
	}
	return plain.Seconds(*s)
}

// routeLines are the routes that are split.
func (m *model) routeLines() []string {
	if len(m.facts.routes) == 0 {
		return nil
	}
	g := grid{columns: []column{{title: "ROUTE", least: 10}, {title: "GOAL", least: 10}, {title: "STATE"}, {title: "WISH %", right: true}, {title: "PART %", right: true}, {title: "MINERS", right: true}, {title: "HASH RATE", right: true}, {title: "SOURCE"}}}
	for _, r := range m.facts.routes {
		for i := range r.Goals {
			s := &r.Goals[i]
			state, part := good.Styled("● up"), plain.Unknown
			if !s.Up {
				state = bad.Styled("✕ down")
			}
			if s.Part != nil {
				part = plain.Percent(*s.Part, 1)
			}
			g.add(plain.Text(r.Route), plain.Text(s.Goal), state, plain.Percent(s.Wish, 1), part, plain.Count(s.Miners), plain.HashRate(s.HashRate), s.Source)
		}
	}
	return g.lines(m.width)
}

// eventLines are what happened, the newest first.
func (m *model) eventLines() []string {
	if len(m.facts.events) == 0 {
		return nil
	}
	lines := []string{bold.Styled("EVENTS OF 24 H")}
	if m.view == workerView {
		lines[0] = bold.Styled("EVENTS OF 7 D")
	}
	for _, e := range m.gathered() {
		text := e.at + "  " + strings.ReplaceAll(e.Kind, "_", " ")
		if e.Subject != "" && m.view != workerView {
			text += " " + e.Subject
		}
		switch {
		case e.others == 1:
			text += " and another"
		case e.others > 1:
			text += " and " + plain.Count(e.others) + " others"
		case e.Text != "":
			text += ": " + e.Text
		}
		lines = append(lines, plain.Text(text))
	}
	return lines
}

// happened is an event, and how many others of its kind there were in that minute.
type happened struct {
	api.Event
	at     string
	others int
}

// gathered are the events, those of workers of a kind in a minute as one: when a hall comes
// back, everything else would be off the screen.
func (m *model) gathered() (list []*happened) {
	found := make(map[[2]string]*happened)
	for _, e := range m.facts.events {
		at := m.clockTime(e.Time)
		key := [2]string{at, e.Kind}
		if h := found[key]; h != nil && strings.HasPrefix(e.Kind, "worker") {
			h.others++
			continue
		}
		h := &happened{Event: e, at: at}
		found[key] = h
		list = append(list, h)
	}
	return list
}
