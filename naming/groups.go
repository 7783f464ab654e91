package naming

import (
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

const (
	// MaxTemplates bounds what a worker's login is compared with.
	MaxTemplates = 16

	// maxTemplate is the length of a template in bytes: what is longer is no pattern
	// that anybody still understands.
	maxTemplate = 256

	// maxSteps bounds an expression's program, as it takes each byte of a name through
	// all of it in the worst case, on an event loop: a tenth of a millisecond. A hall, a
	// row and a rack with their numbers take fifty.
	maxSteps = 500

	// maxGroup is the length of a group's name in bytes. It is a label of every series.
	maxGroup = 128
)

// Groups gives each worker its group, such as the hall or the rack where it stands: what
// the first template gives that has all of its parts in the worker's name and address.
// The zero Groups gives none. It is immutable.
//
// A template is text with variables:
//
//	{name:REGEXP}  the part of the name that matches, or that parentheses in it do
//	{ip1} … {ip4}  a number of the miner's address, see AppendNumber
type Groups struct {
	texts     []string
	templates [][]part
}

// part is text, a number of the address, or a part of the name.
type part struct {
	text   string
	number int            // 1 to Numbers; 0: it is not one
	name   *regexp.Regexp // nil: it is not one
}

// TemplateError says which template can't be used.
type TemplateError struct {
	Index int    // from 0
	Want  string // what is wrong with it, and what is expected
	Try   string // "": nothing comes to mind
}

func (e *TemplateError) Error() string {
	if e.Try == "" {
		return e.Want
	}
	return e.Want + "; try " + e.Try
}

// fault returns what is wrong with a template.
func fault(try, format string, args ...any) *TemplateError {
	return &TemplateError{Want: fmt.Sprintf(format, args...), Try: try}
}

// example is a template that many farms can use.
const example = `'{name:R\d+L\d+}'`

// ParseGroups parses templates, or says what is wrong with each that can't be used.
func ParseGroups(texts []string) (g Groups, wrong []*TemplateError) {
	g.texts = slices.Clone(texts)
	for i, text := range texts {
		parts, err := parse(text)
		if err == nil && i < len(texts)-1 && !slices.ContainsFunc(parts, part.varies) {
			err = fault("it as the last one", "every worker is in this group, and none reaches the next template; expected {name:REGEXP} or {ip1} to {ip4} in all but the last")
		}
		if err != nil {
			err.Index = i
			wrong = append(wrong, err)
		}
		g.templates = append(g.templates, parts)
	}
	if len(wrong) > 0 {
		return Groups{}, wrong
	}
	return g, nil
}

func (p part) varies() bool { return p.number > 0 || p.name != nil }

// Same reports whether both give every worker the same group.
func (g Groups) Same(other Groups) bool { return slices.Equal(g.texts, other.texts) }

// Of returns the group of a worker by its name, as it is booked, and its miner's address;
// "": it has none. It allocates.
func (g Groups) Of(name string, ip netip.Addr) string {
	for _, parts := range g.templates {
		if group, ok := fill(parts, name, ip); ok {
			return group
		}
	}
	return ""
}

// fill returns what a template gives; false: the name or the address lacks a part, or the
// result is too long.
func fill(parts []part, name string, ip netip.Addr) (string, bool) {
	var group []byte
	for _, p := range parts {
		before := len(group)
		switch {
		case p.name != nil:
			group = append(group, matched(p.name, name)...)
		case p.number == 0:
			group = append(group, p.text...)
		case ip.IsValid():
			group = AppendNumber(group, ip, p.number)
		}
		if len(group) == before || len(group) > maxGroup {
			return "", false
		}
	}
	return string(group), true
}

// matched returns the part of a name that an expression means; "": none.
func matched(e *regexp.Regexp, name string) string {
	found := e.FindStringSubmatchIndex(name)
	if found == nil || found[len(found)-1] < 0 { // parentheses that took no part in the match
		return ""
	}
	return name[found[len(found)-2]:found[len(found)-1]]
}

// parse parses a template.
func parse(text string) (parts []part, err *TemplateError) {
	if text == "" {
		return nil, fault(example, "expected text with {name:REGEXP} or {ip1} to {ip4}")
	}
	if len(text) > maxTemplate {
		return nil, fault("a shorter one", "expected at most %d bytes, it has %d", maxTemplate, len(text))
	}
	for text != "" {
		before, rest, open := strings.Cut(text, "{")
		if err := plain(before); err != nil {
			return nil, err
		}
		if before != "" {
			parts = append(parts, part{text: before})
		}
		if !open {
			break
		}
		n := closing(rest)
		if n < 0 {
			return nil, fault(escape, `it has a "{" without its "}"`)
		}
		p, err := variable(rest[:n])
		if err != nil {
			return nil, err
		}
		parts, text = append(parts, p), rest[n+1:]
	}
	return parts, nil
}

// escape says how a brace is written that is not a variable's.
const escape = `\{ or \} for a brace in an expression that has no partner there`

// plain checks the text between variables.
func plain(text string) *TemplateError {
	i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("\"'`\\<>}", r) })
	switch {
	case i < 0:
		return nil
	case text[i] == '}':
		return fault(escape, `it has a "}" without its "{"`)
	case text[i] == '\\':
		return fault(example, "it has a backslash outside of braces; expected an expression within {name:...}")
	}
	return fault("letters, digits, dot, dash and underscore", "expected printable ASCII around the variables, without quotes, < and >")
}

// closing returns where the brace is that closes an open one; -1: nowhere.
func closing(text string) int {
	for i, depth := 0, 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// variable parses what is between braces.
func variable(text string) (part, *TemplateError) {
	if expression, is := strings.CutPrefix(text, "name:"); is {
		e, err := compile(expression)
		return part{name: e}, err
	}
	for n := 1; n <= Numbers; n++ {
		if text == fmt.Sprint("ip", n) {
			return part{number: n}, nil
		}
	}
	return part{}, fault(example, "there is no variable {%s}, only {name:REGEXP} and {ip1} to {ip4}, the numbers of the miner's address", text)
}

// compile compiles an expression.
func compile(expression string) (*regexp.Regexp, *TemplateError) {
	if expression == "" {
		return nil, fault(example, "{name:} has no expression")
	}
	tree, err := syntax.Parse(expression, syntax.Perl) // as regexp.Compile does
	if err != nil {
		return nil, fault(example, "expected a regular expression in RE2's syntax, without lookahead and back references: %v", err)
	}
	if n := tree.MaxCap(); n > 1 {
		return nil, fault("(?:...) for the others, or a variable for each part", "{name:%s} has %d pairs of parentheses, expected at most one, around the part that names the group", expression, n)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fault(example, "{name:%s}: %v", expression, err)
	}
	if n := len(program.Inst); n > maxSteps {
		return nil, fault("+ or * instead of a count in braces", "{name:%s} takes %d steps, expected at most %d", expression, n, maxSteps)
	}
	return regexp.MustCompile(expression), nil
}
