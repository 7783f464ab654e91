package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// writeList answers with a list: as JSON, or its rows as CSV if the query says format=csv.
// The columns are the fields of JSON; those of an object within a row are named after both,
// as latency_seconds_p50. Shares by reason have a column with their sum, and one for each
// reason that occurs.
func writeList(ctx *fasthttp.RequestCtx, name string, answer, rows any) error {
	csv, err := wantsCSV(ctx)
	switch {
	case err != nil:
		return err
	case csv:
		return sheet(rows).write(ctx, name)
	}
	return writeJSON(ctx, fasthttp.StatusOK, answer)
}

// wantsCSV reads the parameter format.
func wantsCSV(ctx *fasthttp.RequestCtx) (bool, error) {
	return isCSV(string(ctx.QueryArgs().Peek(formatKey)))
}

const formatKey = "format"

func isCSV(format string) (bool, error) {
	if format != "" && format != "json" && format != "csv" {
		return false, badRequest("format: want json or csv, got %s", quoted(format))
	}
	return format == "csv", nil
}

// sheetColumn is a column of a sheet: the way from a row to its cell.
type sheetColumn struct {
	name  string
	field []int  // of the row's struct, and of those within
	key   string // of a map: which value; "": their sum
}

// sheet makes a table of a slice of structs.
func sheet(rows any) *table {
	list := reflect.ValueOf(rows)
	columns := columnsOf(list.Type().Elem(), "", nil, list)
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
	}
	t := newTable(names...)
	cells := make([]any, len(columns))
	for i := range list.Len() {
		for j := range columns {
			cells[j] = columns[j].cell(list.Index(i))
		}
		t.row(cells...)
	}
	return t
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	countsType = reflect.TypeFor[map[string]uint64]()
)

// columnsOf returns the columns of a struct, which is at a field of the rows of a list.
func columnsOf(of reflect.Type, prefix string, at []int, list reflect.Value) (columns []sheetColumn) {
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() && !f.Anonymous { // no JSON has it
			continue
		}
		field := append(slices.Clone(at), i)
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch {
		case kind.Kind() == reflect.Struct && kind != timeType:
			within := prefix
			if !f.Anonymous {
				within += name + "_"
			}
			columns = append(columns, columnsOf(kind, within, field, list)...)
		case kind == countsType:
			columns = append(columns, sheetColumn{prefix + name, field, ""})
			for _, reason := range reasonsOf(list, field) {
				columns = append(columns, sheetColumn{prefix + name + "_" + reason, field, reason})
			}
		default:
			columns = append(columns, sheetColumn{prefix + name, field, ""})
		}
	}
	return columns
}

// reasonsOf returns the keys that a field of a list's rows has.
func reasonsOf(list reflect.Value, field []int) []string {
	all := make(map[string]bool)
	for i := range list.Len() {
		if v, ok := follow(list.Index(i), field); ok {
			for reason := range v.Interface().(map[string]uint64) {
				all[reason] = true
			}
		}
	}
	return sorted(all)
}

// follow returns a field of a row; false: something on the way there is null.
func follow(row reflect.Value, field []int) (reflect.Value, bool) {
	for _, i := range field {
		if row.Kind() == reflect.Pointer {
			if row.IsNil() {
				return row, false
			}
			row = row.Elem()
		}
		row = row.Field(i)
	}
	if row.Kind() == reflect.Pointer {
		if row.IsNil() {
			return row, false
		}
		row = row.Elem()
	}
	return row, true
}

// cell returns a column's cell of a row; nil: an empty one.
func (c *sheetColumn) cell(row reflect.Value) any {
	v, ok := follow(row, c.field)
	if !ok {
		return nil
	}
	switch x := v.Interface().(type) {
	case map[string]uint64:
		if c.key != "" {
			return x[c.key]
		}
		sum := uint64(0)
		for _, n := range x {
			sum += n
		}
		return sum
	case time.Time:
		return x
	default:
		if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
			text, _ := json.Marshal(x) // it is in an answer in JSON, too
			return string(text)
		}
		return x
	}
}
