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
	lists := make(map[string]int) // how many tables each list has so far
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
			name, _, _ := strings.Cut(line[2:], "]")
			list := tableOf(lists, bareKey(name))
			lists[list]++
			table = fmt.Sprintf("%s[%d]", list, lists[list])
			note(lines, list, n)
			note(lines, table, n)
		case strings.HasPrefix(line, "["):
			name, _, _ := strings.Cut(line[1:], "]")
			table = tableOf(lists, bareKey(name))
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

// tableOf returns the path of the table or list in a header: [[route.goal]] is in the last
// [[route]] before it.
func tableOf(lists map[string]int, header string) string {
	outer, name, nested := cutLast(header)
	if !nested {
		return header
	}
	return join(inLast(lists, tableOf(lists, outer)), name)
}

// inLast returns the last table of a list so far; a path that is no list is a table.
func inLast(lists map[string]int, path string) string {
	if n := lists[path]; n > 0 {
		return fmt.Sprintf("%s[%d]", path, n)
	}
	return path
}

// cutLast cuts a key before its last part.
func cutLast(key string) (outer, last string, nested bool) {
	dot := strings.LastIndexByte(key, '.')
	if dot < 0 {
		return "", key, false
	}
	return key[:dot], key[dot+1:], true
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
