package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// baseText is a file with a pool and a key that no overlay has.
const baseText = "[[listener]]\naddress = \"0.0.0.0:3333\"\n\n[[pool]]\nname = \"a\"\nurl = \"stratum+tcp://192.0.2.1:3333\"\nuser = \"farm\"\npassword = \"secret\"\n[miners]\nmax = 5\n"

var overlaidAt = time.Date(2026, 11, 26, 16, 30, 0, 0, time.UTC)

// lists reads pools and routes as a client sends them.
func lists(t *testing.T, text string) (l Lists) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// laid returns a file under the overlay that lists make.
func laid(t *testing.T, text string) (*File, Problems) {
	t.Helper()
	f := FileOf("farm.toml", []byte(baseText))
	now, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	o, problems := MakeOverlay("overlay.toml", lists(t, text), now, "ann", overlaidAt)
	if o == nil {
		return nil, problems
	}
	return f.Over(o), problems
}

// An overlay takes the place of the file's pools and routes, is written as people write
// them, and reads as what was asked for.
func TestAnOverlay(t *testing.T) {
	const asked = `{
		"pool": [
			{"name": "b", "url": "stratum+tls://192.0.2.2:3333", "user": "farm", "password": "q\"'\\d=8", "links": 2, "suggest_difficulty": 1024},
			{"name": "a", "url": "stratum+tcp://192.0.2.1:3333", "user": "farm", "password": "***", "workers": "aggregate", "user_agent": null}],
		"route": [{"name": "hall", "goal": [
			{"name": "main", "weight": 70, "pools": ["a", "b"], "schedule": [{"days": "sat,sun", "from": "22:00", "to": "06:00", "zone": "UTC", "weight": 0}]},
			{"name": "rest", "weight": 30.5, "pools": ["b"]}]}]}`
	const written = `by = "ann"
since = 2026-11-26T16:30:00Z

[[pool]]
name = "b"
url = "stratum+tls://192.0.2.2:3333"
user = "farm"
password = "q\"'\\d=8"
links = 2
suggest_difficulty = 1024

[[pool]]
name = "a"
url = "stratum+tcp://192.0.2.1:3333"
user = "farm"
password = "secret"

[[route]]
name = "hall"

[[route.goal]]
name = "main"
weight = 70
pools = ["a", "b"]

[[route.goal.schedule]]
days = "sat,sun"
from = "22:00"
to = "06:00"
zone = "UTC"
weight = 0

[[route.goal]]
name = "rest"
weight = 30.5
pools = ["b"]
`
	f, problems := laid(t, asked)
	if f == nil {
		t.Fatal(problems)
	}
	if got := string(f.Overlay().Text()); !strings.HasSuffix(got, written) {
		t.Errorf("written:\n%s\nwant\n%s", got, written)
	}
	c, problems := f.Check()
	if errs, _ := problems.Split(); len(errs) > 0 {
		t.Fatal(errs)
	}
	want, err := Parse([]byte(strings.Split(baseText, "[[pool]]")[0] + strings.SplitN(written, "\n", 3)[2] + "[miners]\nmax = 5\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant\n%+v", c, want)
	}
	if said := problems.Error(); !strings.HasPrefix(said, "farm.toml:4: warning: pool: ") || !strings.Contains(said, "set over the API by ann at 2026-11-26T16:30:00Z") {
		t.Errorf("the file is not said to be without effect: %q", said)
	}
	path := filepath.Join(t.TempDir(), "overlay.toml")
	if err := os.WriteFile(path, f.Overlay().Text(), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := f.Over(OpenOverlay(path, true)).Config()
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("read again: %+v, %v", again, err)
	}
	if before, err := f.Over(nil).Config(); err != nil || before.Pools[0].Name != "a" || len(before.Routes) > 0 {
		t.Errorf("without it: %+v, %v", before, err)
	}
}

// What can't be understood is said by its key.
func TestAnOverlayThatIsRefused(t *testing.T) {
	for _, c := range []struct{ lists, want string }{
		{`{"pool": [{"url": "stratum+tcp://192.0.2.1:3333", "user": "x", "passwort": "y"}]}`, `pool[1].passwort`},
		{`{"pool": [{"url": 5}]}`, `pool[1].url = 5: expected a string`},
		{`{"pool": [{"name": "new", "url": "stratum+tcp://192.0.2.9:3333", "user": "x", "password": "***"}]}`, `pool[1].password: *** keeps`},
		{`{"pool": [{"name": "a", "links": 1.5}]}`, `pool[1].links = 1.5: expected a whole number`},
		{`{"route": [{"name": "r", "goal": {"name": "g"}}]}`, `route[1].goal: expected a list of tables`},
	} {
		if f, problems := laid(t, c.lists); f != nil || !strings.Contains(problems.Error(), c.want) {
			t.Errorf("%s: %v", c.lists, problems)
		}
	}
}

