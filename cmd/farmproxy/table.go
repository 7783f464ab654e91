package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/term"

	"farmproxy/plain"
)

// columnsOf returns how many columns a terminal has; 0: it is none. A table that is wider
// has its names cut, and says so with an ellipsis.
func columnsOf(f *os.File) int {
	if !term.IsTerminal(f.Fd()) {
		return 0
	}
	if width, _, err := term.GetSize(f.Fd()); err == nil && width > 0 {
		return width
	}
	return helpWidth
}

// printer prints an answer with a table for people, no wider than width; 0: as wide as it is.
type printer func(w io.Writer, width int, answer json.RawMessage) error

// fitted returns what prints for a terminal, or with everything in lines of any length.
func (p printer) fitted(t terminal, wide bool) func(io.Writer, json.RawMessage) error {
	width := t.width(wide)
	return func(w io.Writer, answer json.RawMessage) error { return p(w, width, answer) }
}

// width is that of a table; 0: as wide as it is.
func (t terminal) width(wide bool) int {
	if wide {
		return 0
	}
	return t.columns
}

func wideFlag(flags *flag.FlagSet) *bool {
	return flags.Bool("wide", false, "show everything, in lines of any length, as in a pipe or a file")
}

// lists defines a command that has the running farmproxy run one of the same name, which
// takes nothing, and answers with what makes a table.
func lists(name string, print printer) func(*flag.FlagSet) run {
	return func(flags *flag.FlagSet) run {
		a, wide := askFlags(flags), wideFlag(flags)
		return func(ctx context.Context, args []string, t terminal) int {
			if code, ok := takesNothing(name, args, t); !ok {
				return code
			}
			return a.command(ctx, t, name, nil, nil, print.fitted(t, *wide))
		}
	}
}

// column is one of a table's.
type column struct {
	title string
	right bool // numbers stand under each other
	least int  // where the table is too wide, its cells are cut down to so many characters; 0: never
}

// table is rows of text below titles.
type table struct {
	columns []column
	rows    [][]string
}

// add adds a row, which has a cell for each column.
func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// gap is between two columns.
const gap = "  "

// print writes the table, no wider than width; 0: as wide as it is.
func (t *table) print(w io.Writer, width int) error {
	widths := t.widths()
	if width > 0 {
		t.narrow(widths, width)
	}
	var b strings.Builder
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	for _, row := range append([][]string{titles}, t.rows...) {
		line := ""
		for i, cell := range row {
			if i > 0 {
				line += gap
			}
			line += t.columns[i].fill(cell, widths[i])
		}
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// widths returns how wide each column would be.
func (t *table) widths() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = utf8.RuneCountInString(c.title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	return widths
}

// narrow takes from the columns that may be cut, the last one first, until the table has a
// width.
func (t *table) narrow(widths []int, width int) {
	over := len(gap)*(len(widths)-1) - width
	for _, n := range widths {
		over += n
	}
	for i, c := range slices.Backward(t.columns) {
		if cut := min(over, widths[i]-c.least); c.least > 0 && cut > 0 {
			widths[i] -= cut
			over -= cut
		}
	}
}

// fill returns a cell with the column's width.
func (c *column) fill(cell string, width int) string {
	n := utf8.RuneCountInString(cell)
	if n > width {
		return string([]rune(cell)[:width-1]) + "…"
	}
	blank := strings.Repeat(" ", width-n)
	if c.right {
		return blank + cell
	}
	return cell + blank
}

// ago returns how long ago a time was, in two figures: 12 s, 5 min, 3 h, 4 d; "never".
func ago(then *time.Time, now time.Time) string {
	if then == nil {
		return "never"
	}
	return plain.Age(now.Sub(*then))
}

// when returns a time by the clock here; "-": there is none.
func when(t *time.Time) string {
	if t == nil {
		return plain.Unknown
	}
	return t.Local().Format(minutes)
}

// sum returns how many there are of all kinds.
func sum(counts map[string]uint64) (n uint64) {
	for _, some := range counts {
		n += some
	}
	return n
}

// percent returns a part of a whole in percent; "-" of nothing.
func percent(part, whole uint64) string {
	if whole == 0 {
		return plain.Unknown
	}
	return plain.Percent(float64(part)/float64(whole), 2)
}

// printLines prints lines with names that come from others.
func printLines(w io.Writer, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, printable(line)); err != nil {
			return err
		}
	}
	return nil
}

// printable replaces what a terminal would obey: names come from miners and pools.
func printable(s string) string { return plain.Text(s) }
