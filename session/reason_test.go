package session

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"testing"
)

// docs/security.md says of each reason what it means and what to do, and of no other.
func TestReasonsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := bytes.Cut(text, []byte("\n## Why a connection was closed\n"))
	if !found {
		t.Fatal("docs/security.md has no table of reasons")
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^|]+ \\| [^|]+ \\|$").FindAllSubmatch(table, -1) {
		documented = append(documented, string(row[1]))
	}
	for _, reason := range Reasons() {
		if !slices.Contains(documented, reason) {
			t.Errorf("%s: docs/security.md does not say what it means and what to do", reason)
		}
	}
	for _, reason := range documented {
		if !slices.Contains(Reasons(), reason) {
			t.Errorf("%s: docs/security.md has it, and there is no such reason", reason)
		}
	}
}
