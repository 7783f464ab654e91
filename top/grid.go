package top

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// column is one of a grid's.
type column struct {
	title string
	right bool // numbers stand under each other
	least int  // its cells may be cut down to so many characters; 0: never
}

// grid is rows of cells below titles. A cell may have styles, which take no room.
type grid struct {
	columns []column
	rows    [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// gap is between two columns.
const gap = "  "

// lines returns the titles and the rows for a width: the last columns are left out where
// there is no room for them, and then the first ones may be as wide as they are.
func (g *grid) lines(width int) []string {
	natural := make([]int, len(g.columns))
	for i, c := range g.columns {
		natural[i] = ansi.StringWidth(c.title)
		for _, row := range g.rows {
			natural[i] = max(natural[i], ansi.StringWidth(row[i]))
		}
	}
	widths := fit(g.columns, natural, width)
	titles := make([]string, len(g.columns))
	for i, c := range g.columns {
		titles[i] = c.title
	}
	lines := []string{bold.Styled(line(g.columns, widths, titles))}
	for _, row := range g.rows {
		lines = append(lines, line(g.columns, widths, row))
	}
	return lines
}

// fit returns how wide each column is; there are fewer if not all have room.
func fit(columns []column, natural []int, width int) []int {
	widths, left := []int(nil), width+len(gap)
	for i, c := range columns {
		n := natural[i]
		if c.least > 0 {
			n = min(n, c.least)
		}
		if left -= n + len(gap); left < 0 && i > 0 {
			left += n + len(gap)
			break
		}
		widths = append(widths, n)
	}
	for i := range widths {
		more := max(min(natural[i]-widths[i], left), 0)
		widths[i] += more
		left -= more
	}
	return widths
}

// line returns one row.
func line(columns []column, widths []int, cells []string) string {
	var b strings.Builder
	for i, width := range widths {
		if i > 0 {
			b.WriteString(gap)
		}
		cell := ansi.Truncate(cells[i], width, "…")
		blank := strings.Repeat(" ", max(width-ansi.StringWidth(cell), 0))
		if columns[i].right {
			b.WriteString(blank + cell)
		} else {
			b.WriteString(cell + blank)
		}
	}
	return b.String()
}

// The styles only repeat what words and signs say.
var (
	noStyle = ansi.NewStyle()
	bold    = ansi.NewStyle().Bold()
	good    = ansi.NewStyle().ForegroundColor(ansi.Green)
	bad     = ansi.NewStyle().Bold().ForegroundColor(ansi.Red)
	warning = ansi.NewStyle().ForegroundColor(ansi.Yellow)
	reverse = ansi.NewStyle().Reverse(true)
)

// chosenLine is a line in reverse, as wide as the screen.
func chosenLine(text string, width int) string {
	text = ansi.Strip(text)
	return reverse.Styled(text + strings.Repeat(" ", max(width-ansi.StringWidth(text), 0)))
}