// A problem of what lists mean is found where they are kept, and one of the rest in the file.
func TestProblemsUnderAnOverlay(t *testing.T) {
	for _, c := range []struct{ lists, want string }{
		{`{"pool": [{"name": "n", "url": "pool.example:3333", "user": "x"}]}`, `overlay.toml:8: pool[1].url = "pool.example:3333": expected stratum+tcp://`},
		{`{"pool": []}`, `pool: expected at least one pool`},
		{`{"pool": [{"name": "n", "url": "stratum+tcp://192.0.2.1:3333", "user": "x"}], "route": [{"name": "r", "goal": [{"name": "g", "pools": ["m"]}]}]}`, `overlay.toml:16: route[1].goal[1].pools[1] = "m": no [[pool]] has this name`},
	} {
		f, problems := laid(t, c.lists)
		if f == nil {
			t.Fatal(problems)
		}
		if _, err := f.Config(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.lists, err, c.want)
		}
	}
	f, _ := laid(t, `{"pool": [{"name": "n", "url": "stratum+tcp://192.0.2.1:3333", "user": "x"}]}`)
	broken := FileOf("farm.toml", []byte(baseText+"answer = \"never\"\n")).Over(f.Overlay())
	if _, err := broken.Config(); err == nil || !strings.Contains(err.Error(), `farm.toml:11: miners.answer = "never"`) {
		t.Errorf("%v", err)
	}
	elsewhere := f.Place(Problems{{Key: "pool[1].url", Want: "it is down"}, {Key: "miners.max", Want: "too few"}})
	if said := elsewhere.Error(); !strings.Contains(said, "overlay.toml:8: pool[1].url: it is down") || !strings.Contains(said, "farm.toml:10: miners.max: too few") {
		t.Errorf("%v", said)
	}
}

// An overlay that is broken, by whoever edited it, is a problem of the file.
func TestABrokenOverlay(t *testing.T) {
	f := FileOf("farm.toml", []byte(baseText))
	for _, c := range []struct{ text, want string }{
		{"[[pool", "overlay.toml:1: "},
		{"by = \"ann\"\n[miners]\nmax = 1\n", "overlay.toml:2: miners: expected only [[pool]] and [[route]]"},
		{"by = 5\n", "overlay.toml"},
	} {
		_, err := f.Over(readOverlay("overlay.toml", []byte(c.text))).Config()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
	// Whatever is wrong with one of them, the other's problems are its own.
	both := FileOf("farm.toml", []byte(baseText+"answer = \"never\"\n"))
	for _, c := range []struct{ text, want string }{
		{"[[pool", "farm.toml:11: miners.answer|overlay.toml:1: "},
		{"x = 1\n[[pool]]\nurl = \"nowhere\"\nuser = \"u\"\n", "farm.toml:11: miners.answer|overlay.toml:1: x|overlay.toml:3: pool[1].url"},
	} {
		_, problems := both.Over(readOverlay("overlay.toml", []byte(c.text))).Check()
		errors, _ := problems.Split()
		var got []string
		for _, p := range errors {
			got = append(got, fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Key))
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.text, s, c.want)
		}
		if s := strings.Join(problems.Files(), " "); s != "farm.toml overlay.toml" {
			t.Errorf("%s: files %s", c.text, s)
		}
	}
	dir := t.TempDir()
	if o := OpenOverlay(filepath.Join(dir, "none"), true); o != nil {
		t.Errorf("an overlay out of nothing: %+v", o)
	}
	if _, err := f.Over(OpenOverlay(dir, true)).Config(); err == nil || !strings.Contains(err.Error(), "can't be read") {
		t.Errorf("a directory: %v", err)
	}
	if _, problems := f.Over(OpenOverlay(dir, false)).Check(); len(problems) != 1 || !problems[0].Warning {
		t.Errorf("a directory, which check is not allowed to read: %v", problems)
	}
}
