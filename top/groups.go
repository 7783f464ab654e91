package top

import (
	"cmp"
	"maps"
	"slices"

	"farmproxy/live"
	"farmproxy/plain"
)

// group is a hall or a rack, summed over its workers.
type group struct {
	up, silent, down, never int     // never: seen
	rate                    float64 // H/s
	known, usual            float64 // H/s of the workers whose usual is known: now, and usually
}

// groups sums the workers by their groups; "" are those without one.
func (m *model) groups() map[string]*group {
	list := make(map[string]*group)
	for _, w := range m.mirror.Workers {
		g := list[w.Group]
		if g == nil {
			g = new(group)
			list[w.Group] = g
		}
		switch {
		case w.State == live.Up:
			g.up++
		case w.State == live.Silent:
			g.silent++
		case w.Since.IsZero():
			g.never++
		default:
			g.down++
		}
		g.rate += w.HashRate
		if w.Usual > 0 {
			g.known += w.HashRate
			g.usual += w.Usual
		}
	}
	return list
}

// groupLines are the groups by name.
func (m *model) groupLines() []string {
	list := m.groups()
	if len(list) == 0 || len(list) == 1 && list[""] != nil {
		return m.folded(noStyle, "", "No worker has a group: miners.worker_group says how groups are made of names or addresses.")
	}
	g := grid{columns: []column{{title: "GROUP", least: 12}, {title: "STATE"}, {title: "UP", right: true}, {title: "SILENT", right: true}, {title: "DOWN", right: true}, {title: "NEVER SEEN", right: true}, {title: "HASH RATE", right: true}, {title: "USUAL %", right: true}}}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		s := list[name]
		usual := plain.Unknown
		if s.usual > 0 {
			usual = plain.Percent(s.known/s.usual, 0)
		}
		g.add(plain.Text(cmp.Or(name, "no group")), s.state(), plain.Count(s.up), plain.Count(s.silent), plain.Count(s.down), plain.Count(s.never), plain.HashRate(s.rate), usual)
	}
	return g.lines(m.width)
}

// state is how a group is, in words.
func (g *group) state() string {
	switch {
	case g.up == 0:
		return bad.Styled("✕ none up")
	case g.silent+g.down+g.never > 0:
		return warning.Styled("▲ some up")
	}
	return good.Styled("● all up")
}
