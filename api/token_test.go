package api

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"farmproxy/viewlink"
)

// mustTokens returns the tokens of a file with this text.
func mustTokens(t *testing.T, text string) *Tokens {
	t.Helper()
	tokens, err := LoadTokens(tokenFile(t, text, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func tokenFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	readToken     = "read-token-0123456789"
	registerToken = "register-token-0123456789"
	adminToken    = "admin-token-0123456789"
	twoToken      = "read-and-register-0123456789"

	allTokens = `# made for a test
read     ` + readToken + `
register ` + registerToken + ` # the shop
admin	` + adminToken + `

read ` + twoToken + `
register ` + twoToken + "\r\n"
)

func TestTokenFiles(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		path := tokenFile(t, text, 0o640)
		tokens, err := LoadTokens(path)
		if want == "" {
			if err != nil || len(tokens.hashes) == 0 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if err == nil || !strings.HasPrefix(err.Error(), "http.token_file "+path) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%.80q: %v\nwant the file and %q, and no token", text, err, want)
		}
	}
	f(allTokens, "")
	f("admin "+strings.Repeat("x", maxToken), "")
	f("", "it has no token; add a line: admin TOKEN")
	f("# nothing\n\n", "it has no token")
	f("hunter2-hunter2-hunter2", ":1: expected a scope, which is read, register or admin, then a space and a token")
	f("\nwrite hunter2-hunter2-hunter2", ":2: expected a scope")
	f("admin hunter2-hunter2-hunter2 anna", "")
	f("admin hunter2-hunter2-hunter2 anna@night-shift_2.eu", "")
	f("admin hunter2-hunter2-hunter2 hunter3/4", ":1: expected a name of 1 to 32 letters")
	f("admin hunter2-hunter2-hunter2 "+strings.Repeat("h", viewlink.MaxName+1), ":1: expected a name of 1 to 32 letters")
	f("admin hunter2-hunter2-hunter2 hunter3 hunter4", ":1: expected a scope")
	f("admin hunter2", ":1: expected a token of 16 to 256 characters, this one has 7; try openssl rand -hex 32")
	f("admin "+strings.Repeat("x", maxToken+1), "this one has 257")
	f("write hunter2-hunter2-hunter2\nread hunter2", ":1: expected a scope")
	f("write hunter2-hunter2-hunter2\nread hunter2", ":2: expected a token of 16 to 256 characters")
	f(strings.Repeat("hunter2\n", 100), ":10: expected a scope")
	f(strings.Repeat("# comment\n", maxTokenFile/10+1), "expected at most 262144 bytes")

	var many strings.Builder
	for i := range maxTokens + 1 {
		fmt.Fprintf(&many, "read hunter-hunter-%04d\n", i)
	}
	f(many.String(), ":257: expected at most 256 tokens")
}

func TestTokenFilesThatAreNotPrivate(t *testing.T) {
	f := func(mode os.FileMode, ok bool) {
		t.Helper()
		_, err := LoadTokens(tokenFile(t, allTokens, mode))
		if (err == nil) != ok || !ok && !strings.Contains(err.Error(), "every user of this machine can read or write it (mode "+fmt.Sprintf("%#o", mode)+"); chmod 640 it") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	f(0o600, true)
	f(0o440, true)
	f(0o644, false)
	f(0o602, false)
	pipe := filepath.Join(t.TempDir(), "pipe") // nobody writes to it
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadTokens(pipe); err == nil || !strings.Contains(err.Error(), "no ordinary file") {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := LoadTokens(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "no such file; create it with a line: admin TOKEN") {
		t.Errorf("no file: %v", err)
	}
}

func TestTokensAreNotKept(t *testing.T) {
	tokens := mustTokens(t, allTokens)
	if shown := fmt.Sprintf("%v %+v %#v", tokens, tokens, *tokens); strings.Contains(shown, "0123456789-") || strings.Contains(shown, "token") && strings.Contains(shown, adminToken) {
		t.Error(shown)
	}
}

func TestScopes(t *testing.T) {
	registry := newRegistry(t)
	s := newSite(t, func(o *Options) { o.Tokens = mustTokens(t, allTokens); o.Registry = registry })
	s.book.SetReady(nil)
	s.book.SetNeedsLink(false)
	f := func(method, path, body string, none, read, register, both, admin int) {
		t.Helper()
		for _, c := range []struct {
			header string
			want   int
		}{
			{"", none}, {"Bearer", none}, {"Bearer " + strings.Repeat("x", 20), none}, {"Basic " + adminToken, none}, {"Bearer " + adminToken + "x", none},
			{"Bearer " + readToken, read}, {"bearer " + registerToken, register}, {"BEARER  " + twoToken, both}, {"Bearer " + adminToken, admin},
		} {
			resp, answer := s.send(t, method, path, body, "Authorization", c.header)
			if resp.StatusCode != c.want {
				t.Errorf("%s %s with %q: %d, want %d\n%s", method, path, c.header, resp.StatusCode, c.want, answer)
			}
			if asked := resp.Header.Get("WWW-Authenticate"); (resp.StatusCode == 401 || resp.StatusCode == 403) != strings.HasPrefix(asked, `Bearer realm="farmproxy"`) {
				t.Errorf("%s %s with %q: %d, WWW-Authenticate: %s", method, path, c.header, resp.StatusCode, asked)
			}
		}
	}
	f("GET", "/healthz", "", 200, 200, 200, 200, 200)
	f("GET", "/readyz", "", 200, 200, 200, 200, 200)
	f("HEAD", "/readyz", "", 200, 200, 200, 200, 200)
	f("GET", "/metrics", "", 401, 200, 403, 200, 200)
	f("HEAD", "/metrics", "", 401, 200, 403, 200, 200)
	f("GET", "/api/v1/openapi.json", "", 401, 200, 403, 200, 200)
	f("GET", "/api/v1/users", "", 401, 200, 403, 200, 200)
	f("POST", "/api/v1/users", `{"pool":"b.example:3333","user":"u"}`, 401, 403, 201, 201, 201)
	f("PUT", "/api/v1/users", `{"pool":"b.example:3333","user":"u"}`, 401, 403, 201, 201, 201)
	f("DELETE", "/api/v1/users/nobody", "", 401, 403, 403, 403, 404)
	f("PUT", "/api/v1/pools", `{"pool":"b.example:3333","algorithm":"x11"}`, 401, 403, 403, 403, 200)
	f("PUT", "/api/v1/algorithms", `{"name":"x11","divider":2}`, 401, 403, 403, 403, 200)
	f("GET", "/nothing", "", 401, 404, 403, 404, 404)
	f("PATCH", "/api/v1/users", "", 401, 405, 403, 405, 405)
}

func TestRefusalsSayWhichScopeIsNeeded(t *testing.T) {
	registry := newRegistry(t)
	s := newSite(t, func(o *Options) { o.Tokens = mustTokens(t, allTokens); o.Registry = registry })
	f := func(method, path, token, want string) {
		t.Helper()
		if _, body := s.ask(t, method, path, "Authorization", token); body != want+"\n" {
			t.Errorf("%s %s: %s\nwant %s", method, path, body, want)
		}
	}
	f("GET", "/metrics", "", `{"error":"this needs a token with scope read or admin: send the header Authorization: Bearer TOKEN, with one of http.token_file"}`)
	f("GET", "/metrics", "Bearer x", `{"error":"this token is not known, or the view link is over or revoked: use a token of http.token_file with scope read or admin; the file is read at the start and at a reload"}`)
	f("GET", "/metrics", "Bearer "+registerToken, `{"error":"this token does not allow that: use one with scope read or admin"}`)
	f("DELETE", "/api/v1/users/x", "Bearer "+readToken, `{"error":"this token does not allow that: use one with scope admin"}`)
	f("POST", "/api/v1/users", "Bearer "+readToken, `{"name":"","error":"this token does not allow that: use one with scope register or admin"}`)
}
