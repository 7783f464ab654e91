package notify

import (
	"strings"

	"farmproxy/plain"
)

// cutLines returns a text of at most so many bytes, whole lines of it if there is more than
// one.
func cutLines(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if end := strings.LastIndexByte(text[:most-len(plain.More)], '\n'); end > 0 {
		return text[:end+1] + plain.More
	}
	return plain.Cut(text, most)
}
