package plain

import "testing"

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
