package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"farmproxy/plain"
)

// screen returns the lines of the screen: a title, a view, and what keys do.
func (m *model) screen() []string {
	if m.width <= 0 || m.height <= 0 {
		return nil // its size is not known yet
	}
	rows := m.bodyRows()
	var body []string
	switch {
	case m.mirror.Farm == nil:
		body = []string{"Asking farmproxy"}
	case m.view == workersView:
		body = m.workersLines(rows)
	default:
		body = m.scrolled(rows)
	}
	for len(body) < rows {
		body = append(body, "")
	}
	lines := append([]string{m.title()}, body[:rows]...)
	lines = append(lines, m.footer())
	lines = lines[:min(len(lines), m.height)]
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], m.width, "…")
	}
	return lines
}

// bodyRows is how many lines a view has between the title and what keys do.
func (m *model) bodyRows() int { return max(m.height-2, 1) }

// scrolled returns the lines of a view that is no list, from scroll on.
func (m *model) scrolled(rows int) []string {
	var all []string
	switch m.view {
	case farmView:
		all = m.farmLines()
	case groupsView:
		all = m.groupLines()
	case workerView:
		all = m.workerLines()
	case keysView:
		all = m.keysLines()
	}
	all = append(m.remarks(), all...)
	m.scroll = max(min(m.scroll, len(all)-rows), 0)
	return all[m.scroll:]
}

// remarks say what keeps a screen from being right.
func (m *model) remarks() (lines []string) {
	if why := m.outOfDate(); why != "" {
		lines = append(lines, m.folded(bad, "▲ ", why)...)
	}
	if err := m.unanswered(); err != nil {
		lines = append(lines, m.folded(warning, "△ ", sentence(err))...)
	}
	return lines
}

// outOfDate says that and why the screen is not of now; "" if it is.
func (m *model) outOfDate() string {
	if m.trouble == nil && m.quiet < late {
		return ""
	}
	text := "Out of date for " + plain.Age(time.Duration(m.quiet)*time.Second)
	if m.trouble != nil {
		text += ": " + sentence(m.trouble)
	}
	return text
}

// sentence is the first line of an error.
func sentence(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return plain.Text(text)
}

// folded breaks a text into lines that begin under each other behind a sign.
func (m *model) folded(style ansi.Style, sign, text string) (lines []string) {
	indent := ansi.StringWidth(sign)
	for line := range strings.Lines(ansi.Wrap(text, max(m.width-indent, 10), "")) {
		lines = append(lines, style.Styled(sign+strings.TrimRight(line, "\n")))
		sign = strings.Repeat(" ", indent)
	}
	return lines
}

// title says what this is, where the user is, and when this was so.
func (m *model) title() string {
	left := "farmproxy"
	if m.mirror.Farm != nil {
		left += " " + m.mirror.Farm.Version
	}
	for i, name := range []string{"1 Farm", "2 Workers", "3 Groups"} {
		if view(i) == m.view || view(i) == workersView && m.view == workerView {
			name = "[" + name + "]"
		} else {
			name = " " + name + " "
		}
		left += "  " + name
	}
	right := m.clock(m.width - ansi.StringWidth(left) - len(gap))
	blank := max(m.width-ansi.StringWidth(left)-ansi.StringWidth(right), 0)
	return reverse.Styled(ansi.Truncate(left+strings.Repeat(" ", blank)+right, m.width, ""))
}

// clock is the time here, and at the farm where that is another, as far as there is room.
func (m *model) clock(width int) string {
	if m.mirror.Farm == nil {
		return ""
	}
	there := m.now()
	here := there.Local()
	text := here.Format("15:04:05")
	if offsetOf(there) != offsetOf(here) {
		if both := text + ", at the farm " + there.Format("15:04"); ansi.StringWidth(both) <= width {
			text = both
		}
	}
	if ansi.StringWidth(text) > width {
		return ""
	}
	return text
}

func offsetOf(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// clockTime is a time in the zone here, with the day unless it is today.
func (m *model) clockTime(t time.Time) string {
	t = t.Local()
	if now := m.now().Local(); t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format("2006-01-02 15:04")
	}
	return t.Format("15:04")
}

// timeCell is a time as clockTime has it; "-": it is not known.
func (m *model) timeCell(t *time.Time) string {
	if t == nil {
		return plain.Unknown
	}
	return m.clockTime(*t)
}

// footer says what keys do here.
func (m *model) footer() string {
	switch {
	case m.list.typing:
		return "filter: " + m.list.filter + "_   Enter: done  Esc: no filter"
	case m.view == farmView:
		return "2 workers  3 groups  / filter  ↑↓ scroll  ? keys  q end"
	case m.view == groupsView:
		return "1 farm  2 workers  / filter  ↑↓ scroll  ? keys  q end"
	case m.view == workersView:
		return "↑↓ move  Enter detail  / filter  s sort  r reverse  t not up  ? keys  q end"
	}
	return "Esc back  ↑↓ scroll  ? keys  q end"
}

// keysLines explain the keys.
func (m *model) keysLines() (lines []string) {
	for _, k := range keys {
		lines = append(lines, m.folded(noStyle, fmt.Sprintf("%-24s", k[0]), k[1])...)
	}
	return lines
}
