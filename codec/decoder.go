package codec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"unicode/utf8"
	"unsafe"

	"github.com/bytedance/sonic"
	"github.com/bytedance/sonic/decoder"
)

// Message is one decoded line, in either direction. Its members alias the line, or the
// decoder if the line was not UTF-8: they are valid only until the line's buffer is
// reused, or the next line is decoded.
//
// A message with a method is a request or a notification, whatever its id
// (public-pool sends notifications with an id); one without is a reply.
type Message struct {
	ID     Raw
	Method []byte // nil for a reply
	Params Raw
	Result Raw
	Error  Raw
	Reason Raw // "reject-reason": where ckpool says why it rejected a share, with error null
}

// members is what sonic decodes into. Every member is raw, so that a wrong type in one
// never costs us the others: types are checked when a member is read.
type members struct {
	ID     sonic.NoCopyRawMessage `json:"id"`
	Method sonic.NoCopyRawMessage `json:"method"`
	Params sonic.NoCopyRawMessage `json:"params"`
	Result sonic.NoCopyRawMessage `json:"result"`
	Error  sonic.NoCopyRawMessage `json:"error"`
	Reason sonic.NoCopyRawMessage `json:"reject-reason"`
}

// member returns the field for a name; nil: it is none of ours.
func (w *members) member(name []byte) *sonic.NoCopyRawMessage {
	switch string(name) {
	case "id":
		return &w.ID
	case "method":
		return &w.Method
	case "params":
		return &w.Params
	case "result":
		return &w.Result
	case "error":
		return &w.Error
	case "reject-reason":
		return &w.Reason
	}
	return nil
}

// Decoder decodes lines. Each goroutine that decodes has its own and keeps it, since
// sonic only avoids allocations when its decoder is reused.
type Decoder struct {
	sonic   *decoder.Decoder
	members members
	text    []byte // the last line that was not UTF-8, converted
}

// keptText is how much memory a decoder keeps for lines that are not UTF-8: a miner's
// line at twice its length. A pool's may be longer, and there are many pools.
const keptText = 2 * MaxMinerLine

// NewDecoder returns a Decoder ready for its first line.
func NewDecoder() *Decoder {
	d := decoder.NewDecoder("")
	// Stricter than sonic's default: control characters inside strings and keys in
	// another letter case are not JSON-RPC.
	d.SetOptions(decoder.OptionCaseSensitive | decoder.OptionValidateString | decoder.OptionUseUnicodeErrors)
	return &Decoder{sonic: d}
}

// Pretouch compiles what sonic would otherwise compile at the first line, on an event
// loop (3 ms). Call it once at start. It reports whether sonic's compiler supports
// this platform; if not, sonic falls back to encoding/json, correct but slow.
func Pretouch() (native bool, err error) {
	err = sonic.Pretouch(reflect.TypeFor[members]())
	return sonic.APIKind == sonic.UseSonicJSON, err
}

// Padding reports whether a byte may stand before or after a message: white space, the
// zero byte that ends strings in C, and the bytes of a byte order mark.
func Padding(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', '\v', '\f', 0, 0xef, 0xbb, 0xbf:
		return true
	}
	return false
}

// Trim returns a line without the padding around it.
func Trim(line []byte) []byte {
	for len(line) > 0 && Padding(line[0]) {
		line = line[1:]
	}
	for len(line) > 0 && Padding(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	return line
}

// Decode decodes one line, without its newline, into m.
func (d *Decoder) Decode(line []byte, m *Message) error {
	*m = Message{}
	if len(line) == 0 || line[0] != '{' {
		return errNotStratum
	}
	d.members = members{}
	if cap(d.text) > keptText {
		d.text = nil
	}
	if !d.members.plain(line) {
		if err := d.decode(line); err != nil {
			return err
		}
	}
	m.ID, m.Params = Raw(d.members.ID), Raw(d.members.Params)
	m.Result, m.Error, m.Reason = Raw(d.members.Result), Raw(d.members.Error), Raw(d.members.Reason)
	if method := Raw(d.members.Method); !method.IsNull() {
		text, ok := method.String()
		if !ok {
			return errNotMessage
		}
		m.Method = text
		return nil
	}
	if m.Result == nil && m.Error == nil {
		return errNotMessage
	}
	return nil
}

// decode has sonic read a line that is not plain.
func (d *Decoder) decode(line []byte) error {
	if tooDeep(line) {
		return errTooDeep
	}
	if utf8.Valid(line) {
		return d.read(line)
	}
	// A name in Latin-1, GBK and the like is no reason to lose a miner. Bytes that are
	// not UTF-8 are read as Latin-1, where every byte is valid; if that fails, once
	// more with a backslash after such a byte taken literally, since it may be the
	// second byte of a GBK character.
	d.text = appendLatin1(d.text[:0], line, false)
	if d.read(d.text) == nil {
		return nil
	}
	d.text = appendLatin1(d.text[:0], line, true)
	return d.read(d.text)
}

// appendLatin1 appends line, with each byte that is not UTF-8 read as Latin-1. With
// escape, a backslash after such a byte is literal and does not start an escape.
func appendLatin1(dst, line []byte, escape bool) []byte {
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if size > 1 || r != utf8.RuneError {
			dst = append(dst, line[i:i+size]...)
			i += size
			continue
		}
		dst = utf8.AppendRune(dst, rune(line[i]))
		if i++; escape && i < len(line) && line[i] == '\\' {
			dst = append(dst, `\\`...)
			i++
		}
	}
	return dst
}

// read has sonic read a line of UTF-8.
func (d *Decoder) read(line []byte) error {
	if bytes.IndexByte(line, '\\') >= 0 && !json.Valid(line) {
		return errSyntax // sonic skips values that it need not decode without checking their escapes
	}
	d.members = members{} // plain may have filled some, and sonic leaves absent ones unchanged
	d.sonic.Reset(unsafe.String(&line[0], len(line)))
	if d.sonic.Decode(&d.members) != nil || d.sonic.CheckTrailings() != nil {
		return errSyntax
	}
	return nil
}

// tooDeep reports nesting beyond MaxDepth. Counting brackets is enough for every
// honest short line; only a line with more of them is scanned.
func tooDeep(line []byte) bool {
	if bytes.Count(line, openBracket)+bytes.Count(line, openBrace) <= MaxDepth {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

var openBracket, openBrace = []byte{'['}, []byte{'{'}
