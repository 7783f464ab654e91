package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// unknownKey is the problem of a key that the table does not have. It suggests the
// nearest key of that table, or the table where the key belongs.
func unknownKey(path, key string, table reflect.Type) Problem {
	place := "in " + path
	if path == "" {
		place = "at the top of the file"
	}
	p := Problem{Key: join(path, key), Want: "no such key " + place}
	near, far := nearest(key, keysOf(table)), homes(key)
	switch {
	case near != "":
		p.Try = near
	case len(far) > 0:
		p.Try = "it under " + strings.Join(far, " or ")
	default:
		p.Want += ", only " + strings.Join(keysOf(table), ", ")
	}
	return p
}

func keysOf(table reflect.Type) []string {
	keys := make([]string, table.NumField())
	for i := range keys {
		keys[i] = table.Field(i).Tag.Get("toml")
	}
	return keys
}

// homes returns the tables that have such a key, in their brackets.
func homes(key string) []string { return homesIn(key, "", reflect.TypeFor[Config]()) }

// homesIn returns those among a table, which is at path, and the tables in it.
func homesIn(key, path string, table reflect.Type) (found []string) {
	if slices.Contains(keysOf(table), key) && path == "" {
		found = append(found, "no table, at the top of the file")
	}
	for i := range table.NumField() {
		f := table.Field(i)
		inner, brackets := f.Type, "[%s]"
		if inner.Kind() == reflect.Slice {
			inner, brackets = inner.Elem(), "[[%s]]"
		}
		if inner.Kind() != reflect.Struct {
			continue
		}
		at := join(path, f.Tag.Get("toml"))
		if slices.Contains(keysOf(inner), key) {
			found = append(found, fmt.Sprintf(brackets, at))
		}
		if brackets == "[[%s]]" {
			found = append(found, homesIn(key, at, inner)...)
		}
	}
	return found
}

// Nearest returns the candidate that key was most likely meant to be, or "" if none is
// near.
func Nearest(key string, candidates []string) string { return nearest(key, candidates) }

// nearest returns the candidate that key was most likely meant to be: one that key
// begins with (warning, warn), or else the one with the fewest edits, at most a third
// of its letters. It returns "" if none is near.
func nearest(key string, candidates []string) string {
	best, fewest := "", len(key)+1
	for _, c := range candidates {
		if strings.HasPrefix(key, c) {
			return c
		}
		n := edits(strings.ToLower(key), c)
		if n < fewest && 3*n <= max(len(c), 3) {
			best, fewest = c, n
		}
	}
	return best
}

// edits counts the letters to insert, delete, replace or swap with their neighbour to
// turn a into b.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
