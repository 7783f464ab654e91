package report

import (
	"html"
	"strings"
)

// Styles are in the elements: readers of letters take no others.
const (
	pageStyle  = "font-family: sans-serif; max-width: 50em"
	factStyle  = "text-align: left; padding-right: 1em; vertical-align: top"
	headStyle  = "padding: 2px 8px; border-bottom: 1px solid; text-align: "
	cellStyle  = "padding: 2px 8px; text-align: "
	tableStyle = "border-collapse: collapse"
)

// HTML returns the report as a page for a letter. It is written by hand: html/template, which
// calls methods by their names, keeps the linker from leaving out any, and 5 MB go into the
// binary.
func (r *Report) HTML() string {
	var p pageWriter
	p.raw(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>`)
	p.text(r.Title())
	p.raw("</title></head>\n<body style=\"" + pageStyle + "\">\n")
	title := r.Title()
	if r.Site != "" {
		title = r.Site + ": " + title
	}
	p.element("h1", "font-size: 1.2em", title)
	p.raw("\n<table>\n")
	for _, f := range r.Facts() {
		p.raw("<tr>")
		p.element("th", factStyle, f[0])
		p.element("td", "", f[1])
		p.raw("</tr>\n")
	}
	p.raw("</table>\n")
	for _, t := range r.Tables() {
		p.element("h2", "font-size: 1em", t.Title)
		p.raw("\n<table style=\"" + tableStyle + "\">\n")
		p.row("th", headStyle, t.Columns)
		for _, row := range t.Rows {
			p.row("td", cellStyle, row)
		}
		p.raw("</table>\n")
	}
	p.raw("</body></html>\n")
	return p.b.String()
}

// pageWriter writes a page: all that comes from elsewhere goes through text.
type pageWriter struct{ b strings.Builder }

func (p *pageWriter) raw(markup string) { p.b.WriteString(markup) }
func (p *pageWriter) text(text string)  { p.b.WriteString(html.EscapeString(text)) }

func (p *pageWriter) element(name, style, text string) {
	p.raw("<" + name)
	if style != "" {
		p.raw(` style="` + style + `"`)
	}
	p.raw(">")
	p.text(text)
	p.raw("</" + name + ">")
}

// row writes cells, the first of which is words, and the others numbers.
func (p *pageWriter) row(name, style string, cells []string) {
	p.raw("<tr>")
	for i, cell := range cells {
		side := "right"
		if i == 0 {
			side = "left"
		}
		p.element(name, style+side, cell)
	}
	p.raw("</tr>\n")
}
