package api

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// Each refused request is a line in the log: what was asked, by whom, why it was refused.
// No line shows a token.
func TestRefusedRequestsAreLogged(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	tokens := mustTokens(t, "read "+readToken+" grafana\nadmin "+adminToken+"\n")
	open := newSite(t, func(o *Options) { o.Log = log })
	closed := newSite(t, func(o *Options) { o.Log, o.Tokens = log, tokens })
	f := func(s *site, method, path, want string, header ...string) {
		t.Helper()
		logged.Reset()
		s.ask(t, method, path, header...)
		if want != "" {
			want = `level=WARN msg="http: a request was refused: ` + want + ` address=0.0.0.0 more_before=0` + "\n"
		}
		if got := logged.String(); got != want || strings.Contains(got, "0123456789") {
			t.Errorf("%s %s: the log: %s\nwant %s", method, path, got, want)
		}
	}
	f(closed, "GET", "/metrics", "", "Authorization", "Bearer "+readToken)
	f(closed, "GET", "/healthz", "")
	f(closed, "GET", "/metrics", `it has no token" method=GET path=/metrics status=401 by=unknown`)
	f(closed, "GET", "/metrics", `its token is not known" method=GET path=/metrics status=401 by=unknown`, "Authorization", "Bearer 0123456789012345")
	f(closed, "DELETE", "/api/v1/users/alice", `its token does not allow it" method=DELETE path=/api/v1/users/alice status=403 by=grafana`, "Authorization", "Bearer "+readToken)
	f(closed, "GET", "/a", `a page of another site sent it" method=GET path=/a status=403 by=unknown`, "Origin", "https://evil.example")
	f(open, "GET", "/metrics", `it asks for a host of another name" method=GET path=/metrics status=421 by=unknown`, "Host", "evil.example")
	f(open, "GET", "/metrics", "")
}

// One who guesses tokens fills no disk: of an address, 20 refusals a minute are logged,
// and the next line counts the others.
func TestGuessesOfTokensAreCounted(t *testing.T) {
	var logged bytes.Buffer
	s := newSite(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&logged, nil))
		o.Tokens = mustTokens(t, allTokens)
	})
	now := time.Now()
	s.refusals.limit.now = func() time.Time { return now }
	guess := func() { s.ask(t, "GET", "/metrics", "Authorization", "Bearer guess-guess-guess") }
	for range 100 {
		guess()
	}
	if n := strings.Count(logged.String(), "a request was refused"); n != refusalsPerMinute {
		t.Errorf("%d lines, want %d", n, refusalsPerMinute)
	}
	logged.Reset()
	now = now.Add(time.Minute)
	guess()
	if !strings.Contains(logged.String(), "more_before=80") {
		t.Errorf("the log: %s", logged.String())
	}
}
