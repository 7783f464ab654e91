package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text replaces what a terminal would obey, or what would reorder or hide the text beside
// it: names come from miners and pools.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '?'
		}
		return r
	}, s)
}

// More ends a text that was cut.
const More = "…"

// Cut returns a text of at most so many bytes, in whole characters, that shows if there was
// more.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most -= len(More); most > 0 && !utf8.RuneStart(s[most]); {
		most--
	}
	return s[:most] + More
}
