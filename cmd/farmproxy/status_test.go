package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/admin"
	"farmproxy/api"
)

// listening is a farmproxy that answers on admin.sock in a directory, until the test ends.
func listening(t *testing.T, dir, command string, do admin.Func) {
	t.Helper()
	s := admin.New(slog.New(slog.DiscardHandler))
	s.Handle(command, do)
	l, err := admin.Listen(filepath.Join(dir, "admin.sock"))
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Shutdown(context.Background()) })
}

// A status for people and one for programs, from the socket that the configuration has,
// or the one that is named.
func TestStatus(t *testing.T) {
	dir := t.TempDir()
	var answer api.Status
	listening(t, dir, "status", func(context.Context, *admin.Call) (any, error) { return answer, nil })
	answer.Version, answer.PID, answer.Uptime, answer.Error = "1.2.3", 42, 3661, "no link to a pool is up"
	answer.Miners, answer.MinersMax, answer.Authorized, answer.Workers, answer.WorkersUp = 3, 1000, 2, 5, 2
	answer.Links, answer.LinksUp, answer.Pool, answer.HashRate = 2, 1, "main", 1.5e15
	answer.Shares.Accepted, answer.Shares.Rejected = 10, map[string]uint64{"stale": 1, "duplicate": 2}

	file := fileOf(t, "state_dir = '"+dir+"'\n[[listener]]\naddress = '127.0.0.1:0'\n[[pool]]\nurl = 'stratum+tcp://127.0.0.1:1'\nuser = 'farm'\n")
	const want = `farmproxy         1.2.3, process 42, for 61 min
ready             no: no link to a pool is up
miners            3 of 1,000, 2 authorized
workers           2 of 5 up
links             1 of 2 up
pool              main
shares            10 accepted
                  2 rejected: duplicate
                  1 rejected: stale
hash rate, 5 min  1.50 PH/s
`
	for _, args := range [][]string{{"-c", file}, {"-socket", dir + "/admin.sock"}} {
		if code, out, said := invoke(t, append([]string{"status"}, args...)...); code != exitOK || out != want || said != "" {
			t.Errorf("%v: %d\n%s\n%s", args, code, out, said)
		}
	}
	if code, out, said := invoke(t, "status", "-c", file, "--json"); code != exitOK || strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, `{"version":"1.2.3","pid":42,`) || said != "" {
		t.Errorf("%d\n%s\n%s", code, out, said)
	}
}

// What the running farmproxy refuses goes to stderr, its details to stdout.
func TestARefusal(t *testing.T) {
	dir := t.TempDir()
	listening(t, dir, "status", func(context.Context, *admin.Call) (any, error) {
		return api.Status{Version: "1.2.3"}, errors.New("ask again")
	})
	code, out, said := invoke(t, "status", "-socket", dir+"/admin.sock")
	if code != exitFailed || !strings.HasPrefix(out, "farmproxy         1.2.3, ") || said != "farmproxy status: ask again\n" {
		t.Errorf("%d\n%s\n%s", code, out, said)
	}
}

// Where a command looks for farmproxy, by what the configuration says.
func TestSockets(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		file, socket, asJSON := fileOf(t, text+"\n[[listener]]\naddress = ':3333'"), "", false
		paths, err := asking{&file, &socket, &asJSON}.sockets()
		if got := strings.Join(paths, " "); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	const unit = "/run/farmproxy/admin.sock /var/lib/farmproxy/admin.sock"
	f("", unit)
	f("state_dir = '/var/lib/farmproxy'", unit)
	f("state_dir = '/srv/farm'", "/srv/farm/admin.sock "+unit)
	f("state_dir = '/srv/farm'\n[admin]\nsocket = '/run/farm.sock'", "/run/farm.sock")
}
