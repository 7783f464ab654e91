package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Change is one difference between two configurations.
type Change struct {
	Kind ChangeKind `json:"change"`
	Key  string     `json:"key"`            // path of a key, without numbers: difficulty.start, pool.user, or pool and route.goal as a whole
	In   []string   `json:"in,omitempty"`   // which tables of lists it is in, the outer one first: the pool's name, the listener's address, the route's and the goal's names
	From string     `json:"from,omitempty"` // as in the file; secrets are ***
	To   string     `json:"to,omitempty"`
}

// ChangeKind says what happens to what a change names.
type ChangeKind string

// Kinds of changes.
const (
	Added   ChangeKind = "add"
	Removed ChangeKind = "remove"
	Moved   ChangeKind = "move" // to another place in the order of preference
	Set     ChangeKind = "set"
	Read    ChangeKind = "read" // the file that the key names has another content
)

// String returns the change on one line.
func (c Change) String() string {
	what := c.what()
	switch c.Kind {
	case Added, Removed:
		return string(c.Kind) + " " + what
	case Read:
		return "read the file of " + what + " again"
	case Moved:
		return fmt.Sprintf("move %s from place %s to %s", what, c.From, c.To)
	}
	return fmt.Sprintf("set %s from %s to %s", what, c.From, c.To)
}

// what names the key: pool a: user, or route hall-1, goal main: weight.
func (c Change) what() string {
	key := c.Key
	var tables []string
	for _, name := range c.In {
		within, list := "", key
		if inner, is := strings.CutPrefix(key, "alerts."); is { // the one table that has lists
			within, list = "alerts.", inner
		}
		table, rest, _ := strings.Cut(list, ".")
		tables, key = append(tables, within+table+" "+name), rest
	}
	if tables == nil {
		return key
	}
	if key != "" {
		key = ": " + key
	}
	return strings.Join(tables, ", ") + key
}

// Changes returns what leads from one configuration to another, in the order of the keys
// in Config. Both must be complete, as from Load. Pools, routes and a route's goals are the
// same if they have the same name, listeners if they have the same address.
func Changes(from, to *Config) []Change {
	var d differences
	d.table("", nil, reflect.ValueOf(from).Elem(), reflect.ValueOf(to).Elem())
	return d.found
}

// differences collects changes.
type differences struct{ found []Change }

func (d *differences) table(path string, in []string, from, to reflect.Value) {
	for i := range from.NumField() {
		d.value(join(path, from.Type().Field(i).Tag.Get("toml")), in, from.Field(i), to.Field(i))
	}
}

func (d *differences) value(path string, in []string, from, to reflect.Value) {
	if _, is := from.Interface().(Hold); from.Kind() == reflect.Struct && !is {
		d.table(path, in, from, to)
		return
	}
	if from.Kind() == reflect.Slice && from.Type().Elem().Kind() == reflect.Struct {
		d.tables(path, in, from, to)
		return
	}
	// An empty list is no list.
	if reflect.DeepEqual(from.Interface(), to.Interface()) || from.Kind() == reflect.Slice && from.Len()+to.Len() == 0 {
		return
	}
	d.found = append(d.found, Change{Set, path, in, written(from), written(to)})
}

// tables compares lists of tables.
func (d *differences) tables(path string, in []string, from, to reflect.Value) {
	before, after := names(from), names(to)
	within := func(name string) []string { return append(slices.Clip(in), name) }
	for _, name := range before {
		if !slices.Contains(after, name) {
			d.found = append(d.found, Change{Kind: Removed, Key: path, In: within(name)})
		}
	}
	var stay []string // in their old order, and then in their new one
	for _, name := range before {
		if slices.Contains(after, name) {
			stay = append(stay, name)
		}
	}
	place := 0
	for i, name := range after {
		j := slices.Index(before, name)
		if j < 0 {
			d.found = append(d.found, Change{Kind: Added, Key: path, In: within(name)})
			continue
		}
		if stay[place] != name {
			d.found = append(d.found, Change{Moved, path, within(name), fmt.Sprint(j + 1), fmt.Sprint(i + 1)})
		}
		place++
		d.table(path, within(name), from.Index(j), to.Index(i))
	}
}

// names returns the names of tables; one that comes again is numbered.
func names(list reflect.Value) (names []string) {
	for i := range list.Len() {
		var name string
		switch x := list.Index(i).Addr().Interface().(type) {
		case *Pool:
			name = x.Name
		case *Listener:
			name = x.Address
		case *Route:
			name = x.Name
		case *Goal:
			name = x.Name
		case *Period:
			name = x.When()
		case *Channel:
			name = x.Name
		case *AlertRule:
			name = x.Name
		case *Curtailment:
			name = x.name()
		}
		whole := name
		for n := 2; slices.Contains(names, whole); n++ {
			whole = fmt.Sprintf("%s (%d)", name, n)
		}
		names = append(names, whole)
	}
	return names
}

// written returns a value as in the file, without secrets.
func written(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Secret:
		return show(x.String())
	case Hold:
		return show(x.String())
	}
	if v.Kind() == reflect.Slice {
		elements := make([]string, v.Len())
		for i := range elements {
			elements[i] = written(v.Index(i))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	return show(v.Interface())
}

// Shown returns the configuration as the file would have it, for JSON: tables, lists and
// values under their keys, durations as in the file, and secrets as ***.
func (c *Config) Shown() map[string]any {
	return shownTable(reflect.ValueOf(c).Elem())
}

func shownTable(table reflect.Value) map[string]any {
	keys := make(map[string]any)
	for i := range table.NumField() {
		keys[table.Type().Field(i).Tag.Get("toml")] = shown(table.Field(i))
	}
	return keys
}

func shown(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case Secret:
		return x.String()
	case Hold:
		return x.String()
	case time.Duration:
		return Short(x)
	}
	switch v.Kind() {
	case reflect.Struct:
		return shownTable(v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = shown(v.Index(i))
		}
		return list
	}
	return v.Interface()
}

// Fingerprint identifies what a configuration says, however its file is written. Secrets
// are left out: whoever sees it can't try passwords on it.
func (c *Config) Fingerprint() string {
	text, err := json.Marshal(c.Shown()) // keys in order
	if err != nil {
		panic("config: a value that is no JSON: " + err.Error()) // any test finds it
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
