package record

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"farmproxy/bench/cli"
	"farmproxy/bench/figure"
)

// tableHead are the columns of a result.
var tableHead = []string{"", "floor", "HAProxy", "farmproxy", "to floor", "budget", "met"}

// rows returns the measures as text, one row each.
func (r *Result) rows() (rows [][]string) {
	miners := r.miners()
	for i := range r.Measures {
		m := &r.Measures[i]
		row := []string{m.title(miners), "-", "-", "-", "-", "-", "-"}
		if len(m.Floor) > 0 {
			row[1] = m.Unit.format(figure.Median(m.Floor))
		}
		if len(m.HAProxy) > 0 {
			row[2] = m.Unit.format(figure.Median(m.HAProxy))
		}
		if len(m.Proxy) > 0 {
			row[3] = m.Unit.format(figure.Median(m.Proxy))
		}
		if ratio := m.ratio(); ratio > 0 {
			row[4] = fmt.Sprintf("%.2f", ratio)
		}
		if m.hasBudget() {
			row[5], row[6] = m.budget(), "no"
			if m.met() {
				row[6] = "yes"
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// title returns the name, with any conditions that differ from the whole table's.
func (m *Measure) title(miners int) string {
	s := m.Name
	if m.Miners != miners {
		s += fmt.Sprintf("; %s miners", figure.Grouped(float64(m.Miners)))
	}
	if m.Rate > 0 {
		s += fmt.Sprintf("; %s shares/s", figure.Grouped(m.Rate))
	}
	return s
}

// miners returns the number of miners in most measures; 0 if no number has more than
// half.
func (r *Result) miners() int {
	count := map[int]int{}
	for _, m := range r.Measures {
		count[m.Miners]++
	}
	for miners, n := range count {
		if 2*n > len(r.Measures) {
			return miners
		}
	}
	return 0
}

// basis says what the table is based on.
func (r *Result) basis() string {
	s := fmt.Sprintf("medians of %d rounds", r.rounds())
	if n := r.rounds(); n == 1 {
		s = "one round"
	}
	if n := r.miners(); n > 0 {
		s = fmt.Sprintf("%s miners, %s", figure.Grouped(float64(n)), s)
	}
	return s
}

func (m *Measure) budget() string {
	switch {
	case m.Most != nil && *m.Most == 0:
		return "0"
	case m.Most != nil:
		return m.Unit.format(*m.Most)
	case m.Passed > 0:
		return fmt.Sprintf("%.2f x HAProxy", m.Passed)
	}
	return fmt.Sprintf("%.2f x floor", m.Ratio)
}

// rounds returns the number of rounds behind the medians.
func (r *Result) rounds() (n int) {
	for _, m := range r.Measures {
		n = max(n, len(m.Proxy))
	}
	return n
}

// Print prints the table on a terminal.
func (r *Result) Print(t cli.Terminal) {
	w := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	head := append([]string{r.basis()}, tableHead[1:]...)
	for _, row := range append([][]string{head}, r.rows()...) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
}

// Markdown returns the table as Markdown.
func (r *Result) Markdown() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(tableHead)
	line([]string{"---", "--:", "--:", "--:", "--:", "--:", "---"})
	for _, row := range r.rows() {
		line(row)
	}
	fmt.Fprintf(&b, "\n%s; %s; commit %s, %s; `%s`.\n",
		r.basis(), r.Machine, r.Commit, r.Started.Format("2006-01-02"), r.Command)
	return b.String()
}
