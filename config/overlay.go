package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"farmproxy/textfile"
)

// Overlay is what was set over the API: pools and routes that take the place of all those
// of the file, whose other keys hold as before. It is immutable.
type Overlay struct {
	By    string    // who set it
	Since time.Time // when

	path     string
	text     []byte         // TOML
	lists    map[string]any // of the text: what takes the place of the file's
	problems Problems       // of the text
}

// overlaid are the keys that an overlay has, and has alone.
var overlaid = []string{"pool", "route"}

// OpenOverlay reads an overlay; nil: there is none. One that can't be read is a problem of
// each file that it is laid over; a warning, unless it is needed.
func OpenOverlay(path string, needed bool) *Overlay {
	text, err := textfile.Read(path, maxFile, false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil && !needed:
		return &Overlay{path: path, problems: Problems{{File: path, Warning: true, Want: "the pools and routes that were set over the API, if any were, can't be read: " + err.Error() + "; the file is judged without them"}}}
	case err != nil:
		return &Overlay{path: path, problems: Problems{{File: path, Want: "the pools and routes that were set over the API can't be read: " + err.Error()}}}
	}
	return readOverlay(path, []byte(text))
}

// readOverlay is OpenOverlay for a text.
func readOverlay(path string, text []byte) *Overlay {
	o := &Overlay{path: path, text: text}
	var head struct {
		By    string    `toml:"by"`
		Since time.Time `toml:"since"`
	}
	var tree map[string]any
	_, err := toml.Decode(string(text), &tree)
	if err == nil {
		_, err = toml.Decode(string(text), &head)
	}
	if err != nil {
		o.problems = Problems{syntaxProblem(err)}
		o.problems[0].File = path
		return o
	}
	o.By, o.Since = head.By, head.Since
	delete(tree, "by")
	delete(tree, "since")
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		if !slices.Contains(overlaid, key) {
			o.problems.add(key, "", "expected only [[pool]] and [[route]]: farmproxy makes this file of what is set over the API", "removing the key, and setting it in the configuration file")
		}
	}
	o.place(o.problems)
	o.lists = tree
	return o
}

// Path returns where the overlay is kept.
func (o *Overlay) Path() string { return o.path }

// Text returns the overlay as it is kept: with passwords.
func (o *Overlay) Text() []byte { return o.text }

// Over returns the file with an overlay in the place of the one that it has; nil: none.
func (f *File) Over(o *Overlay) *File { return &File{path: f.path, text: f.text, overlay: o} }

// Overlay returns what is laid over the file; nil: nothing is.
func (f *File) Overlay() *Overlay { return f.overlay }

// lay puts the overlay's lists in the place of the file's, and returns what there is to say
// about that. A nil overlay changes nothing.
func (o *Overlay) lay(tree map[string]any, path string, lines map[string]int) (found Problems) {
	if o == nil {
		return nil
	}
	if o.lists == nil { // it can't be read
		return slices.Clone(o.problems)
	}
	hidden := Problem{File: path, Warning: true}
	for _, key := range overlaid {
		if _, there := tree[key]; there && hidden.Key == "" {
			hidden.Key, hidden.Line = key, lines[key]
		}
		delete(tree, key)
		if list, there := o.lists[key]; there {
			tree[key] = list
		}
	}
	if hidden.Key == "" {
		return slices.Clone(o.problems)
	}
	hidden.Want = fmt.Sprintf("[[pool]] and [[route]] have no effect here: those hold that were set over the API by %s at %s, and are in %s", o.By, o.Since.Format(time.RFC3339), o.path)
	hidden.Try = "farmproxy overlay, which shows them, or farmproxy overlay -remove, and this file holds again"
	return append(Problems{hidden}, o.problems...)
}

// locate gives problems with keys of the overlay's lists their place in it; those with other
// keys are the file's.
func (o *Overlay) locate(problems Problems) {
	if o == nil || o.lists == nil {
		return
	}
	for i := range problems {
		if p := &problems[i]; p.File == "" && has(p.Key) {
			o.place(problems[i : i+1])
		}
	}
}

// place says that problems are the overlay's.
func (o *Overlay) place(problems Problems) {
	lines := keyLines(string(o.text))
	for i := range problems {
		p := &problems[i]
		p.File, p.Line = o.path, nearestLine(lines, p.Key)
	}
}

