package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"farmproxy/internal/golden"
)

// Each file under testdata/braiins has beside it its conversion, or word for word what an
// operator is told about it.
func TestBraiinsFiles(t *testing.T) {
	for _, path := range mustGlob(t, "testdata/braiins/*.braiins") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := fromBraiins(mustRead(t, path), path)
			recorded, got := strings.TrimSuffix(path, ".braiins")+".toml", text
			if err != nil {
				recorded = strings.TrimSuffix(path, ".braiins") + ".problems"
				got = strings.ReplaceAll(err.Error(), path, filepath.Base(path)) + "\n"
			}
			golden.Compare(t, recorded, got)
		})
	}
}

// A routing is a route: the same goals with the same weights, and the targets of their
// levels in order. In the templates nothing differs.
func TestARoutingIsARoute(t *testing.T) {
	text, err := fromBraiins(mustRead(t, "testdata/braiins/split.braiins"), "")
	if err != nil {
		t.Fatal(err)
	}
	c := mustParse(t, text)
	want := []Route{{Name: "main", Goals: []Goal{
		{Name: "Goal EU", Weight: 70, Pools: []string{"Pool EU", "Pool"}},
		{Name: "Goal US", Weight: 30, Pools: []string{"Pool US", "Pool"}},
	}}}
	wantEqual(t, &Config{Routes: c.Routes}, &Config{Routes: want})
	for i, want := range []string{"0.0.0.0:3333", "0.0.0.0:3334"} {
		if l := c.Listeners[i]; l.Address != want || l.Route != "main" {
			t.Errorf("%+v, want %s", l, want)
		}
	}
	if p := c.Pool("Pool EU"); p.User != "farm" || p.Workers != WorkersPass {
		t.Errorf("%+v, and the pool is to see each worker", p)
	}
	if p := c.Pool("Pool US"); p.User != "farm.edge" || p.Workers != WorkersAggregate {
		t.Errorf("%+v", p)
	}
}

// Everything in the old file can be found in the new one.
func TestNoKeyOfBraiinsIsDropped(t *testing.T) {
	for _, path := range mustGlob(t, "testdata/braiins/*.braiins") {
		old := mustRead(t, path)
		text, err := fromBraiins(old, path)
		if err != nil {
			continue
		}
		var tree map[string]any
		if _, err := toml.Decode(old, &tree); err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "\n# ", " ")
		for _, key := range keysOfTOML("", tree) {
			if !strings.Contains(text, key) && !strings.HasPrefix(key, "server[3].") { // the whole server is left out
				t.Errorf("%s: nothing is said of %s:\n%s", path, key, text)
			}
		}
	}
}

// docs/migrating.md says what became of each key.
func TestEveryKeyOfBraiinsIsDocumented(t *testing.T) {
	_, text, _ := strings.Cut(mustRead(t, "../docs/migrating.md"), "## From Braiins Farm Proxy")
	for table, keys := range braiinsKeys {
		for key := range keys {
			if shown := "`" + key + "`"; key != "server" && key != "target" && key != "routing" && key != "goal" && key != "level" && !strings.Contains(text, shown) {
				t.Errorf("%s in [[%s]]: not in docs/migrating.md", shown, table)
			}
		}
	}
}

// keysOfTOML returns the paths of all keys that are no tables.
func keysOfTOML(table string, tree map[string]any) (paths []string) {
	for key, value := range tree {
		path := join(table, key)
		list, ok := listOfTables(value)
		if !ok {
			paths = append(paths, path)
		}
		for i, inner := range list {
			paths = append(paths, keysOfTOML(fmt.Sprintf("%s[%d]", path, i+1), inner)...)
		}
	}
	return paths
}

// Lines of a file that is right without them, and what becomes of them.
func TestBraiinsOptions(t *testing.T) {
	f := func(table, line string, want ...string) {
		t.Helper()
		old := strings.Replace(mustRead(t, "testdata/braiins/minimal.braiins"), "[["+table+"]]\n", "[["+table+"]]\n"+line+"\n", 1)
		key, _, _ := strings.Cut(line, " ")
		lines := strings.SplitAfter(old, "\n")
		for i, l := range lines {
			if strings.HasPrefix(l, key+" ") && !strings.HasPrefix(l, line) { // what the line replaces
				lines[i] = ""
			}
		}
		text, err := fromBraiins(strings.Join(lines, ""), "f")
		if err != nil {
			text = err.Error()
		}
		for _, part := range want {
			part, not := strings.CutPrefix(part, "not ")
			if strings.Contains(strings.ReplaceAll(text, "\n#   ", " "), part) == not {
				t.Errorf("%s: want %s %q in\n%s", line, map[bool]string{true: "no", false: "a"}[not], part, text)
			}
		}
	}
	f("server", "submission_rate = 0.5", "shares_per_minute = 30  # server[1].submission_rate")
	f("server", "submission_rate = 0", "f:4: server[1].submission_rate = 0: expected a number above 0 and up to 6000")
	f("server", "extranonce_size = 2", "# - server[1].extranonce_size: farmproxy takes the extranonce that each pool gives")
	f("server", "validates_hash_rate = false", "# - server[1].validates_hash_rate: farmproxy always checks every share")
	f("server", "prt = 1", "check the spelling:\n# - server[1].prt\n")
	f("target", "aggregation = 10", "# - target[1].aggregation: one link carries up to 65,536 miners; links in [[pool]] opens more")
	f("target", "identity_pass_through = true", `workers = "pass"  # target[1].identity_pass_through`, `user = "farm"  # target[1].user_identity`, "The worker edge in")
	f("target", "identity_pass_through = false", "not workers =", `user = "farm.edge"`, ": not needed: farmproxy does this by default")
	f("target", `url = "stratum+tcp://[2001:db8::1]"`, `url = "stratum+tcp://[2001:db8::1]:3333"`)
	f("target", `url = "stratum+ssl://pool.example:443"`, `f:8: target[1].url = "stratum+ssl://pool.example:443": expected stratum+tcp://host:port`, `try "stratum+tls://pool.example:443"`)
	f("target", `url = "stratum+tcp://farm:hunter2@pool.example"`, "without a user before the host", "not hunter2")
	f("target", `user_identity = ""`, `f:8: target[1].user_identity = "": required: the farm's account at the pool`)
	f("routing.goal", "hr_weight = 0.5", "weight = 0.5  # routing[1].goal[1].hr_weight")
	f("routing.goal", "hr_weight = 0", "f:17: routing[1].goal[1].hr_weight = 0: expected a goal with a weight above 0")
	f("server", "port = 3333.5", "f:4: server[1].port = 3333.5: expected a whole number from 1 to 65535")
	f("routing", `from = "S1"`, `f:13: routing[1].from = "S1": expected a list with the names of [[server]]; try ["S1"]`, "not listener")
}

// Whatever a file holds, it becomes a valid configuration, the same one each time, or there
// are Problems.
func FuzzBraiins(f *testing.F) {
	for _, name := range []string{"everything", "wrong", "written_by_a_program", "no_routing"} {
		text, err := os.ReadFile("testdata/braiins/" + name + ".braiins")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, old string) {
		text, err := fromBraiins(old, "")
		if err != nil {
			if ps, ok := err.(Problems); !ok || len(ps) == 0 || err.Error() == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		if again, _ := fromBraiins(old, ""); again != text {
			t.Fatalf("once:\n%s\nand then:\n%s", text, again)
		}
		if _, err := Parse([]byte(text)); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	})
}

func fromBraiins(text, path string) (string, error) {
	converted, err := FileOf(path, []byte(text)).FromBraiins()
	return string(converted), err
}
