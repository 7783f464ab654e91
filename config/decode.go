package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keySet is the set of key paths that a file contains.
type keySet map[string]bool

// decoder copies a parsed file into a Config that already has the defaults: an absent
// key keeps them, an explicit zero does not. It goes on after a problem, so that all of
// them are reported at once.
type decoder struct {
	given    keySet
	problems Problems
}

func (d *decoder) config(tree map[string]any, c *Config) {
	d.table("", tree, reflect.ValueOf(c).Elem())
}

func (d *decoder) table(path string, tree map[string]any, into reflect.Value) {
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		field := fieldOf(into, key)
		if !field.IsValid() {
			d.problems = append(d.problems, unknownKey(path, key, into.Type()))
			continue
		}
		d.given[join(path, key)] = true
		d.value(join(path, key), tree[key], field)
	}
}

// fieldOf returns the field for a key of the file, or the zero Value if there is none.
func fieldOf(table reflect.Value, key string) reflect.Value {
	for i := range table.NumField() {
		if table.Type().Field(i).Tag.Get("toml") == key {
			return table.Field(i)
		}
	}
	return reflect.Value{}
}

func (d *decoder) value(path string, v any, into reflect.Value) {
	switch into := into.Addr().Interface().(type) {
	case *time.Duration:
		d.duration(path, v, into, `"30s"`)
		return
	case *Hold:
		if v == forever {
			*into = Hold{Forever: true}
			return
		}
		*into = Hold{}
		d.duration(path, v, &into.Duration, `"10m", or "forever"`)
		return
	case *Secret:
		if s, ok := v.(string); ok {
			*into = Secret(s)
			return
		}
		d.problems.add(path, "", "expected a string, this is "+describe(v), `quotes around it`)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.single(path, v, into)
	case reflect.Slice:
		if into.Type().Elem().Kind() == reflect.Struct {
			d.tables(path, v, into)
			return
		}
		d.list(path, v, into)
	default:
		d.scalar(path, v, into)
	}
}

func (d *decoder) scalar(path string, v any, into reflect.Value) {
	switch into.Kind() {
	case reflect.String:
		if s, ok := v.(string); ok {
			into.SetString(s)
			return
		}
		d.mismatch(path, v, "a string", `quotes around it`)
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			into.SetBool(b)
			return
		}
		d.mismatch(path, v, "true or false, without quotes", "")
	case reflect.Int:
		if n, ok := v.(int64); ok {
			into.SetInt(n)
			return
		}
		d.mismatch(path, v, "a whole number, without quotes", "")
	case reflect.Float64:
		switch n := v.(type) {
		case int64:
			into.SetFloat(float64(n))
			return
		case float64:
			if !math.IsNaN(n) && !math.IsInf(n, 0) {
				into.SetFloat(n)
				return
			}
			d.mismatch(path, v, "a finite number", "")
			return
		}
		d.mismatch(path, v, "a number, without quotes", "")
	default:
		panic("config: no way to decode a " + into.Type().String()) // a mistake in the tree; any test finds it
	}
}

func (d *decoder) duration(path string, v any, into *time.Duration, example string) {
	switch v := v.(type) {
	case string:
		parsed, err := time.ParseDuration(v)
		if err == nil {
			*into = parsed
			return
		}
		p := Problem{Key: path, Value: show(v), Want: "expected a duration: numbers, each with its unit (ms, s, m, h)", Try: example}
		if meant, ok := meantDuration(v); ok {
			*into, p.meant = meant, true // for validate to judge
			p.Try = strconv.Quote(Short(meant))
		}
		d.problems = append(d.problems, p)
	case int64:
		p := Problem{Key: path, Value: show(v), Want: "expected a duration in quotes, with its unit (ms, s, m, h)", Try: fmt.Sprintf(`"%ds"`, v)}
		if v >= 0 && v < int64(math.MaxInt64/time.Second) {
			*into, p.meant = time.Duration(v)*time.Second, true
		}
		d.problems = append(d.problems, p)
	default:
		d.mismatch(path, v, "a duration in quotes, with its unit (ms, s, m, h)", example)
	}
}

func (d *decoder) single(path string, v any, into reflect.Value) {
	switch v := v.(type) {
	case map[string]any:
		d.table(path, v, into)
	case []map[string]any:
		d.problems.add(path, "", "expected one table, this is a list of tables", "["+path+"] with single brackets")
	default:
		d.mismatch(path, v, "a table", "["+path+"] on its own line, with its keys below it")
	}
}

// list decodes a list of single values. It hides the elements of a list that may
// contain secrets.
func (d *decoder) list(path string, v any, into reflect.Value) {
	values, ok := v.([]any)
	if !ok {
		d.problems.add(path, "", "expected a list of strings, this is "+describe(v), "brackets around it")
		return
	}
	elements := reflect.MakeSlice(into.Type(), len(values), len(values))
	for i, value := range values {
		d.value(fmt.Sprintf("%s[%d]", path, i+1), value, elements.Index(i))
	}
	into.Set(elements)
}

func (d *decoder) tables(path string, v any, into reflect.Value) {
	tables, ok := listOfTables(v)
	if _, single := v.(map[string]any); single {
		d.problems.add(path, "", "expected a list of tables, this is a single one", "[["+path+"]] with double brackets")
		return
	} else if !ok {
		d.mismatch(path, v, "a list of tables", "[["+path+"]] on its own line, with its keys below it")
		return
	}
	elements := reflect.MakeSlice(into.Type(), len(tables), len(tables))
	for i, table := range tables {
		startTable(elements.Index(i).Addr().Interface())
		d.table(fmt.Sprintf("%s[%d]", path, i+1), table, elements.Index(i))
	}
	into.Set(elements)
}

// startTable gives a new table of a list its defaults.
func startTable(table any) {
	switch table := table.(type) {
	case *Pool:
		*table = defaultPool()
	case *Goal:
		*table = defaultGoal()
	case *Period:
		*table = defaultPeriod()
	case *Channel:
		*table = defaultChannel()
	case *AlertRule:
		*table = defaultAlertRule()
	}
}

// listOfTables returns what the parser made of a list of tables; false: it is none.
func listOfTables(v any) (tables []map[string]any, ok bool) {
	switch v := v.(type) {
	case []map[string]any:
		return v, true
	case []any:
		for _, element := range v {
			table, ok := element.(map[string]any)
			if !ok {
				return nil, false
			}
			tables = append(tables, table)
		}
		return tables, true
	}
	return nil, false
}

func (d *decoder) mismatch(path string, v any, want, try string) {
	d.problems.add(path, show(v), "expected "+want, try)
}

// maxShown bounds how much of a value a problem repeats.
const maxShown = 80

// show returns a value as in the file.
func show(v any) string {
	switch v := v.(type) {
	case string:
		if len(v) > maxShown {
			return strconv.Quote(v[:maxShown]) + "..."
		}
		return strconv.Quote(v)
	case int, int64, bool:
		return fmt.Sprint(v)
	case float64:
		return strings.ToLower(strconv.FormatFloat(v, 'g', -1, 64)) // nan and inf
	case time.Duration:
		return strconv.Quote(Short(v))
	}
	return "(" + describe(v) + ")"
}

// describe names the kind of a value, which is safe for secrets too.
func describe(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64, float64:
		return "a number"
	case bool:
		return "true or false"
	case map[string]any:
		return "a table"
	case []map[string]any, []any:
		return "a list"
	}
	return "a date or time"
}
