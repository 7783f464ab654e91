package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// take returns the setting at a path; if the file has none, only its path is set.
func (c *converter) take(path string) setting {
	c.taken[path] = true
	if s, ok := c.byPath[path]; ok {
		return s
	}
	return setting{path: path}
}

// needless records which of these settings, if present, need no line.
func (c *converter) needless(list ...setting) {
	for _, s := range list {
		if s.given {
			c.idle = append(c.idle, plainKey(s.path))
		}
	}
}

// lacks records that a setting has no counterpart, and what to do instead.
func (c *converter) lacks(s setting, instead string) {
	c.without = append(c.without, plainKey(s.path)+": "+instead)
}

func (c *converter) problem(s setting, want, try string) {
	c.problems = append(c.problems, s.problem(want, try))
}

// string returns a setting that is a text.
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

// flag returns a setting that is true or false. The C++ BTCAgent also accepted it in
// quotes, in any letter case.
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

// number returns a setting that is a whole number. The C++ BTCAgent also accepted it in
// quotes.
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

// seconds returns a setting that is a number of seconds, or 0 if there is none.
func (c *converter) seconds(s setting) time.Duration {
	const most = 1<<32 - 1 // the limit of BTCAgent's own type
	return time.Duration(c.number(s, 0, 0, most)) * time.Second
}
