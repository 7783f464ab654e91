package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// table is an answer as comma-separated values (RFC 4180), with a head.
type table struct {
	text bytes.Buffer
	csv  *csv.Writer
}

func newTable(columns ...string) *table {
	t := new(table)
	t.csv = csv.NewWriter(&t.text)
	_ = t.csv.Write(columns) // to memory
	return t
}

// row appends a row: texts, numbers, times, truths, or nil for an empty cell.
func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = cell(c)
	}
	_ = t.csv.Write(texts)
}

func cell(c any) string {
	switch c := c.(type) {
	case nil:
		return ""
	case string:
		return harmless(c)
	case float64:
		return strconv.FormatFloat(c, 'g', -1, 64)
	case time.Time:
		return c.UTC().Format(time.RFC3339)
	case *time.Time:
		if c == nil {
			return ""
		}
		return c.UTC().Format(time.RFC3339)
	}
	return fmt.Sprint(c)
}

// harmless returns a text that no spreadsheet takes for a formula: names come from
// miners. Those that would be get an apostrophe before them, which spreadsheets hide.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// write sends the table, under a name that browsers suggest for the file.
func (t *table) write(ctx *fasthttp.RequestCtx, name string) error {
	t.csv.Flush()
	ctx.SetContentType("text/csv; charset=utf-8")
	ctx.Response.Header.Set("Content-Disposition", `attachment; filename="farmproxy-`+name+`.csv"`)
	ctx.SetBody(t.text.Bytes())
	return nil
}
