// Command tests runs go test with the given arguments, prints what that prints, and
// at the end which tests were skipped, and why: a test that nobody knows to be
// skipped is as good as none. Usage: go run .ci/tests.go ./...
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// event is what go test -json writes: go doc test2json.
type event struct {
	Action, Package, Test, Output string
}

// test is one of a package.
type test struct{ pkg, name string }

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	if goCommand := os.Getenv("GO"); goCommand != "" {
		cmd.Path, cmd.Err = exec.LookPath(goCommand)
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	said, skipped := map[test]string{}, map[string][]string{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20) // of a test that prints without end
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text())
			continue
		}
		take(e, said, skipped)
	}
	err = cmd.Wait()
	report(skipped)
	if err != nil {
		os.Exit(1)
	}
}

// take prints what go test would without -json: of tests only those that failed.
func take(e event, said map[test]string, skipped map[string][]string) {
	this := test{e.Package, e.Test}
	switch {
	case e.Action == "build-output", e.Action == "output" && e.Test == "" && e.Output != "PASS\n":
		fmt.Print(e.Output)
	case e.Action == "output" && !strings.HasPrefix(e.Output, "=== "):
		said[this] += e.Output
	case e.Action == "fail" && e.Test != "":
		fmt.Print(said[this])
	case e.Action == "fail": // the process ended in the middle of these
		for _, test := range unended(said, e.Package) {
			fmt.Print(said[test])
			delete(said, test)
		}
	case e.Action == "skip" && e.Test != "":
		why := e.Package + ": " + reason(said[this])
		skipped[why] = append(skipped[why], e.Test)
	}
	if e.Action == "fail" || e.Action == "skip" || e.Action == "pass" {
		delete(said, this)
	}
}

// unended returns the tests of a package that said something and have not ended, in the
// order of their names.
func unended(said map[test]string, pkg string) (tests []test) {
	for t := range said {
		if t.pkg == pkg {
			tests = append(tests, t)
		}
	}
	slices.SortFunc(tests, func(a, b test) int { return strings.Compare(a.name, b.name) })
	return tests
}

var saidAt = regexp.MustCompile(`^\s*[\w.]+\.go:\d+: `)

// reason is what a test said when it was skipped.
func reason(said string) string {
	for line := range strings.Lines(said) {
		if at := saidAt.FindString(line); at != "" {
			return strings.TrimSpace(line[len(at):])
		}
	}
	return "no reason given"
}

func report(skipped map[string][]string) {
	if len(skipped) == 0 {
		fmt.Println("\nno test was skipped")
		return
	}
	fmt.Println("\nskipped:")
	const most = 3 // names: a database that is not there has fifty tests
	for _, why := range slices.Sorted(maps.Keys(skipped)) {
		names := skipped[why]
		more := ""
		if len(names) > most {
			more = fmt.Sprintf(" and %d more", len(names)-most)
		}
		fmt.Printf("  %s\n      %s%s\n", why, strings.Join(names[:min(most, len(names))], ", "), more)
	}
}