// has reports whether a key is of an overlay's lists.
func has(key string) bool {
	return slices.ContainsFunc(overlaid, func(list string) bool {
		rest, is := strings.CutPrefix(key, list)
		return is && (rest == "" || rest[0] == '[' || rest[0] == '.')
	})
}

// keptPassword stands for the password that a pool has already.
const keptPassword = redacted

// Lists are pools and routes as JSON has them: with the keys of the file.
type Lists struct {
	Pools  []map[string]any `json:"pool"`
	Routes []map[string]any `json:"route"`
}

// MakeOverlay returns the overlay that lists make, to be kept at path. A password that is
// *** is the one that the configuration in use has for the pool: for that of the same name,
// or else for that with the same url and user. What keys mean together is judged by the
// file's Check.
func MakeOverlay(path string, lists Lists, now *Config, by string, since time.Time) (*Overlay, Problems) {
	c := Default()
	d := decoder{given: make(keySet)}
	d.config(map[string]any{"pool": tables(lists.Pools), "route": tables(lists.Routes)}, c)
	for i := range c.Pools {
		if p := &c.Pools[i]; p.Password == keptPassword && !now.keepPassword(p) {
			d.problems.add(fmt.Sprintf("pool[%d].password", i+1), "", "*** keeps the password of the pool that has this name now, or this url and user, and there is none", `the password, or "x", which nearly every pool takes`)
		}
	}
	if len(d.problems) > 0 {
		return nil, d.problems
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Pools and routes that were set over the API. They take the place of those of the\n# configuration file; farmproxy overlay -remove makes that file hold again.\n")
	fmt.Fprintf(&b, "by = %s\nsince = %s\n", tomlString(by), since.UTC().Format(time.RFC3339))
	writeTables(&b, "pool", reflect.ValueOf(c.Pools))
	writeTables(&b, "route", reflect.ValueOf(c.Routes))
	return readOverlay(path, b.Bytes()), nil
}

// keepPassword gives a pool the password that it has in the configuration in use.
func (c *Config) keepPassword(p *Pool) bool {
	name := p.Name
	if name == "" {
		name = p.Address()
	}
	before := c.Pool(name)
	if i := slices.IndexFunc(c.Pools, func(q Pool) bool { return q.URL == p.URL && q.User == p.User }); before == nil && i >= 0 {
		before = &c.Pools[i]
	}
	if before == nil {
		return false
	}
	p.Password = before.Password
	return true
}

// tables makes of JSON's tables what TOML would have: whole numbers are none of the others,
// and what is null is not there.
func tables(list []map[string]any) any {
	made := make([]map[string]any, len(list))
	for i := range list {
		made[i] = plainTable(list[i])
	}
	return made
}

func plainTable(table map[string]any) map[string]any {
	made := make(map[string]any, len(table))
	for key, v := range table {
		if v != nil {
			made[key] = plainValue(v)
		}
	}
	return made
}

func plainValue(v any) any {
	switch v := v.(type) {
	case float64:
		if n := int64(v); float64(n) == v {
			return n
		}
	case map[string]any:
		return plainTable(v)
	case []any:
		made := make([]any, len(v))
		for i := range v {
			made[i] = plainValue(v[i])
		}
		return made
	}
	return v
}

// writeTables writes a list of tables, each without the keys that have their default.
func writeTables(b *bytes.Buffer, path string, list reflect.Value) {
	for i := range list.Len() {
		fmt.Fprintf(b, "\n[[%s]]\n", path)
		table := list.Index(i)
		var nested []func()
		for j := range table.NumField() {
			key, v := table.Type().Field(j).Tag.Get("toml"), table.Field(j)
			if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
				nested = append(nested, func() { writeTables(b, path+"."+key, v) })
				continue
			}
			if !reflect.DeepEqual(v.Interface(), defaultTable(table.Type()).Field(j).Interface()) && !isNaN(v) {
				fmt.Fprintf(b, "%s = %s\n", key, overlayValue(v))
			}
		}
		for _, write := range nested {
			write()
		}
	}
}

// defaultTable is the starting point of a table in a list.
func defaultTable(of reflect.Type) reflect.Value {
	element := reflect.New(of)
	startTable(element.Interface())
	return element.Elem()
}

func isNaN(v reflect.Value) bool { return v.Kind() == reflect.Float64 && math.IsNaN(v.Float()) }

func overlayValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Secret:
		return tomlString(string(x))
	case []string:
		return tomlOf(onLine(x))
	default:
		return tomlOf(x)
	}
}
