package alert

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the rules into docs/alerts.md")

// document has a table of the rules, which is made from them.
const (
	document = "../docs/alerts.md"
	head     = "| rule | it holds when | for | severity |\n|---|---|---|---|\n"
)

// The rules are documented as they are.
func TestRulesAreDocumented(t *testing.T) {
	var rows strings.Builder
	for i := range Rules {
		r := &Rules[i]
		what := r.What
		if r.Threshold != 0 {
			what = strings.ReplaceAll(what, "%g", "**"+strconv.FormatFloat(r.Threshold, 'g', -1, 64)+"**")
		}
		lasts := "at once"
		if r.For > 0 {
			lasts = fmt.Sprintf("%g min", r.For.Minutes())
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", r.Name, what, lasts, r.Severity)
	}
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	before, rest, found := strings.Cut(text, head)
	_, after, ends := strings.Cut(rest, "\n\n")
	if strings.HasPrefix(rest, "\n") {
		after, ends = rest[1:], true
	}
	if !found || !ends {
		t.Fatalf("%s has no table of rules", document)
	}
	want := before + head + rows.String() + "\n" + after
	if *rewrite {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text != want {
		t.Errorf("%s is not as the rules are: go test ./alert -rewrite, and read the difference", document)
	}
}

// A rule is complete, and has a name of its own.
func TestRules(t *testing.T) {
	names := make(map[string]bool)
	for i := range Rules {
		r := &Rules[i]
		if names[r.Name] || r.What == "" || r.Do == "" || r.find == nil || r.over == nil || r.For > time.Hour {
			t.Errorf("%+v", r)
		}
		if (r.Threshold != 0) != (r.Unit != "") || (r.Threshold != 0) != strings.Contains(r.What, "%g") {
			t.Errorf("%s: threshold %v, unit %q, in words %q", r.Name, r.Threshold, r.Unit, r.What)
		}
		names[r.Name] = true
	}
	for _, name := range ofWorkers {
		if !names[name] {
			t.Errorf("%s is no rule", name)
		}
	}
}
