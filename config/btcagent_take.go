package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// take returns the setting of a path, with nothing but the path where the file
// has none.
func (c *converter) take(path string) setting {
	c.taken[path] = true
	if s, ok := c.byPath[path]; ok {
		return s
	}
	return setting{path: path}
}

// needless notes that settings need no line, those of them that are there.
func (c *converter) needless(list ...setting) {
	for _, s := range list {
		if s.given {
			c.idle = append(c.idle, plainKey(s.path))
		}
	}
}

// lacks notes that a setting has no counterpart, and what to do instead.
func (c *converter) lacks(s setting, instead string) {
	c.without = append(c.without, plainKey(s.path)+": "+instead)
}

func (c *converter) problem(s setting, want, try string) {
	c.problems = append(c.problems, s.problem(want, try))
}

// string is a setting that is a text.
func (c *converter) string(s setting, standard string) string {
	switch v := s.value.(type) {
	case nil:
		return standard
	case string:
		return v
	}
	c.problem(s, "expected a string", "quotes around it")
	return standard
}

// flag is a setting that is true or false. The C++ BTCAgent took it in quotes
// too, in any letter case.
func (c *converter) flag(s setting, standard bool) bool {
	switch v := s.value.(type) {
	case nil:
		return standard
	case bool:
		return v
	case string:
		switch strings.ToLower(v) {
		case "true":
			return true
		case "false":
			return false
		}
	}
	c.problem(s, "expected true or false, without quotes", strconv.FormatBool(standard))
	return standard
}

// number is a setting that is a whole number. The C++ BTCAgent took it in quotes
// too.
func (c *converter) number(s setting, standard, low, high int) int {
	text := ""
	switch v := s.value.(type) {
	case nil:
		return standard
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		c.problem(s, fmt.Sprintf("expected a whole number from %d to %d", low, high), strconv.Itoa(standard))
		return standard
	}
	return n
}

// seconds is a setting that is a number of seconds; 0 where there is none.
func (c *converter) seconds(s setting) time.Duration {
	const most = 1<<32 - 1 // of what BTCAgent held it in
	return time.Duration(c.number(s, 0, 0, most)) * time.Second
}
