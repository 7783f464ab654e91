package notify

import (
	"strings"
	"unicode/utf8"
)

// ends is what a text that was cut ends in.
const ends = "..."

// cut returns a text of at most so many bytes, whole characters of it.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	most -= len(ends)
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + ends
}

// cutLines returns a text of at most so many bytes, whole lines of it if there is more than
// one.
func cutLines(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if end := strings.LastIndexByte(text[:most-len(ends)], '\n'); end > 0 {
		return text[:end+1] + ends
	}
	return cut(text, most)
}
