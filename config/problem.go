package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a configuration, described for its author.
type Problem struct {
	File  string // as given to Load; empty from Parse
	Line  int    // from 1; 0 if the file has no such line
	Key   string // path, such as pool[2].url; tables of a list count from 1
	Value string // as in the file, shortened; empty if absent or secret
	Want  string // what is expected
	Try   string // what to write or do

	// Warning means that farmproxy can work with it, though it is probably unintended.
	Warning bool

	// Passing means that it may pass without a change: another program has the port.
	Passing bool

	// meant means that the value is misspelled but was understood, so that it can be
	// judged as well.
	meant bool
}

// String returns the problem on one line:
//
//	farm.toml:7: pool[1].url = "pool.example": expected ...; try ...
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.File != "" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	case p.File != "":
		fmt.Fprintf(&b, "%s: ", p.File)
	case p.Line > 0:
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Key)
	if p.Value != "" {
		b.WriteString(" = " + p.Value)
	}
	if p.Key != "" {
		b.WriteString(": ")
	}
	b.WriteString(p.Want)
	if p.Try != "" {
		b.WriteString("; try " + p.Try)
	}
	return b.String()
}

// Problems is everything wrong with a configuration, in the order of its lines.
type Problems []Problem

// Error is one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Split returns the problems that farmproxy can't work with, and the warnings.
func (ps Problems) Split() (errors, warnings Problems) {
	for _, p := range ps {
		if p.Warning {
			warnings = append(warnings, p)
		} else {
			errors = append(errors, p)
		}
	}
	return errors, warnings
}

// Files returns the files that have problems which are no warnings.
func (ps Problems) Files() (files []string) {
	errors, _ := ps.Split()
	for _, p := range errors {
		if p.File != "" && !slices.Contains(files, p.File) {
			files = append(files, p.File)
		}
	}
	return files
}

// Has reports whether key, or a table that it is in, has a problem that is no
// warning: then its value is not fit to be judged any further.
func (ps Problems) Has(key string) bool {
	errors, _ := ps.Split()
	return errors.has(key)
}

// Within reports whether a key of a table, or the table itself, has a problem that
// is no warning.
func (ps Problems) Within(table string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool {
		return !p.Warning && (p.Key == table || strings.HasPrefix(p.Key, table+"."))
	})
}

func (ps *Problems) add(key, value, want, try string) {
	*ps = append(*ps, Problem{Key: key, Value: value, Want: want, Try: try})
}

// has reports whether key itself, or a table that it is in, has a problem: then
// its value was never taken from the file, and judging it would mislead.
func (ps Problems) has(key string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool {
		rest, within := strings.CutPrefix(key, p.Key)
		return within && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// judge adds what validate says of values that were taken from the file.
func (ps *Problems) judge(found Problems) {
	for _, p := range found {
		i := slices.IndexFunc(*ps, func(q Problem) bool { return q.Key == p.Key && q.meant })
		switch {
		case i >= 0:
			q := &(*ps)[i]
			q.Want, q.Try = q.Want+"; "+p.Want, p.Try
		case !ps.has(p.Key):
			*ps = append(*ps, p)
		}
	}
}

// and adds others, but for those with keys that have a problem already: their
// values were never taken from the file.
func (ps Problems) and(others Problems) Problems {
	all := slices.Clone(ps)
	for _, p := range others {
		if p.Key == "" || !ps.has(p.Key) {
			all = append(all, p)
		}
	}
	return all
}

// locate gives each problem that has no place yet its line, or that of the table that it is
// missing in, and sorts by them.
func (ps Problems) locate(lines map[string]int) {
	for i := range ps {
		if ps[i].File == "" && ps[i].Line == 0 {
			ps[i].Line = nearestLine(lines, ps[i].Key)
		}
	}
	ps.sort()
}

// nearestLine returns the line of a key, or that of the table that it is missing in; 0: there
// is none.
func nearestLine(lines map[string]int, key string) int {
	for ; key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
		if n := lines[key]; n > 0 {
			return n
		}
	}
	return 0
}

// sort puts problems in the order of their files and lines.
func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}
