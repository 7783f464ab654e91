package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/config"
)

// The last good file is kept whole, for farmproxy's user alone, and is no more than one.
func TestKeepGood(t *testing.T) {
	t.Parallel()
	f := startFile(t, ports+poolsText("farm", startPool(t, nil)))
	dir := filepath.Dir(f.file)
	kept := filepath.Join(dir, lastGoodFile)
	for _, text := range []string{"# one\n" + ports + poolsText("farm", startPool(t, nil)), "# two\n" + ports + poolsText("farm", startPool(t, nil))} {
		f.again(text)
		if got, err := os.ReadFile(kept); err != nil || !strings.HasSuffix(string(got), text) {
			t.Errorf("%s, %v, want %s", got, err, text)
		}
	}
	before, _ := os.ReadFile(kept)
	f.refused("[[")
	if got, err := os.ReadFile(kept); err != nil || string(got) != string(before) {
		t.Errorf("after one that is broken: %s, %v", got, err)
	}
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(kept + ".*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A start that finds a broken file has the last good one, if that is still good.
func TestLastGood(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("STATE_DIRECTORY", "")
	f := func(name, kept, text, env string, want bool) {
		t.Helper()
		t.Setenv("STATE_DIRECTORY", env)
		path := filepath.Join(dir, lastGoodFile)
		os.Remove(path)
		if kept != "" {
			if err := os.WriteFile(path, []byte(kept), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file, good, ok := LastGood(t.Context(), config.FileOf("farmproxy.toml", []byte(text)))
		if ok != want || ok && (file.Path() != path || good.Config.Pools[0].User != "farm") {
			t.Errorf("%s: %v, %+v", name, ok, good.Problems)
		}
	}
	const good = ports + "[[pool]]\nurl = \"stratum+tcp://192.0.2.1:3333\"\nuser = \"farm\"\n"
	here := fmt.Sprintf("state_dir = %q\n", dir)
	f("a typo", good, here+"[logs]\n", "", true)
	f("no TOML, where systemd has a state directory", good, "[[", dir, true)
	f("no TOML, but for state_dir", good, here+"[[", "", true)
	f("no TOML, and nobody knows where to look", good, "[[", "", false)
	f("a value that is wrong", good, here+good+"[log]\nlevel = \"loud\"\n", "", true)
	f("none was kept", "", here+"[logs]\n", "", false)
	f("the one that was kept is broken too", "[logs]\n", here+"[logs]\n", "", false)
}

// Where nothing can be kept, farmproxy says so and goes on.
func TestAStateDirectoryThatIsGone(t *testing.T) {
	t.Parallel()
	f := config.FileOf("farmproxy.toml", []byte("x"))
	if err := keepGood(filepath.Join(t.TempDir(), "none"), f); err == nil || !strings.Contains(err.Error(), "last good") {
		t.Errorf("%v", err)
	}
	if err := keepGood("", f); err != nil {
		t.Errorf("without a state directory: %v", err)
	}
}
