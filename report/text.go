package report

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"farmproxy/history"
	"farmproxy/plain"
)

// Title returns its first line.
func (r *Report) Title() string {
	if r.Kind == Weekly {
		return "Week of " + r.Span.String() + ": " + r.sum()
	}
	return r.Span.String() + ": " + r.sum()
}

// sum is the report in some words.
func (r *Report) sum() string {
	if r.Empty() {
		return "nothing was recorded"
	}
	return rate(r.Farm.HashRate()) + r.against()
}

// against compares with the span before.
func (r *Report) against() string {
	before := r.Before.HashRate()
	if before == 0 {
		return ""
	}
	than := "the day before"
	if r.Kind == Weekly {
		than = "the week before"
	}
	change := 100 * (r.Farm.HashRate()/before - 1)
	switch {
	case change > 0.05:
		return fmt.Sprintf(", %.1f %% more than %s", change, than)
	case change < -0.05:
		return fmt.Sprintf(", %.1f %% less than %s", -change, than)
	}
	return ", as " + than
}

// Words of a report, in text and in HTML.

func rate(hashes float64) string { return plain.HashRate(hashes) }

func percent(fraction float64) string { return plain.Percent(fraction, 1) + " %" }

// efficiency returns which part of the shares was accepted.
func efficiency(s history.Sample) string {
	e, ok := s.Efficiency()
	if !ok {
		return plain.Unknown
	}
	return plain.Percent(e, 2) + " %"
}

func uptime(s history.Sample) string {
	u, ok := s.Uptime()
	if !ok {
		return plain.Unknown
	}
	return percent(u)
}

// Facts are the lines at the top.
func (r *Report) Facts() [][2]string {
	if r.Empty() {
		return [][2]string{{"Hash rate", "nothing was recorded: farmproxy did not run, or its history could not be written"}}
	}
	facts := [][2]string{
		{"Hash rate", r.sum()},
		{"Shares", fmt.Sprintf("%s accepted, %s rejected: efficiency %s", plain.Count(r.Farm.Accepted), plain.Count(r.Farm.Rejected), efficiency(r.Farm))},
		{"Workers", fmt.Sprintf("%d known, %.1f up on average, uptime %s", r.Workers, r.Farm.Workers(), percent(r.Uptime))},
	}
	if of, ran := r.To.Sub(r.From), time.Duration(r.Farm.Seconds)*time.Second; ran < of-5*time.Minute {
		facts = append(facts, [2]string{"Recorded", fmt.Sprintf("%s of %s: farmproxy was off, or its history could not be written", hours(ran), hours(of))})
	}
	for _, e := range r.Events {
		facts = append(facts, [2]string{times(e.N), e.What})
	}
	return facts
}

func times(n int) string {
	if n == 1 {
		return "Once"
	}
	return fmt.Sprintf("%d times", n)
}

func hours(d time.Duration) string { return fmt.Sprintf("%.1f h", d.Hours()) }

// Table is a part of a report.
type Table struct {
	Title   string
	Columns []string // the first is of words, the others of numbers
	Rows    [][]string
}

// Tables returns the parts that have rows.
func (r *Report) Tables() (list []Table) {
	for _, x := range []struct {
		title string
		rows  []Row
	}{{"Groups", r.Groups}, {"Pools", r.Pools}} {
		t := Table{x.title, []string{strings.TrimSuffix(x.title, "s"), "hash rate", "part", "accepted", "rejected", "efficiency", "up"}, nil}
		for _, row := range x.rows {
			t.Rows = append(t.Rows, []string{row.Name, rate(row.HashRate()), percent(row.Part), plain.Count(row.Accepted), plain.Count(row.Rejected), efficiency(row.Sample), fmt.Sprintf("%.1f", row.Workers())})
		}
		list = append(list, t)
	}
	title := "Workers with most hash rate missing"
	if r.Lacking > len(r.Worst) {
		title += fmt.Sprintf(", %d of %d", len(r.Worst), r.Lacking)
	}
	t := Table{title, []string{"Worker", "group", "hash rate", "usual", "uptime", "efficiency"}, nil}
	for _, w := range r.Worst {
		t.Rows = append(t.Rows, []string{w.Name, w.Group, rate(w.HashRate()), rate(w.Usual), uptime(w.Sample), efficiency(w.Sample)})
	}
	list = append(list, t)
	kept := list[:0]
	for _, t := range list {
		if len(t.Rows) > 0 {
			kept = append(kept, t)
		}
	}
	return kept
}

// maxName bounds a name in text, in bytes, so that a row fits into a line.
const maxName = 18

// Text returns the report as text.
func (r *Report) Text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range r.Facts() {
		fmt.Fprintf(w, "%s\t%s\n", f[0], f[1])
	}
	w.Flush()
	for _, t := range r.Tables() {
		fmt.Fprintf(&b, "\n%s\n", t.Title)
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, strings.Join(t.Columns, "\t"))
		for _, row := range t.Rows {
			if len(row[0]) > maxName {
				row[0] = "..." + row[0][len(row[0])-maxName+3:] // the end tells workers apart
			}
			fmt.Fprintln(w, strings.Join(row, "\t"))
		}
		w.Flush()
	}
	return b.String()
}
