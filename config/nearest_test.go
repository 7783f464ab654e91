package config

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	f := func(key, candidates, want string) {
		t.Helper()
		if got := Nearest(key, strings.Fields(candidates)); got != want {
			t.Errorf("%s of %s: %q, want %q", key, candidates, got, want)
		}
	}
	f("warning", "error warn", "warn")
	f("dificulty", "difficulty failover", "difficulty")
	f("Lnks", "links listener", "links")
	f("ilnks", "links", "links") // two swapped letters are one slip
	f("lint", "links", "")       // two of five make another word
	f("sha256f", "scrypt sha256 sha256d", "sha256")
	f("sha2566", "scrypt sha256d", "sha256d")
	f("", "a b", "")
}
