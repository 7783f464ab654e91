// Package golden compares what tests get with what is recorded under testdata.
//
// If a recording differs, run the test with -rewrite and read the diff. Commit it only if
// you understand the change and intend it.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write into testdata what tests get now")

// Rewriting reports whether recordings are written, not compared.
func Rewriting() bool { return *rewrite }

// Want returns the recording in a file. With -rewrite it is first replaced by got.
func Want(t *testing.T, file, got string) string {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(want)
}

// Compare fails unless got is the recording in a file.
func Compare(t *testing.T, file, got string) {
	t.Helper()
	if Want(t, file, got) != got {
		t.Errorf("%s differs; -rewrite and see the diff. It is now:\n%s", file, got)
	}
}

// Each runs a test for each file that a pattern finds, with its text. There must be some,
// at least least of them: a misspelt pattern tests nothing.
func Each(t *testing.T, pattern string, least int, test func(t *testing.T, file, text string)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < least {
		t.Fatalf("%d files are %s, want %d at least: %v", len(files), pattern, least, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			test(t, file, string(text))
		})
	}
}
