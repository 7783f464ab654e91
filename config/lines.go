package config

import (
	"fmt"
	"strings"
)

// keyLines maps each key and table of a TOML text to its line, by the paths that
// problems use. The parser keeps no positions for keys in a list of tables, so this
// reads the text a second time, for headers and "key =" only. The parser must have
// accepted the text; what keyLines does not see (the inside of an inline table) has no
// line of its own.
func keyLines(text string) map[string]int {
	lines := make(map[string]int)
	count := make(map[string]int) // per [[list]]
	table, quote := "", ""
	n := 0
	for line := range strings.Lines(text) {
		n++
		if quote != "" { // inside a multi-line string
			if strings.Contains(line, quote) {
				quote = ""
			}
			continue
		}
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "[["):
			list, _, _ := strings.Cut(line[2:], "]")
			list = bareKey(list)
			count[list]++
			table = fmt.Sprintf("%s[%d]", list, count[list])
			note(lines, list, n)
			note(lines, table, n)
		case strings.HasPrefix(line, "["):
			name, _, _ := strings.Cut(line[1:], "]")
			table = bareKey(name)
			note(lines, table, n)
		case !strings.HasPrefix(line, "#"):
			key, value, ok := strings.Cut(line, "=")
			if ok {
				note(lines, join(table, bareKey(key)), n)
				quote = openQuote(value)
			}
		}
	}
	return lines
}

// note keeps the first line of a key: a second one is the file's own mistake, which the
// parser has reported.
func note(lines map[string]int, key string, n int) {
	if lines[key] == 0 {
		lines[key] = n
	}
}

// bareKey returns a key, possibly dotted, without its spaces and quotes.
func bareKey(key string) string {
	return strings.NewReplacer(" ", "", "\t", "", `"`, "", "'", "").Replace(key)
}

// openQuote returns the quote that ends a string begun but not ended in value.
func openQuote(value string) string {
	for _, quote := range []string{`"""`, `'''`} {
		if strings.Count(value, quote)%2 == 1 {
			return quote
		}
	}
	return ""
}

func join(table, key string) string {
	if table == "" {
		return key
	}
	return table + "." + key
}
