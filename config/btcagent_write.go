package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// commentWidth is where comments are wrapped to fit a terminal.
const commentWidth = 96

// draft is a farmproxy configuration written for people to read. It remembers the
// origin of each of its keys.
type draft struct {
	text    strings.Builder
	table   string             // path of the table being written
	origins map[string]setting // by the key's path, as in problems
}

// open begins a table; path is its name in problems.
func (d *draft) open(header, path string) {
	d.text.WriteString("\n" + header + "\n")
	d.table = path
}

// set writes a key, followed by its origins: from, which is blamed for problems with
// the key, and others.
func (d *draft) set(key string, value any, from setting, others ...setting) {
	origin := from.origin()
	for _, s := range others {
		origin += ", " + s.origin()
	}
	fmt.Fprintf(&d.text, "%s = %s  # %s\n", key, tomlOf(value), origin)
	d.origins[join(d.table, key)] = from
}

// origin says where a value comes from.
func (s setting) origin() string {
	if !s.given {
		return s.path + " (its default)"
	}
	return plainKey(s.path)
}

// note writes a comment, on as many lines as it takes.
func (d *draft) note(text string) { d.comment("#", text) }

// comment writes a comment whose lines after the first begin with indent.
func (d *draft) comment(indent, text string) {
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > commentWidth && line != indent {
			d.text.WriteString(line + "\n")
			line = indent
		}
		line += " " + word
	}
	d.text.WriteString(line + "\n")
}

// list writes a comment with a headline and items below it.
func (d *draft) list(headline string, items []string) {
	if len(items) == 0 {
		return
	}
	d.text.WriteString("\n")
	d.note(headline)
	for _, item := range items {
		d.comment("#  ", "- "+item)
	}
}

// blame turns problems with the keys of the draft into problems with their origins.
func (d *draft) blame(problems Problems) Problems {
	told := make(Problems, 0, len(problems))
	for _, p := range problems {
		if p.File != "" { // an overlay's
			told = append(told, p)
			continue
		}
		p.Line = 0 // the line was the draft's
		for key := p.Key; key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
			if from, ok := d.origins[key]; ok {
				p.Key, p.Line = plainKey(from.path), from.line
				break
			}
		}
		told = append(told, p)
	}
	told.sort()
	return told
}

// onLine is a list that is written on one line: of names, which are short.
type onLine []string

// tomlOf returns a value as TOML writes it.
func tomlOf(value any) string {
	switch v := value.(type) {
	case string:
		return tomlString(v)
	case time.Duration:
		return tomlString(Short(v))
	case int:
		return strconv.Itoa(v)
	case float64:
		return show(v)
	case bool:
		return strconv.FormatBool(v)
	case onLine:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = tomlString(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = "    " + tomlString(s) + ",\n"
		}
		return "[\n" + strings.Join(quoted, "") + "]"
	}
	panic(fmt.Sprintf("config: no way to write a %T", value)) // a mistake in the converter; any test finds it
}

// tomlString returns a quoted string. TOML understands JSON's escapes; DEL is the one
// character that only TOML wants escaped.
func tomlString(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // encoding a string can't fail
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}
