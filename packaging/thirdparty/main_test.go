package main

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Each component's licenses are listed, and no other file.
func TestList(t *testing.T) {
	f := func(name string, want string, files ...string) {
		t.Helper()
		source := fstest.MapFS{}
		for _, file := range files {
			source[file] = &fstest.MapFile{Data: []byte("text of " + file), Mode: 0o444}
		}
		var out strings.Builder
		err := list(&out, []component{{name, "v1.2.3", fs.FS(source)}})
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), name+" v1.2.3") {
				t.Errorf("%v: %v, want an error that names the component", files, err)
			}
			return
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if text, ok := strings.CutPrefix(line, "text of "); ok {
				got = append(got, strings.TrimSpace(text))
			}
		}
		if err != nil || !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%v: %v, %v, want %s", files, got, err, want)
		}
	}
	f("a.example/m", "LICENSE", "LICENSE", "README.md", "license.go")
	f("a.example/m", "COPYING.txt LICENCE NOTICE", "LICENCE", "COPYING.txt", "NOTICE")
	f("a.example/m", "LICENSE licenses/LICENSE-other", "LICENSE", "licenses/LICENSE-other", "licensed")
	f("a.example/m", "LICENSE", "LICENSE", "testdata/LICENSE", "vendor/b/LICENSE")
	f("Go", "LICENSE", "LICENSE", "src/cmd/LICENSE")
	f("a.example/m", "", "README.md", "testdata/LICENSE")
}

// A binary names its own modules: here, those of this test.
func TestLinkedReadsTheBinary(t *testing.T) {
	if _, err := linked("main.go"); err == nil {
		t.Error("a file that is no binary gave no error")
	}
}
