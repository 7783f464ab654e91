package codec

import (
	"bytes"
	"strconv"
	"unsafe"

	"github.com/bytedance/sonic"
)

// Raw is one JSON value in its original form, validated, aliasing its line. nil is a
// missing member.
type Raw []byte

// IsNull reports whether the member is missing or null.
func (r Raw) IsNull() bool { return len(r) == 0 || r[0] == 'n' }

// String returns the text of a JSON string; ok is false for any other type. The text
// aliases the line unless it contains escapes.
func (r Raw) String() (text []byte, ok bool) {
	if len(r) < 2 || r[0] != '"' {
		return nil, false
	}
	inner := r[1 : len(r)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var s string
	if sonic.ConfigStd.Unmarshal(r, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

// Float returns a number, even if it is written as a string ("1000"): several
// firmwares quote numbers.
func (r Raw) Float() (v float64, ok bool) {
	text := []byte(r)
	if s, quoted := r.String(); quoted {
		text = s
	}
	if len(text) == 0 || len(text) > 32 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return 0, false
	}
	v, err := strconv.ParseFloat(unsafe.String(&text[0], len(text)), 64)
	return v, err == nil
}

// Int returns a whole number within the range of an int32.
func (r Raw) Int() (v int, ok bool) {
	f, ok := r.Float()
	if !ok || f != float64(int32(f)) {
		return 0, false
	}
	return int(f), true
}

// Yes reports whether the value means yes: true, 1, a string of one of these, or OK,
// or an object whose status is OK. Pools send all of them.
func (r Raw) Yes() (yes bool) {
	switch string(r) {
	case "true", "1":
		return true
	}
	if text, ok := r.String(); ok {
		return isYes(text)
	}
	r.Members(func(key []byte, value Raw) bool {
		text, _ := value.String()
		yes = string(key) == "status" && isYes(text)
		return !yes
	})
	return yes
}

func isYes(text []byte) bool {
	for _, yes := range yeses {
		if bytes.EqualFold(text, yes) {
			return true
		}
	}
	return false
}

var yeses = [][]byte{[]byte("true"), []byte("1"), []byte("ok")}

// isEmpty reports whether the value is null, false, 0, "", or a list or object of only
// such values.
func (r Raw) isEmpty() bool {
	if r.IsNull() {
		return true
	}
	switch string(r) {
	case "false", "0", `""`:
		return true
	}
	empty := r.IsArray() || r.IsObject()
	r.Members(func(_ []byte, value Raw) bool {
		empty = value.isEmpty()
		return empty
	})
	var list [MaxParams]Raw
	for _, value := range list[:r.Array(list[:])] {
		empty = empty && value.isEmpty()
	}
	return empty
}

// IsArray and IsObject report the type of the value.
func (r Raw) IsArray() bool  { return len(r) > 0 && r[0] == '[' }
func (r Raw) IsObject() bool { return len(r) > 0 && r[0] == '{' }

// Array splits an array into dst and returns how many elements it stored; those that
// do not fit are ignored. It returns 0 for any other type.
func (r Raw) Array(dst []Raw) (n int) {
	if !r.IsArray() {
		return 0
	}
	for rest := skipSpace(r[1:]); rest[0] != ']' && n < len(dst); n++ {
		end := valueEnd(rest)
		dst[n] = rest[:end]
		rest = skipSeparator(rest[end:])
	}
	return n
}

// Members calls visit with each member of an object, in order, until it
// returns false. Keys are passed unescaped.
func (r Raw) Members(visit func(key []byte, value Raw) bool) {
	if !r.IsObject() {
		return
	}
	for rest := skipSpace(r[1:]); rest[0] != '}'; {
		end := valueEnd(rest)
		key, _ := Raw(rest[:end]).String()
		rest = skipSpace(rest[end:])
		rest = skipSpace(rest[1:]) // the colon
		end = valueEnd(rest)
		if !visit(key, Raw(rest[:end])) {
			return
		}
		rest = skipSeparator(rest[end:])
	}
}

// skipSeparator skips the comma after a value, if there is one.
func skipSeparator(b []byte) []byte {
	b = skipSpace(b)
	if b[0] == ',' {
		b = skipSpace(b[1:])
	}
	return b
}

func skipSpace(b []byte) []byte {
	for b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n' {
		b = b[1:]
	}
	return b
}

// valueEnd returns the length of the value at the start of b. b is known to be valid
// JSON up to there, so only strings and brackets matter.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringEnd(b[i:]) - 1
		case '[', '{':
			depth++
			continue
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ' ', '\t', '\r', '\n', ':':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue // inside a number or a literal, which end at one of the above
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// stringEnd returns the length of the string at the start of b, quotes included.
func stringEnd(b []byte) int {
	for i := 1; ; i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}
