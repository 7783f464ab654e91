package top

import (
	"fmt"
	"time"

	"farmproxy/live"
	"farmproxy/plain"
	"farmproxy/work"
)

// workerLines is one worker in detail.
func (m *model) workerLines() []string {
	lines := []string{bold.Styled(plain.Text(m.worker)), ""}
	w := m.seen(m.worker)
	if w == nil {
		return append(lines, "No such worker is known any more.")
	}
	lines = append(lines, m.propertyLines(w)...)
	if c := m.facts.charts["24 h"]; len(c.Points) > 0 {
		lines = append(lines, "24 h              "+c.line(m.width-18))
	}
	for _, part := range [][]string{m.verdictLines(), m.latelyLines(), m.dayLines(), m.eventLines()} {
		if len(part) > 0 {
			lines = append(append(lines, ""), part...)
		}
	}
	return lines
}

// seen returns the worker of a name; nil: there is none.
func (m *model) seen(name string) *live.Seen {
	for _, w := range m.mirror.Workers {
		if w.Name == name {
			return w
		}
	}
	return nil
}

// twoProperties is how wide a terminal is that has room for two properties in a line.
const twoProperties = 72

// propertyLines are what a worker is, two to a line if there is room.
func (m *model) propertyLines(w *live.Seen) []string {
	state := stateWord(w) + ", never seen"
	if !w.Since.IsZero() {
		state = stateWord(w) + " for " + sinceCell(w, m.now())
	}
	usual := "not known yet"
	if w.Usual > 0 {
		usual = fmt.Sprintf("%s, now %s %%", plain.HashRate(w.Usual), plain.Percent(ofUsual(w), 0))
	}
	type property struct{ name, value string }
	list := []property{{"State", state}, {"Pool", w.Pool}, {"Hash rate, 5 min", plain.HashRate(w.HashRate)}, {"Group", w.Group}, {"Usual", usual}, {"Address", w.Address}}
	if d := m.facts.worker; d != nil {
		last := "never"
		if d.LastShare != nil {
			last = plain.Age(m.now().Sub(*d.LastShare)) + " ago"
		}
		list = append(list, property{"Last share", last}, property{"Firmware", w.Agent},
			property{"Difficulty", plain.Difficulty(d.Difficulty)}, property{"Listener", w.Listener},
			property{"Reconnects", plain.Count(d.Reconnects)}, property{"Account", w.Account})
	}
	for i := range list {
		if list[i].value = plain.Text(list[i].value); list[i].value == "" {
			list[i].value = plain.Unknown
		}
	}
	if m.width < twoProperties {
		g := grid{columns: []column{{}, {least: 20}}}
		for _, p := range list {
			g.add(bold.Styled(p.name), p.value)
		}
		return g.lines(m.width)[1:]
	}
	g := grid{columns: []column{{}, {least: 22}, {}, {least: 20}}}
	for i := 0; i+1 < len(list); i += 2 {
		g.add(bold.Styled(list[i].name), list[i].value, bold.Styled(list[i+1].name), list[i+1].value)
	}
	return g.lines(m.width)[1:]
}

// verdictLines are the worker's shares, with what each reason means.
func (m *model) verdictLines() []string {
	d := m.facts.worker
	if d == nil {
		return nil
	}
	lines := []string{bold.Styled("SHARES SINCE FARMPROXY STARTED"), plain.Count(d.Accepted) + " accepted"}
	for _, reason := range byCount(d.Rejected) {
		lines = append(lines, m.folded(warning, "", fmt.Sprintf("%s %s: %s", plain.Count(d.Rejected[reason]), reason, work.Meaning(reason)))...)
	}
	return lines
}

// latelyLines are the shares that were rejected last, and the connections that ended last.
func (m *model) latelyLines() (lines []string) {
	d := m.facts.worker
	if d == nil {
		return nil
	}
	if len(d.LastRefused) > 0 {
		lines = append(lines, bold.Styled("LAST REJECTED SHARES"))
	}
	for _, r := range d.LastRefused {
		lines = append(lines, plain.Text(fmt.Sprintf("%s  %s, at difficulty %s", m.timeCell(r.Time), r.Reason, plain.Difficulty(r.Difficulty))))
	}
	if len(d.LastClosed) > 0 {
		lines = append(lines, bold.Styled("LAST CLOSED CONNECTIONS"))
	}
	for _, c := range d.LastClosed {
		lines = append(lines, plain.Text(fmt.Sprintf("%s  %s: %s", m.timeCell(c.Time), c.Address, c.Reason)))
	}
	return lines
}

// dayLines are the worker's days, the newest first. Days are those of UTC, as the history
// keeps them.
func (m *model) dayLines() []string {
	g := grid{columns: []column{{title: "DAY (UTC)"}, {title: "HASH RATE", right: true}, {title: "UP %", right: true}, {title: "ACCEPTED", right: true}, {title: "REJECTED", right: true}, {title: "EFFICIENCY %", right: true}}}
	for i := len(m.facts.days) - 1; i >= 0; i-- {
		d := &m.facts.days[i]
		efficiency := plain.Unknown
		if d.Efficiency != nil {
			efficiency = plain.Percent(*d.Efficiency, 2)
		}
		g.add(d.Time.UTC().Format(time.DateOnly), plain.HashRate(d.HashRate), plain.Percent(d.Up, 1), plain.Count(d.Accepted), plain.Count(d.Rejected), efficiency)
	}
	if len(g.rows) == 0 {
		return nil
	}
	return g.lines(m.width)
}
