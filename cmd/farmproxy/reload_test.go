package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"farmproxy/internal/journal"
)

// watched is what a command writes: a test waits for a text in it.
type watched struct {
	journal.Journal
	wrote chan struct{}
}

func newWatched() *watched { return &watched{wrote: make(chan struct{}, 1)} }

func (w *watched) Write(b []byte) (int, error) {
	w.Journal.Write(b)
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (w *watched) until(t *testing.T, text string) {
	t.Helper()
	for end := time.After(patience); !w.Has(text); {
		select {
		case <-w.wrote:
		case <-end:
			t.Fatalf("it never said %q, but:\n%s", text, w)
		}
	}
}

// runs runs farmproxy by a file until the test ends, and returns its log.
func runs(t *testing.T, file string) (log *watched, stop func()) {
	t.Helper()
	log = newWatched()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- dispatch(ctx, []string{"run", "-c", file}, terminal{out: log, err: log}) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("farmproxy ended with %d:\n%s", code, log)
		}
	})
	t.Cleanup(stop)
	log.until(t, "serving miners")
	return log, stop
}

// An operator's day: a look at what a change would do, a typo, the change, SIGHUP, and a
// restart with another typo in the file.
func TestReloadFromTheCommandLine(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Setenv("STATE_DIRECTORY", "")
	dir, err := os.MkdirTemp("", "fp") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "f.toml")
	write := func(more string) {
		t.Helper()
		text := fmt.Sprintf("state_dir = %q\n[[listener]]\naddress = \"127.0.0.1:0\"\n[[pool]]\nurl = \"stratum+tcp://127.0.0.1:1\"\nuser = \"farm\"\n[http]\naddress = \"\"\n%s", dir, more)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	log, stop := runs(t, file)
	f := func(command string, code int, wants ...string) {
		t.Helper()
		out := newWatched()
		if got := dispatch(t.Context(), append(strings.Fields(command), "-c", file), terminal{out: out, err: out}); got != code {
			t.Errorf("%s ends with %d, want %d", command, got, code)
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s says\n%s\nwant %q", command, out, want)
			}
		}
	}
	f("reload", exitOK, "0 changes")
	write("[log]\nlevel = \"warn\"\n")
	f("check -diff", exitOK, `set log.level from "info" to "warn"`, "1 change")
	f("config", exitOK, `"level": "info"`)
	write("[log]\nlevel = \"lout\"\n")
	f("reload", exitFailed, `f.toml:10: log.level = "lout": expected`, "farmproxy goes on")
	f("reload --json", exitFailed, `"problems":["`)
	write("[miners]\nloops = 3\n")
	f("check -diff", exitFailed, "miners.loops = 3: this can't change")
	write("[log]\nlevel = \"debug\"\n")
	f("reload", exitOK, `set log.level from "info" to "debug"`)
	f("config", exitOK, `"level": "debug"`)

	write("[log]\nlevel = \"info\"\n")
	syscall.Kill(os.Getpid(), syscall.SIGHUP)
	log.until(t, `configuration: set log.level from \"debug\" to \"info\"`)
	stop()

	write("[oops\n")
	log, stop = runs(t, file)
	log.until(t, "f.toml:10: ")
	log.until(t, "level=ERROR msg=\"the configuration is broken")
	f("config", exitOK, `"last_good": true`, `"level": "info"`, file)
	write("[log]\nlevel = \"error\"\n")
	f("reload", exitOK, `set log.level from "info" to "error"`)
	f("config", exitOK, `"last_good": false`)
	stop()
}

// Without a last good one, a broken file is the end.
func TestABrokenFileAtTheFirstStart(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", t.TempDir())
	file := filepath.Join(t.TempDir(), "f.toml")
	if err := os.WriteFile(file, []byte("[oops\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := newWatched()
	if code := dispatch(t.Context(), []string{"run", "-c", file}, terminal{out: out, err: out}); code != exitUnusable || strings.Contains(out.String(), "last one that was good") {
		t.Errorf("%d:\n%s", code, out)
	}
}
