package record

import (
	"fmt"
	"math"
	"strings"

	"farmproxy/bench/figure"
)

// Sizes of a picture, in pixels.
const (
	panelWidth   = 440
	panelHeight  = 280
	panelColumns = 2
	plotLeft     = 72 // of the axis, from the panel's left: leaves room for numbers
	plotRight    = 20
	plotTop      = 52
	plotBottom   = 44
	headHeight   = 40
	footHeight   = 32
	yTicks       = 5 // approximately
)

// svgStyle makes the picture readable on light and dark pages.
const svgStyle = `<style>
text{font:12px system-ui,sans-serif;fill:#1f2328}
.title{font-weight:600;font-size:14px}
.small{font-size:11px;fill:#59636e}
.paper{fill:#ffffff}
.grid{stroke:#d1d9e0;stroke-width:1}
.axis{stroke:#59636e;stroke-width:1}
.proxy{stroke:#0969da}.proxy.dot{fill:#0969da}
.floor{stroke:#9a6700}.floor.dot{fill:#9a6700}
.line{fill:none;stroke-width:2}
.floor.line{stroke-dasharray:6 4}
.range{stroke-width:1}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}.small{fill:#9198a1}.paper{fill:#0d1117}
.grid{stroke:#3d444d}.axis{stroke:#9198a1}
.proxy{stroke:#4493f8}.proxy.dot{fill:#4493f8}
.floor{stroke:#d29922}.floor.dot{fill:#d29922}
}
</style>
`

// drawPanels returns an SVG of all panels, with a caption below.
func drawPanels(panels []panel, caption string) string {
	rows := (len(panels) + panelColumns - 1) / panelColumns
	width, height := panelColumns*panelWidth, headHeight+rows*panelHeight+footHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		width, height, width, height, svgText("Costs of the proxy and of the floor: "+strings.Join(titles(panels), ", ")))
	b.WriteString(svgStyle)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, height)
	for i, side := range []struct{ class, name string }{{"proxy", "farmproxy"}, {"floor", "the floor: a responder that parses nothing"}} {
		x := plotLeft + i*140
		fmt.Fprintf(&b, `<path class="%s line" d="M%d 24h28"/><text x="%d" y="28">%s</text>`+"\n", side.class, x, x+36, side.name)
	}
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%panelColumns*panelWidth, headHeight+i/panelColumns*panelHeight)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	fmt.Fprintf(&b, `<text class="small" x="%d" y="%d">%s</text>`+"\n</svg>\n", plotLeft, height-12, svgText(caption))
	return b.String()
}

// draw draws one panel, at the origin.
func (p *panel) draw(b *strings.Builder) {
	fmt.Fprintf(b, `<text class="title" x="%d" y="20">%s</text>`, plotLeft, svgText(p.title))
	fmt.Fprintf(b, `<text class="small" x="%d" y="37">%s</text>`+"\n", plotLeft, svgText(p.context))
	const bottom, right = panelHeight - plotBottom, panelWidth - plotRight
	most, step := p.top()
	y := func(v float64) float64 { return bottom - v/most*(bottom-plotTop) }
	for v := 0.0; v <= most*(1+1e-9); v += step {
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/><text class="small" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, y(v), right, plotLeft-8, y(v)+4, svgText(p.unit.tick(v, step)))
	}
	x := p.scale(plotLeft, right)
	for _, at := range p.proxy {
		fmt.Fprintf(b, `<path class="axis" d="M%.1f %dv5"/><text class="small" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x(at.x), bottom, x(at.x), bottom+18, figure.Grouped(at.x))
	}
	fmt.Fprintf(b, `<path class="axis" d="M%d %dH%d"/><text class="small" x="%d" y="%d" text-anchor="middle">%s</text>`+"\n",
		plotLeft, bottom, right, (plotLeft+right)/2, bottom+36, svgText(p.axis))
	for _, side := range []struct {
		class string
		line  line
	}{{"floor", p.floor}, {"proxy", p.proxy}} {
		path := "M"
		for i, at := range side.line {
			if i > 0 {
				path += "L"
			}
			path += fmt.Sprintf("%.1f %.1f", x(at.x), y(at.y))
			fmt.Fprintf(b, `<path class="%s range" d="M%.1f %.1fV%.1f"/><circle class="%s dot" cx="%.1f" cy="%.1f" r="3"/>`+"\n",
				side.class, x(at.x), y(at.low), y(at.high), side.class, x(at.x), y(at.y))
		}
		if len(side.line) > 1 {
			fmt.Fprintf(b, `<path class="%s line" d="%s"/>`+"\n", side.class, path)
		}
	}
}

// top returns the end of the y axis, above everything drawn, and the step between its
// ticks: 1, 2 or 5 times a power of ten, or of two for bytes.
func (p *panel) top() (most, step float64) {
	for _, l := range []line{p.proxy, p.floor} {
		for _, at := range l {
			most = max(most, at.high)
		}
	}
	if most == 0 {
		return 1, 1
	}
	scale := 1.0
	if p.unit == inBytes {
		scale = 1 << 20
	}
	raw := most / scale / yTicks
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step = m * power * scale; step >= raw*scale {
			break
		}
	}
	return math.Ceil(most/step) * step, step
}

// scale maps x to pixels, with a little margin on both sides.
func (p *panel) scale(left, right float64) func(x float64) float64 {
	const room = 24
	at := func(x float64) float64 { return x }
	first, last := 0.0, p.proxy[len(p.proxy)-1].x
	if p.log {
		at, first = math.Log, p.proxy[0].x
	}
	return func(x float64) float64 {
		if !p.log {
			return left + (x-first)/(last-first)*(right-room-left)
		}
		return left + room + (at(x)-at(first))/(at(last)-at(first))*(right-left-2*room)
	}
}

// tick formats a number at an axis whose ticks are step apart.
func (u Unit) tick(v, step float64) string {
	unit, name := 1.0, ""
	switch {
	case u == inBytes:
		unit, name = 1<<20, " MB"
	case u == inSeconds && step < 1e-3:
		unit, name = 1e-6, " µs"
	case u == inSeconds && step < 1:
		unit, name = 1e-3, " ms"
	case u == inSeconds:
		name = " s"
	}
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("%.4g%s", v/unit, name)
}

var svgEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func svgText(s string) string { return svgEscapes.Replace(s) }
