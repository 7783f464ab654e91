package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Pools that were set over the API hold over a start, are shown wherever somebody looks, and
// are removed.
func TestOverlayFromTheCommandLine(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Setenv("STATE_DIRECTORY", "")
	dir, err := os.MkdirTemp("", "fp") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file, overlay := filepath.Join(dir, "f.toml"), filepath.Join(dir, "overlay.toml")
	pool := func(name string) string {
		return "[[pool]]\nname = \"" + name + "\"\nurl = \"stratum+tcp://127.0.0.1:1\"\nuser = \"farm\"\npassword = \"s3cret\"\n"
	}
	text := fmt.Sprintf("state_dir = %q\n[[listener]]\naddress = \"127.0.0.1:0\"\n[http]\naddress = \"\"\n", dir) + pool("old")
	laid := "by = \"ann at 10.0.0.1\"\nsince = 2026-11-26T16:30:00Z\n" + pool("new")
	for path, text := range map[string]string{file: text, overlay: laid} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, stop := runs(t, file)
	log.until(t, "[[pool]] and [[route]] have no effect here")
	f := func(command string, wants ...string) {
		t.Helper()
		out := newWatched()
		if code := dispatch(t.Context(), append(strings.Fields(command), "-c", file), terminal{out: out, err: out}); code != exitOK {
			t.Errorf("%s ends with %d", command, code)
		}
		for _, want := range append(wants, "") {
			if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "s3cret") {
				t.Errorf("%s says\n%s\nwant %q", command, out, want)
			}
		}
	}
	f("overlay", "pools and routes: set over the API by ann at 10.0.0.1, since 2026-11-26", "in "+overlay, "pool[1]   new, stratum+tcp://127.0.0.1:1")
	f("status", "pools, routes", "set over the API by ann")
	f("config", `"by": "ann at 10.0.0.1"`, `"name": "new"`)
	f("check", "warning: pool: [[pool]] and [[route]] have no effect here", "pool[1]   new, ")
	f("check -diff", "0 changes")
	f("reload", "0 changes")
	f("overlay -remove -dry-run", "remove pool new", "add pool old", "2 changes would be made")
	f("overlay", "set over the API by ann")
	f("overlay -remove", "remove pool new", "2 changes")
	f("overlay", "pools and routes: those of the configuration file", "pool[1]   old, ")
	if _, err := os.Stat(overlay); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	stop()
	out := newWatched()
	if code := dispatch(t.Context(), []string{"overlay", "-dry-run", "-c", file}, terminal{out: out, err: out}); code != exitMisused || !strings.Contains(out.String(), "-dry-run is for -remove") {
		t.Errorf("%d: %s", code, out)
	}
}
