package tap

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// Hidden stands for a secret.
const Hidden = "(hidden)"

// Show returns a message for people and logs: without passwords, which follow the name in
// mining.authorize, and without secret, if that is not empty, wherever else it is. Frames
// are in hex.
func (m *Message) Show(secret string) string {
	cut := ""
	if m.Size > len(m.Text) {
		cut = fmt.Sprintf(" ... (%d bytes)", m.Size)
	}
	if len(m.Text) == 0 || m.Text[0] != '{' {
		return hex.EncodeToString(m.Text) + cut
	}
	text := strings.Map(printable, string(bytes.ToValidUTF8(m.Text, []byte("\uFFFD"))))
	var line map[string]json.RawMessage
	err := json.Unmarshal(m.Text, &line)
	switch name, clear := method(line, text); {
	case err == nil && clear && name == "mining.authorize":
		text = withoutPasswords(line)
	case err == nil && clear || !mayAuthorize(text):
	default:
		return "(a line that may have a password in it)" + cut
	}
	if secret != "" {
		text = strings.ReplaceAll(text, secret, Hidden)
	}
	return text + cut
}

// printable replaces what could end the line, or move the cursor.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}

// mayAuthorize reports whether a line that can't be read may be a mining.authorize, however
// it is spelled.
func mayAuthorize(text string) bool {
	return strings.Contains(strings.ToLower(text), "auth") || strings.Contains(text, `\u`)
}

// method returns a line's method in lower case, whatever the case of its key; clear is
// false if there may be several.
func method(line map[string]json.RawMessage, text string) (name string, clear bool) {
	for key, value := range line {
		if strings.EqualFold(key, "method") {
			_ = json.Unmarshal(value, &name) // no text: it is none
		}
	}
	return strings.ToLower(name), strings.Count(strings.ToLower(text), `"method"`) <= 1
}

// withoutPasswords returns a mining.authorize with its name only.
func withoutPasswords(line map[string]json.RawMessage) string {
	out := make(map[string]json.RawMessage)
	for key, value := range line {
		var params []json.RawMessage
		switch {
		case strings.EqualFold(key, "id"), strings.EqualFold(key, "method"):
			out[strings.ToLower(key)] = value
		case !strings.EqualFold(key, "params"):
		case json.Unmarshal(value, &params) != nil:
			out["params"] = json.RawMessage(`"` + Hidden + `"`)
		default:
			for i := 1; i < len(params); i++ {
				params[i] = json.RawMessage(`"` + Hidden + `"`)
			}
			out["params"], _ = json.Marshal(params)
		}
	}
	text, _ := json.Marshal(out) // of what was JSON
	return string(text)
}
