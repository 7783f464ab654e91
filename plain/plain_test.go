package plain

import (
	"testing"
	"time"
)

// Miners and pools choose names: what a terminal would obey is not printed.
func TestText(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := Text(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	f("farm.rig1", "farm.rig1")
	f("Ферма.1", "Ферма.1")
	f("a\x1b[2Jb\nc\x07", "a?[2Jb?c?")
	f("a\u009bb\xffc", "a?b?c")
	f("a\u202eb\u200bc\u2028d", "a?b?c?d")
}

func TestAge(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := Age(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	f(-time.Second, "0 s")
	f(99*time.Second, "99 s")
	f(5*time.Minute, "5 min")
	f(3*time.Hour, "3 h")
	f(30*24*time.Hour, "30 d")
}

func TestCount(t *testing.T) {
	f := func(n uint64, want string) {
		t.Helper()
		if got := Count(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	f(0, "0")
	f(999, "999")
	f(1000, "1,000")
	f(1234567, "1,234,567")
}

func TestSeveral(t *testing.T) {
	f := func(n int, want string) {
		t.Helper()
		if got := Several(n, "miner"); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	f(0, "0 miners")
	f(1, "1 miner")
	f(2000, "2,000 miners")
}

func TestNumber(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		if got := Number(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	f(0, "0")
	f(1048576, "1048576")
	f(70.5, "70.5")
	f(5.960464477539063e-08, "5.96e-08")
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		text string
		most int
		want string
	}{
		{"", 5, ""},
		{"short", 5, "short"},
		{"longer", 5, "lo…"},
		{"äöü", 5, "ä…"},
		{"äöüß", 6, "ä…"}, // no half of a character
	} {
		if got := Cut(x.text, x.most); got != x.want {
			t.Errorf("%q, %d: %q, want %q", x.text, x.most, got, x.want)
		}
	}
}
