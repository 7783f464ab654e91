package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/admin"
	"farmproxy/config"
)

// A farmproxy without HTTP answers over its socket, which is gone when it has stopped.
func TestStatusWithoutHTTP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, stop := launch(t, testLog{t}, func(c *config.Config) { c.HTTP.Address, c.StateDir = "", dir }, nil, startPool(t, nil))
	connect(t, p.server.Addresses()[0]).work("farm.rig")
	socket := filepath.Join(dir, "admin.sock")
	text, err := admin.Do(t.Context(), socket, "status", nil, nil)
	var status struct {
		PID    int
		Miners int
	}
	if err = errors.Join(err, json.Unmarshal(text, &status)); err != nil || status.PID != os.Getpid() || status.Miners != 1 {
		t.Errorf("%s, %v", text, err)
	}
	stop()
	if _, err := os.Stat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket's file after the stop: %v", err)
	}
}

// A socket that the configuration asks for is needed; one that farmproxy would like to
// have is not: the miners come first.
func TestWithoutASocket(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "admin.sock")
	l, err := admin.Listen(taken)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Setenv("STATE_DIRECTORY", "")
	f := func(c config.Config, want, logged string) {
		t.Helper()
		var log bytes.Buffer
		opened, err := listenAdmin(&c, slog.New(slog.NewTextHandler(&log, nil)))
		if opened != nil || (err == nil) != (want == "") || err != nil && err.Error() != want || !strings.Contains(log.String(), logged) {
			t.Errorf("%v, %v, want %s\n%s\nwant %s", opened, err, want, &log, logged)
		}
	}
	f(config.Config{}, "", "level=INFO msg=\"there is no socket for commands: set admin.socket or state_dir to have one\"")
	f(config.Config{StateDir: dir}, "", "level=WARN msg=\"there is no socket for commands: set admin.socket to a path that farmproxy may use\" error=\""+taken+": another farmproxy listens there")
	f(config.Config{Admin: config.Admin{Socket: taken}}, `admin.socket = "`+taken+`": `+taken+": another farmproxy listens there: stop it, or name another path", "")
}

// A question that makes no sense has an error as its answer, and no empty list beside it.
func TestAQuestionThatMakesNoSense(t *testing.T) {
	pool, _, release := heldPool(t)
	defer release()
	change, ask := commanded(t)
	_, stop := launch(t, io.Discard, change, nil, pool)
	defer stop()
	answer, err := ask("workers", `{"query":"sort=speed"}`)
	if err == nil || !strings.HasPrefix(err.Error(), "sort: want one of name, ") || answer != "" {
		t.Errorf("%q, %v", answer, err)
	}
}
