package balance

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"farmproxy/internal/golden"
)

// Sizes of the plot, in pixels.
const (
	plotWidth   = 440 // of a column
	plotLeft    = 56
	plotRight   = 16
	plotHead    = 64
	plotGap     = 40
	plotFoot    = 44
	plotPanel   = 150 // height of a panel
	plotColumns = 2
	plotRows    = 3
	plotEvery   = 20 // looks between two points: 5 minutes
)

const plotStyle = `<style>
text{font:12px system-ui,sans-serif;fill:#1f2328}
.title{font-weight:600;font-size:14px}
.small{font-size:11px;fill:#59636e}
.paper{fill:#ffffff}
.grid{stroke:#d1d9e0;stroke-width:1}
.axis{stroke:#59636e;stroke-width:1}
.wish{stroke:#9a6700;stroke-dasharray:6 4}
.got{stroke:#0969da}
.limit{stroke:#cf222e;stroke-dasharray:2 3}
.line{fill:none;stroke-width:1.5}
.bars{stroke:#0969da;stroke-width:2}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}.small{fill:#9198a1}.paper{fill:#0d1117}
.grid{stroke:#3d444d}.axis{stroke:#9198a1}
.wish{stroke:#d29922}.got{stroke:#4493f8}.limit{stroke:#f85149}.bars{stroke:#4493f8}
}
</style>
`

// comparePlot compares docs/splits.svg with what the days look like. Processors that
// round sums and products in one step come to other days after a while, so only one kind
// compares.
func comparePlot(t *testing.T, many, few *farm) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Logf("the plot is of an amd64; this is %s", runtime.GOARCH)
		return
	}
	golden.Compare(t, "../docs/splits.svg", plot(many, few))
}

// plot returns an SVG of two days, side by side.
func plot(many, few *farm) string {
	width, height := plotColumns*plotWidth, plotHead+plotRows*(plotPanel+plotGap)+plotFoot
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="A simulated day of 1,000 miners and of 20: a goal's wish and its part of the work, the difference, the moves">`+"\n", width, height, width, height)
	b.WriteString(plotStyle)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, height)
	for i, key := range []struct{ class, name string }{{"wish", "wish"}, {"got", "work of the last 10 minutes"}, {"limit", "limit"}} {
		x := plotLeft + i*210
		fmt.Fprintf(&b, `<path class="%s line" d="M%d 20h28"/><text x="%d" y="24">%s</text>`+"\n", key.class, x, x+36, key.name)
	}
	for column, day := range []struct {
		*farm
		name  string
		limit float64
		bars  float64 // the top of the moves' axis
	}{{many, "1,000 miners of 1 to 500 TH/s", 2, 400}, {few, "20 miners of 1 to 500 TH/s", 5, 20}} {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)"><text class="title" x="%d" y="-14">%s</text>`+"\n", column*plotWidth, plotHead, plotLeft, day.name)
		day.drawParts(&b)
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n", plotPanel+plotGap)
		day.drawDifference(&b, day.limit)
		fmt.Fprintf(&b, `</g><g transform="translate(0 %d)">`+"\n", 2*(plotPanel+plotGap))
		day.drawMoves(&b, day.bars)
		b.WriteString("</g></g>\n")
	}
	for i, line := range []string{
		"4:00 the second goal's pools are down, 30 min · 8:00 weights 10/90 · 12:00 a fifth of the miners loses power, 1 h",
		"16:00 weights 50/50 · 20:00 weights 70/30 · 22:00 the first goal's pools are down, 10 min · all day miners leave and come back",
	} {
		fmt.Fprintf(&b, `<text class="small" x="%d" y="%d">%s</text>`+"\n", plotLeft, height-28+16*i, line)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// across returns where a look is.
func across(at time.Duration) float64 {
	return plotLeft + at.Hours()/24*(plotWidth-plotLeft-plotRight)
}

// axes draws a panel's grid and its name, and returns where a value is.
func axes(b *strings.Builder, name, unit string, low, high, step float64) func(float64) float64 {
	y := func(v float64) float64 { return plotPanel - (v-low)/(high-low)*plotPanel }
	for v := low; v <= high+step/2; v += step {
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/><text class="small" x="%d" y="%.1f" text-anchor="end">%.4g%s</text>`+"\n", plotLeft, y(v), plotWidth-plotRight, plotLeft-6, y(v)+4, v, unit)
	}
	for hour := 0; hour <= 24; hour += 4 {
		x := across(time.Duration(hour) * time.Hour)
		fmt.Fprintf(b, `<path class="axis" d="M%.1f %dv4"/><text class="small" x="%.1f" y="%d" text-anchor="middle">%d:00</text>`+"\n", x, plotPanel, x, plotPanel+16, hour)
	}
	fmt.Fprintf(b, `<path class="axis" d="M%d %dH%d"/><text class="small" x="%d" y="-4">%s</text>`+"\n", plotLeft, plotPanel, plotWidth-plotRight, plotLeft, name)
	return y
}

// drawLine draws a value of each of the looks that are drawn; NaN: none.
func (f *farm) drawLine(b *strings.Builder, class string, value func(look int) float64) {
	verb := "M"
	fmt.Fprintf(b, `<path class="%s line" d="`, class)
	for i := plotEvery - 1; i < len(f.looks); i += plotEvery {
		if y := value(i); !math.IsNaN(y) {
			fmt.Fprintf(b, "%s%.1f %.1f", verb, across(f.looks[i].at), y)
			verb = "L"
		}
	}
	b.WriteString("\"/>\n")
}

// drawParts draws the first goal's wish and its part of the work.
func (f *farm) drawParts(b *strings.Builder) {
	y := axes(b, "part of the first goal", " %", 0, 100, 25)
	part := func(i int, of func(look) []float64) float64 {
		sum, total := 0.0, 0.0
		for _, l := range f.looks[max(0, i-int(Window/tick)+1) : i+1] {
			sum += of(l)[0]
			for _, w := range l.work {
				total += w
			}
		}
		return y(100 * sum / total)
	}
	f.drawLine(b, "got", func(i int) float64 { return part(i, func(l look) []float64 { return l.work }) })
	f.drawLine(b, "wish", func(i int) float64 { return part(i, func(l look) []float64 { return l.want }) })
}

// drawDifference draws by how much the first goal's part differs from its wish.
func (f *farm) drawDifference(b *strings.Builder, limit float64) {
	y := axes(b, "difference, of all work", " %", -limit*1.5, limit*1.5, limit/2)
	for _, v := range []float64{-limit, limit} {
		fmt.Fprintf(b, `<path class="limit line" d="M%d %.1fH%d"/>`+"\n", plotLeft, y(v), plotWidth-plotRight)
	}
	f.drawLine(b, "got", func(i int) float64 {
		off, judged := f.window(i)
		if !judged {
			return math.NaN()
		}
		return y(100 * off[0])
	})
}

// drawMoves draws how many moves there were in each 10 minutes.
func (f *farm) drawMoves(b *strings.Builder, top float64) {
	y := axes(b, "moves in 10 minutes", "", 0, top, top/4)
	const span = int(Window / tick)
	b.WriteString(`<path class="bars" d="`)
	for i := 0; i+span <= len(f.looks); i += span {
		moves := 0
		for _, l := range f.looks[i : i+span] {
			moves += l.moves
		}
		if moves > 0 {
			fmt.Fprintf(b, "M%.1f %dV%.1f", across(f.looks[i].at+Window/2), plotPanel, y(math.Min(float64(moves), top)))
		}
	}
	b.WriteString("\"/>\n")
}
