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

// setting is one key of a BTCAgent configuration, or one element of a list.
type setting struct {
	path  string // as the file spells it: advanced.tls_skip_certificate_verify, pools[2]
	line  int
	given bool // the file has it; otherwise only path is set
	value any  // string, json.Number, bool, []setting, object, or nil for null
}

// object is a JSON object where none is expected; its members are ignored.
type object struct{}

// sections are the keys whose objects BTCAgent knows; their members are settings in
// their own right.
var sections = map[string]bool{"http_debug": true, "advanced": true, "advanced.message_queue_size": true}

// settings are the keys of a file, in lower case, because BTCAgent ignored case. If a
// key is given twice the last one counts, as it did there.
type settings struct {
	byPath map[string]setting
	order  []string // paths, in the order of their first appearance
	twice  []string // paths given more than once
}

// settingsReader reads JSON that is known to be valid.
type settingsReader struct {
	settings
	text    []byte
	decoder *json.Decoder
	line    int // at counted
	counted int // bytes of text whose lines have been counted

	problems Problems
}

// readSettings reads the object that makes up a BTCAgent configuration.
func readSettings(text []byte) (settings, Problems) {
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		return settings{}, Problems{notJSON(text, err)}
	}
	r := &settingsReader{text: text, line: 1, decoder: json.NewDecoder(bytes.NewReader(text))}
	r.byPath = make(map[string]setting)
	r.decoder.UseNumber()
	r.token() // {, or isBTCAgent would have said no
	r.members("")
	return r.settings, r.problems
}

// notJSON is the problem of text that is not JSON.
func notJSON(text []byte, err error) Problem {
	p := Problem{Want: "this is not JSON: " + err.Error(), Try: `"key": value, with a comma between entries and none after the last`}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		p.Line = 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
	}
	return p
}

// members reads the rest of an object.
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

// value reads one value. An object's members become settings if it is a section, and
// are skipped otherwise.
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

// skip reads the rest of an object.
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

// token returns the next token and records its line.
func (r *settingsReader) token() json.Token {
	token, _ := r.decoder.Token() // the whole text has been parsed before
	end := int(r.decoder.InputOffset())
	r.line += bytes.Count(r.text[r.counted:end], []byte("\n"))
	r.counted = end
	return token
}

// problem returns a problem with the setting. It hides a value that may be a secret.
func (s setting) problem(want, try string) Problem {
	p := Problem{Line: s.line, Key: plainKey(s.path), Want: want, Try: try}
	if s.given && !strings.HasPrefix(strings.ToLower(s.path), "proxy") {
		p.Value = s.show()
	}
	return p
}

// show returns the value as in the file, shortened.
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

// shorten bounds how much of a value is shown.
func shorten(text string) string {
	if len(text) > maxShown {
		return text[:maxShown] + "..."
	}
	return text
}

// plainKey makes a key of a foreign file fit for a line of text.
func plainKey(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return isControl(r) || r == ' ' || r > '~' }) {
		key = strconv.QuoteToASCII(key)
	}
	return shorten(key)
}
