package history

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, x := range []struct{ list, want string }{
		{"a\nb\n", "a b"},
		{"name,hall,ip\nfarm.a,1,10.0.0.1\r\n\"farm.b\",2,\n# no worker\n\nfarm.a", "farm.a farm.b"},
		{"r{8-10}", "r8 r9 r10"},
		{"r{08-10}", "r08 r09 r10"},
		{"h{1-2}-r{01-02}", "h1-r01 h1-r02 h2-r01 h2-r02"},
		{"r{a-b}", "r{a-b}"},
		{"\ufeffname;hall\r\nfarm.a;1\r\n", "farm.a"},
		{"Worker\thall\nfarm.a\t1\n\tfarm.b", "farm.a farm.b"},
		{"r{1-2", "error: r{1-2: expected numbers of up to 6 digits between braces, such as {01-20}, got {1-2"},
		{"r{1-9999999}", "error: r{1-9999999}: expected numbers of up to 6 digits"},
		{"h{1-2}-r{1-}", "error: h1-r{1-}: expected numbers"},
		{"", "error: expected names, one per line"},
		{"r{2-1}", "error: r{2-1}: expected a lower number before"},
		{"a\nr{1-200}", "error: line 2: expected up to 100 names in all"},
		{strings.Repeat("x", 257), "error: line 1: expected a name of up to 256 bytes"},
		{"r{1-999999}{1-999999}{1-999999}", "error: line 1: expected up to 100"},
	} {
		names, err := Names(x.list, 100)
		got := strings.Join(names, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != x.want && !(strings.HasPrefix(x.want, "error") && strings.HasPrefix(got, x.want)) {
			t.Errorf("%.40q: %s, want %s", x.list, got, x.want)
		}
	}
}
