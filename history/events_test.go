package history

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	noted      = regexp.MustCompile(`\b(?:note|remember|event)\("([a-z_]+)"`)
	documented = regexp.MustCompile("`([a-z_]+)`")
)

// Every kind of event that is noted is known, and each that is known is documented.
func TestEventKinds(t *testing.T) {
	files, err := filepath.Glob("../proxy/*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range append(files, "recorder.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range noted.FindAllStringSubmatch(string(text), -1) {
			if n++; !slices.Contains(EventKinds, call[1]) {
				t.Errorf("%s notes a %s, which is not in EventKinds", name, call[1])
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d calls that note an event were found", n)
	}
	text, err := os.ReadFile("../docs/history.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Events\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var kinds []string
	for _, line := range strings.Split(table, "\n") {
		if row := strings.Split(line, "|"); len(row) > 2 {
			for _, kind := range documented.FindAllStringSubmatch(row[1], -1) {
				kinds = append(kinds, kind[1])
			}
		}
	}
	if known := slices.Sorted(slices.Values(EventKinds)); !slices.Equal(known, slices.Sorted(slices.Values(kinds))) {
		t.Errorf("docs/history.md has %v\nEventKinds are %v", kinds, known)
	}
}
