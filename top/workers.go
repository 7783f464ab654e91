package top

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"

	"farmproxy/live"
	"farmproxy/plain"
)

// workerColumn is one of the list of workers.
type workerColumn struct {
	column
	of      func(w *live.Seen) string // what others have chosen; nil: its cells are made here
	wide    int                       // how wide these are
	cell    func(w *live.Seen, now time.Time) string
	compare func(a, b *live.Seen) int
}

var workerColumns = []workerColumn{
	text("WORKER", 16, func(w *live.Seen) string { return w.Name }),
	{column{title: "STATE"}, nil, 8, stateCell, func(a, b *live.Seen) int { return rank(a) - rank(b) }},
	{column{title: "HASH RATE", right: true}, nil, 11, rateCell, func(a, b *live.Seen) int { return cmp.Compare(a.HashRate, b.HashRate) }},
	{column{title: "USUAL %", right: true}, nil, 7, usualCell, func(a, b *live.Seen) int { return cmp.Compare(ofUsual(a), ofUsual(b)) }},
	{column{title: "REJ NOW %", right: true}, nil, 9, func(w *live.Seen, _ time.Time) string { return plain.Percent(w.Rejected, 1) }, func(a, b *live.Seen) int { return cmp.Compare(a.Rejected, b.Rejected) }},
	{column{title: "FOR", right: true}, nil, 7, sinceCell, func(a, b *live.Seen) int { return b.Since.Compare(a.Since) }},
	text("GROUP", 6, func(w *live.Seen) string { return w.Group }),
	text("POOL", 8, func(w *live.Seen) string { return w.Pool }),
	text("ADDRESS", 15, func(w *live.Seen) string { return w.Address }),
	text("FIRMWARE", 8, func(w *live.Seen) string { return w.Agent }),
	text("ACCOUNT", 8, func(w *live.Seen) string { return w.Account }),
}

// text is a column of what others have chosen.
func text(title string, least int, of func(*live.Seen) string) workerColumn {
	return workerColumn{
		column{title: title, least: least}, of, 0,
		func(w *live.Seen, _ time.Time) string { return plain.Text(of(w)) },
		func(a, b *live.Seen) int { return cmp.Compare(of(a), of(b)) },
	}
}

func stateCell(w *live.Seen, _ time.Time) string {
	switch w.State {
	case live.Up:
		return good.Styled(stateWord(w))
	case live.Silent:
		return warning.Styled(stateWord(w))
	}
	return bad.Styled(stateWord(w))
}

func stateWord(w *live.Seen) string {
	switch w.State {
	case live.Up:
		return "● up"
	case live.Silent:
		return "▲ silent"
	}
	return "✕ down"
}

// rank sorts states, the worst first.
func rank(w *live.Seen) int {
	switch w.State {
	case live.Down:
		return 0
	case live.Silent:
		return 1
	}
	return 2
}

func rateCell(w *live.Seen, _ time.Time) string { return plain.HashRate(w.HashRate) }

func usualCell(w *live.Seen, _ time.Time) string {
	if w.Usual <= 0 {
		return plain.Unknown
	}
	return plain.Percent(ofUsual(w), 0)
}

// ofUsual is a worker's hash rate as a fraction of its own usual; -1: that is not known.
func ofUsual(w *live.Seen) float64 {
	if w.Usual <= 0 {
		return -1
	}
	return w.HashRate / w.Usual
}

func sinceCell(w *live.Seen, now time.Time) string {
	if w.Since.IsZero() {
		return "never"
	}
	return plain.Age(now.Sub(w.Since))
}

// mark is before each row of the list: one is chosen.
const mark, noMark = "> ", "  "

// listRows is how many workers are on the screen at once.
func (m *model) listRows() int { return max(m.bodyRows()-2-len(m.remarks()), 1) }

// workersLines is the list of workers.
func (m *model) workersLines(rows int) []string {
	l := &m.list
	lines := append(m.remarks(), m.summary())
	columns, natural := make([]column, len(workerColumns)), make([]int, len(workerColumns))
	titles := make([]string, len(workerColumns))
	for i, c := range workerColumns {
		if i == l.order {
			c.title += direction(l.back)
		}
		columns[i], titles[i] = c.column, c.title
		natural[i] = max(c.wide, utf8.RuneCountInString(c.title), l.longest[i])
	}
	widths := fit(columns, natural, m.width-len(mark))
	lines = append(lines, bold.Styled(noMark+line(columns, widths, titles)))
	for _, w := range l.window(m.listRows()) {
		cells := make([]string, len(widths))
		for i := range widths {
			cells[i] = workerColumns[i].cell(w, m.now())
		}
		if w == l.chosen() {
			lines = append(lines, chosenLine(mark+line(columns, widths, cells), m.width))
		} else {
			lines = append(lines, noMark+line(columns, widths, cells))
		}
	}
	return lines[:min(len(lines), rows)]
}

func direction(back bool) string {
	if back {
		return " ▼"
	}
	return " ▲"
}

// summary says how many workers the list has.
func (m *model) summary() string {
	l := &m.list
	rate := l.rate
	if len(l.shown) == len(l.all) && m.mirror.Farm != nil {
		rate = m.mirror.Farm.HashRate // a worker's is told anew only when it differs noticeably
	}
	text := plain.Several(len(l.shown), "worker") + ", " + plain.Count(l.up) + " up, " + plain.HashRate(rate)
	if len(l.shown) < len(l.all) {
		var by []string
		if l.filter != "" {
			by = append(by, "\""+plain.Text(l.filter)+"\"")
		}
		if l.trouble {
			by = append(by, "not up")
		}
		text += "; only " + strings.Join(by, ", ") + " of " + plain.Count(len(l.all))
	}
	return text
}
