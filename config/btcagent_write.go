package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// commentWidth is where comments are broken, so that they fit a terminal.
const commentWidth = 96

// draft is a configuration of farmproxy's that is written for people to read,
// and remembers what each of its keys was made of.
type draft struct {
	text    strings.Builder
	table   string             // path of the table that keys are written into
	origins map[string]setting // by the key's path, as problems have it
}

// open begins a table; path is what problems call it.
func (d *draft) open(header, path string) {
	d.text.WriteString("\n" + header + "\n")
	d.table = path
}

// set writes a key, and behind it what it was made of: from, which problems with
// it are problems of, and others.
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

// note writes a comment, in as many lines as it takes.
func (d *draft) note(text string) { d.comment("#", text) }

// comment writes one whose lines after the first begin with indent.
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

// blame turns problems with the keys of the draft into problems with what they
// were made of.
func (d *draft) blame(problems Problems) Problems {
	told := make(Problems, 0, len(problems))
	for _, p := range problems {
		p.Line = 0 // it was the draft's
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

// tomlOf is a value as TOML writes it.
func tomlOf(value any) string {
	switch v := value.(type) {
	case string:
		return tomlString(v)
	case time.Duration:
		return tomlString(short(v))
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = "    " + tomlString(s) + ",\n"
		}
		return "[\n" + strings.Join(quoted, "") + "]"
	}
	panic(fmt.Sprintf("config: no way to write a %T", value)) // a mistake in the converter, found by any test
}

// tomlString is a string in quotes. What JSON escapes TOML reads too; DEL is the
// one character that only TOML wants escaped.
func tomlString(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string has no way to fail
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}
