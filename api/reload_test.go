package api

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// reloadOf is what came of a reload, for tests.
func reloadOf(problems ...string) *Reload {
	r := &Reload{File: "/etc/farmproxy.toml", Changes: []string{}, Warnings: []string{}, Problems: append([]string{}, problems...)}
	if len(problems) > 0 {
		r.Error = "not loaded"
	}
	return r
}

// A reload that is refused says why, and both are in the log with who asked.
func TestReload(t *testing.T) {
	var log bytes.Buffer
	var fails bool
	site := newSite(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Tokens = mustTokens(t, "admin the-administrators\nread the-readers-only")
		o.Reload = func() (*Reload, error) {
			if fails {
				return reloadOf("line 7: log.level"), errors.New("not loaded")
			}
			r := reloadOf()
			r.Changes = append(r.Changes, "set log.level")
			return r, nil
		}
	})
	f := func(token string, code int, want string) {
		t.Helper()
		if got, body := site.ask(t, "POST", "/api/v1/reload", "Authorization", "Bearer "+token); got.StatusCode != code || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %d %s", token, got.StatusCode, body, code, want)
		}
	}
	f("the-administrators", 200, `"changes":["set log.level"]`)
	f("the-readers-only", 403, "admin")
	fails = true
	f("the-administrators", 422, `"problems":["line 7: log.level"],"error":"not loaded"`)
	for _, want := range []string{"msg=reload file=/etc/farmproxy.toml changes=1 problems=0", "changes=0 problems=1"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log.String())
		}
	}
}
