package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"farmproxy/session"
	"farmproxy/work"
)

// What the binary carries was built from the source that is here: npm ci and npm run
// build, in this directory, make it so.
func TestThePageIsBuiltFromItsSource(t *testing.T) {
	recorded, err := os.ReadFile("dist/sources")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("src/*")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.js")
	slices.Sort(files)
	var now strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&now, "%x  %s\n", sha256.Sum256(text), name)
	}
	if now.String() != string(recorded) {
		t.Errorf("the source has changed since the page was built: run npm ci && npm run build here. It was built from\n%sand is\n%s", recorded, now.String())
	}
}

// The page is small, and asks no other host for anything.
func TestThePageIsSmallAndAlone(t *testing.T) {
	var all bytes.Buffer
	z := gzip.NewWriter(&all)
	other := regexp.MustCompile(`(?:src|href|url\(|from|import\()\s*[=("' ]*(?:https?:)?//[a-z]`)
	for _, name := range []string{"dist/index.html", "dist/page.js", "dist/page.css"} {
		text, err := Dist.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(text)
		if found := other.Find(text); found != nil {
			t.Errorf("%s asks another host: %s", name, found)
		}
	}
	z.Close()
	if most := 100_000; all.Len() > most {
		t.Errorf("the page has %d bytes, compressed; expected up to %d", all.Len(), most)
	}
}

// Each reason for which a share is rejected is explained in the words of the terminal; each for
// which a connection ends is explained.
func TestEveryReasonIsExplained(t *testing.T) {
	text, err := os.ReadFile("src/words.ts")
	if err != nil {
		t.Fatal(err)
	}
	for v := range work.NumVerdicts {
		name := work.Verdict(v).String()
		if line := "\n  " + name + ": '" + work.Meaning(name) + "',\n"; work.Verdict(v) != work.Accepted && !strings.Contains(string(text), line) {
			t.Errorf("src/words.ts does not explain %s as work/meaning.go does:%s", name, line)
		}
	}
	for _, name := range session.Reasons() {
		if !strings.Contains(string(text), "\n  "+name+": '") {
			t.Errorf("src/words.ts does not explain %s", name)
		}
	}
}

// Figures are written by src/format.ts, whose functions are tested with those of package
// plain: nowhere else does a number get its digits. A path of a drawing is no figure.
func TestFiguresAreWrittenInOnePlace(t *testing.T) {
	files, err := filepath.Glob("src/*.ts*")
	if err != nil {
		t.Fatal(err)
	}
	digits := regexp.MustCompile(`\.to(?:Fixed|Precision|Exponential|LocaleString)\(`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := digits.Find(text); found != nil && name != "src/format.ts" && name != "src/sparks.tsx" {
			t.Errorf("%s has %s: want a function of src/format.ts", name, found)
		}
	}
}
