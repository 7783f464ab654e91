package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// block is a table of a foreign TOML file.
type block struct {
	setting // its path, such as server[2], and its line
	keys    map[string]any
	lines   map[string]int // of the whole file
}

// take returns one key of the table; if the table has none, only its path is set.
func (b *block) take(key string) setting {
	path := join(b.path, key)
	value, given := b.keys[key]
	line := b.lines[path]
	if line == 0 {
		line = b.line // in an inline table
	}
	return setting{path: path, line: line, given: given, value: value}
}

// leftovers are the keys of a foreign file that become none.
type leftovers struct {
	reasons []string            // why keys have no equivalent, in order
	without map[string][]string // the keys of each reason
	unknown []string
}

// lacks notes that a key has no equivalent, and why.
func (l *leftovers) lacks(s setting, reason string) {
	if l.without == nil {
		l.without = make(map[string][]string)
	}
	if l.without[reason] == nil {
		l.reasons = append(l.reasons, reason)
	}
	l.without[reason] = append(l.without[reason], plainKey(s.path))
}

// needless notes which of these settings, if given, are what farmproxy does anyway.
func (l *leftovers) needless(list ...setting) {
	for _, s := range list {
		if s.given {
			l.lacks(s, "not needed: farmproxy does this by default")
		}
	}
}

// grouped returns a line for each reason, with its keys.
func (l *leftovers) grouped() (lines []string) {
	for _, reason := range l.reasons {
		lines = append(lines, strings.Join(l.without[reason], ", ")+": "+reason)
	}
	return lines
}

// isBraiins reports whether a parsed file is a configuration of Braiins Farm Proxy.
func isBraiins(tree map[string]any) bool {
	found := 0
	for _, table := range []string{"server", "target", "routing"} {
		if _, ok := tree[table]; ok {
			found++
		}
	}
	return found >= 2
}

// read parses a configuration of Braiins Farm Proxy and finds its tables. It returns the
// top of the file; false: the text is beyond conversion.
func (b *braiins) read(text []byte) (top block, ok bool) {
	var tree map[string]any
	if _, err := toml.Decode(string(text), &tree); err != nil {
		b.problems = Problems{syntaxProblem(err)}
		return top, false
	}
	if !isBraiins(tree) {
		b.problems = Problems{{Want: "this is not a configuration of Braiins Farm Proxy, which has [[server]], [[target]] and [[routing]]", Try: "its config/active_profile.toml, or the file that its docker-compose.yml mounts"}}
		return top, false
	}
	top = block{keys: tree, lines: keyLines(string(text))}
	b.judge(&top, "")
	b.servers, b.targets, b.routings = b.inner(&top, "server"), b.inner(&top, "target"), b.inner(&top, "routing")
	for _, list := range []struct {
		name   string
		blocks []block
	}{{"server", b.servers}, {"target", b.targets}, {"routing", b.routings}} {
		if len(list.blocks) == 0 && !b.problems.has(list.name) {
			b.problem(top.take(list.name), "required: at least one", "[["+list.name+"]] with its keys below it")
		}
		for i := range list.blocks {
			b.judge(&list.blocks[i], list.name)
		}
	}
	if len(b.problems) > 0 {
		return top, false
	}
	for i := range b.routings {
		for _, goal := range b.inner(&b.routings[i], "goal") {
			b.judge(&goal, "routing.goal")
			for _, level := range b.inner(&goal, "level") {
				b.judge(&level, "routing.goal.level")
			}
		}
	}
	return top, true
}

// judge notes the keys of a table that are unknown, or have no equivalent.
func (b *braiins) judge(t *block, kind string) {
	for _, key := range slices.Sorted(maps.Keys(t.keys)) {
		s := t.take(key)
		switch instead, known := braiinsKeys[kind][key]; {
		case !known:
			b.unknown = append(b.unknown, plainKey(s.path))
		case instead != "":
			b.lacks(s, instead)
		}
	}
}

// inner returns the tables of a list in a table.
func (b *braiins) inner(outer *block, key string) (list []block) {
	s := outer.take(key)
	tables, ok := listOfTables(s.value)
	if !ok && s.given && !b.problems.has(s.path) {
		b.problem(s, "expected a list of tables", "[["+key+"]] with its keys below it")
	}
	for i, keys := range tables {
		path := fmt.Sprintf("%s[%d]", s.path, i+1)
		line := outer.lines[path]
		if line == 0 {
			line = s.line
		}
		list = append(list, block{setting{path: path, line: line, given: true}, keys, outer.lines})
	}
	return list
}

// named checks that each table of a list has a name, and another one than the others.
func (b *braiins) named(kind string, list []block) {
	taken := make(map[string]string)
	for i := range list {
		s := list[i].take("name")
		name := b.text(s)
		switch other := taken[name]; {
		case name == "":
			b.problem(s, "required: routings call it by its name", `name = "`+strings.ToUpper(kind[:1])+strconv.Itoa(i+1)+`"`)
		case other != "":
			b.problem(s, "expected a unique name; "+other+" has this one", show(another(name, i+1)))
		default:
			taken[name] = list[i].path
		}
	}
}

// names returns the names of tables, each once.
func (b *braiins) names(list []block) (names []string) {
	for i := range list {
		if name := b.text(list[i].take("name")); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (b *braiins) problem(s setting, want, try string) {
	if !b.problems.has(s.path) {
		b.problems = append(b.problems, s.problem(want, try))
	}
}

// text returns a setting that is a string.
func (b *braiins) text(s setting) string {
	text, ok := s.value.(string)
	if !ok && s.given {
		b.problem(s, "expected a string", "quotes around it")
	}
	return text
}

// whole returns a setting that is a whole number, and required.
func (b *braiins) whole(s setting, low, high int64) int {
	n, ok := s.value.(int64)
	if !ok || n < low || n > high {
		b.problem(s, fmt.Sprintf("expected a whole number from %d to %d", low, high), strconv.Itoa(braiinsPort))
		return braiinsPort
	}
	return int(n)
}

// decimal returns a setting that is a number from 0 on.
func (b *braiins) decimal(s setting, standard float64) float64 {
	switch n := s.value.(type) {
	case nil:
		return standard
	case int64:
		if n >= 0 {
			return float64(n)
		}
	case float64:
		if n >= 0 { // and no NaN
			return n
		}
	}
	b.problem(s, "expected a number from 0 on, without quotes", strconv.FormatFloat(standard, 'g', -1, 64))
	return standard
}

// flag returns a setting that is true or false; it is false by default.
func (b *braiins) flag(s setting) bool {
	on, ok := s.value.(bool)
	if !ok && s.given {
		b.problem(s, "expected true or false, without quotes", "false")
	}
	return on
}

// elements returns the elements of a setting that is a list.
func (b *braiins) elements(s setting, of, try string) (list []setting) {
	values, ok := s.value.([]any)
	if !ok || len(values) == 0 {
		b.problem(s, "expected a list with "+of, try)
	}
	for i, v := range values {
		list = append(list, setting{path: fmt.Sprintf("%s[%d]", s.path, i+1), line: s.line, given: true, value: v})
	}
	return list
}
