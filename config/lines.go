package config

import (
	"fmt"
	"strings"
)

// keyLines tells on which line each key and table of a TOML text stands, by
// the paths that problems have. The parser keeps no positions for keys in a
// list of tables, so this reads the text a second time, for headers and
// "key =" only. It is meant for text that the parser has accepted; what it
// does not see (the inside of an inline table) has no line of its own.
func keyLines(text string) map[string]int {
	lines := make(map[string]int)
	count := make(map[string]int) // of each [[list]]
	table, quote := "", ""
	n := 0
	for line := range strings.Lines(text) {
		n++
		if quote != "" { // inside a string of several lines
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

// note keeps the first line of a key: where a second one exists it is the
// file's own mistake, and the parser has told so.
func note(lines map[string]int, key string, n int) {
	if lines[key] == 0 {
		lines[key] = n
	}
}

// bareKey is a key, dotted perhaps, without the spaces and quotes it may have.
func bareKey(key string) string {
	return strings.NewReplacer(" ", "", "\t", "", `"`, "", "'", "").Replace(key)
}

// openQuote is the mark that ends a string begun but not ended in value.
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
