package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// setting is one key of a configuration of BTCAgent, or one element of a list.
type setting struct {
	path  string // as the file spells it: advanced.tls_skip_certificate_verify, pools[2]
	line  int
	given bool // in the file; else only path is set
	value any  // string, json.Number, bool, []setting, object, or nil for null
}

// object is a JSON object where none is expected; nobody wants its members.
type object struct{}

// sections are the keys whose objects BTCAgent knows; their members are
// settings of their own.
var sections = map[string]bool{"http_debug": true, "advanced": true, "advanced.message_queue_size": true}

// settings are the keys of a file, in lower case: BTCAgent did not mind their
// case. Of a key that is given twice the last one counts, as it did there.
type settings struct {
	byPath map[string]setting
	order  []string // of the paths, as they came first
	twice  []string // of them: given more than once
}

// settingsReader reads JSON that is known to be right.
type settingsReader struct {
	settings
	text    []byte
	decoder *json.Decoder
	line    int // of counted
	counted int // bytes of text whose lines are counted

	problems Problems
}

// readSettings reads the object that a configuration of BTCAgent is.
func readSettings(text []byte) (settings, Problems) {
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		return settings{}, Problems{notJSON(text, err)}
	}
	r := &settingsReader{text: text, line: 1, decoder: json.NewDecoder(bytes.NewReader(text))}
	r.byPath = make(map[string]setting)
	r.decoder.UseNumber()
	r.token() // {, or the file would not be BTCAgent's
	r.members("")
	return r.settings, r.problems
}

// notJSON is the problem of text that is none.
func notJSON(text []byte, err error) Problem {
	p := Problem{Want: "this is not JSON: " + err.Error(), Try: `"key": value, with a comma between entries and none after the last`}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		p.Line = 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
	}
	return p
}

// members reads an object up to its end.
func (r *settingsReader) members(section string) {
	for r.decoder.More() {
		key, _ := r.token().(string)
		path := join(section, key)
		known := strings.ToLower(path)
		s := r.value(path, sections[known])
		if _, isObject := s.value.(object); isObject && sections[known] {
			continue // its members are in the list
		}
		if sections[known] {
			if s.value != nil {
				r.problems = append(r.problems, s.problem("expected an object", "braces around its keys"))
			}
			continue
		}
		if _, there := r.byPath[known]; there {
			if !slices.Contains(r.twice, known) {
				r.twice = append(r.twice, known)
			}
		} else {
			r.order = append(r.order, known)
		}
		r.byPath[known] = s
	}
	r.token() // }
}

// value reads one value. An object's members become settings when it is a
// section, and are passed over when not.
func (r *settingsReader) value(path string, section bool) setting {
	token := r.token()
	s := setting{path: path, line: r.line, given: true, value: token}
	switch token {
	case json.Delim('['):
		elements := []setting{}
		for r.decoder.More() {
			elements = append(elements, r.value(fmt.Sprintf("%s[%d]", path, len(elements)+1), false))
		}
		r.token() // ]
		s.value = elements
	case json.Delim('{'):
		if section {
			r.members(path)
		} else {
			r.skip()
		}
		s.value = object{}
	}
	return s
}

// skip reads an object up to its end.
func (r *settingsReader) skip() {
	for depth := 1; depth > 0; {
		switch r.token() {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// token returns the next token and keeps the line that it is on.
func (r *settingsReader) token() json.Token {
	token, _ := r.decoder.Token() // the whole text was parsed before
	end := int(r.decoder.InputOffset())
	r.line += bytes.Count(r.text[r.counted:end], []byte("\n"))
	r.counted = end
	return token
}

// problem is one with the setting. What its value may give away is not shown.
func (s setting) problem(want, try string) Problem {
	p := Problem{Line: s.line, Key: plainKey(s.path), Want: want, Try: try}
	if s.given && !strings.HasPrefix(strings.ToLower(s.path), "proxy") {
		p.Value = s.show()
	}
	return p
}

// show is the value as the file has it, shortened.
func (s setting) show() string {
	switch v := s.value.(type) {
	case json.Number:
		return shorten(v.String())
	case nil:
		return "null"
	case []setting:
		return "(a list)"
	case object:
		return "(an object)"
	default:
		return show(v)
	}
}

// shorten bounds what is shown of a value.
func shorten(text string) string {
	if len(text) > maxShown {
		return text[:maxShown] + "..."
	}
	return text
}

// plainKey is a key of someone else's file, fit for a line of text.
func plainKey(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return isControl(r) || r == ' ' || r > '~' }) {
		key = strconv.QuoteToASCII(key)
	}
	return shorten(key)
}
