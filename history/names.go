package history

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxListedName is the longest name that is listed, in bytes: as in the books.
const maxListedName = 256

// numbers is a part of a pattern that stands for numbers: {01-10}.
var numbers = regexp.MustCompile(`\{([0-9]{1,6})-([0-9]{1,6})\}`)

// wrongNumbers is what was meant as numbers, and would be taken for a name.
var wrongNumbers = regexp.MustCompile(`\{[0-9]*-[0-9]*(\}|$)`)

// byteOrderMark is what spreadsheets put before a text in UTF-8.
const byteOrderMark = "\ufeff"

// Names returns the names of a list: one per line, which may be a pattern. What follows a
// comma, a semicolon or a tab on a line is ignored, so that the first column of a CSV file
// can be read, whatever a spreadsheet separates columns with; empty lines and those that
// begin with # are too, and a head that says name or worker.
//
// In a pattern, {1-20} stands for each number from 1 to 20, {01-20} for the same with
// two digits: hall{1-2}-r{01-10} are 20 names. There may be most names in all.
func Names(list string, most int) (names []string, err error) {
	seen := make(map[string]bool)
	for n, line := range strings.Split(strings.TrimPrefix(list, byteOrderMark), "\n") {
		name := strings.TrimSpace(line)
		if end := strings.IndexAny(name, ",;\t"); end >= 0 {
			name = name[:end]
		}
		name = strings.Trim(strings.TrimSpace(name), `"`)
		if name == "" || strings.HasPrefix(name, "#") || n == 0 && (strings.EqualFold(name, "name") || strings.EqualFold(name, "worker")) {
			continue
		}
		if len(name) > maxListedName {
			return nil, fmt.Errorf("line %d: expected a name of up to %d bytes, got %d", n+1, maxListedName, len(name))
		}
		err := expand(name, func(name string) error {
			if len(names) >= most {
				return fmt.Errorf("line %d: expected up to %d names in all; list fewer at a time", n+1, most)
			}
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, errors.New("expected names, one per line, such as farm.rig1 or farm.hall{1-2}-r{01-20}")
	}
	return names, nil
}

// expand calls f for each name that a pattern stands for.
func expand(pattern string, f func(string) error) error {
	at := numbers.FindStringSubmatchIndex(pattern)
	if at == nil {
		if wrong := wrongNumbers.FindString(pattern); wrong != "" {
			return fmt.Errorf("%s: expected numbers of up to 6 digits between braces, such as {01-20}, got %s", pattern, wrong)
		}
		return f(pattern)
	}
	low, high := pattern[at[2]:at[3]], pattern[at[4]:at[5]]
	from, _ := strconv.Atoi(low)
	to, _ := strconv.Atoi(high)
	width := 0
	if strings.HasPrefix(low, "0") {
		width = len(low)
	}
	if from > to {
		return fmt.Errorf("%s: expected a lower number before the dash than after it", pattern)
	}
	for i := from; i <= to; i++ {
		if err := expand(pattern[:at[0]]+fmt.Sprintf("%0*d", width, i)+pattern[at[1]:], f); err != nil {
			return err
		}
	}
	return nil
}
