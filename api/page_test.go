package api

import (
	"slices"
	"strings"
	"testing"
)

// The page is there for everybody, and may run nothing but itself.
func TestPage(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Tokens = mustTokens(t, "admin "+adminToken+"\n") })
	for _, rule := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
		"frame-ancestors 'none'", // no other site leads clicks to it
	} {
		if !slices.Contains(strings.Split(policy, "; "), rule) {
			t.Errorf("the policy is without %s: %s", rule, policy)
		}
	}
	for _, x := range []struct{ path, kind, part string }{
		{"/", "text/html; charset=utf-8", `<div id="page">`},
		{"/page.js", "text/javascript; charset=utf-8", "/api/v1/live"},
		{"/page.css", "text/css; charset=utf-8", ".figures"},
	} {
		got, body := s.ask(t, "GET", x.path)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != x.kind || !strings.Contains(body, x.part) {
			t.Errorf("%s: %d, %s, %.80s", x.path, got.StatusCode, got.Header.Get("Content-Type"), body)
		}
		if got.Header.Get("Content-Security-Policy") != policy || strings.Contains(policy, "unsafe") || got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the policy is %q", x.path, got.Header.Get("Content-Security-Policy"))
		}
		if cookie, ok := got.Header["Set-Cookie"]; ok {
			t.Errorf("%s sets a cookie: %s", x.path, cookie)
		}
		if again, body := s.ask(t, "GET", x.path, "If-None-Match", got.Header.Get("ETag")); again.StatusCode != 304 || body != "" {
			t.Errorf("%s again: %d, %d bytes", x.path, again.StatusCode, len(body))
		}
		if got, _ := s.send(t, "POST", x.path, ""); got.StatusCode < 400 {
			t.Errorf("POST %s: %d", x.path, got.StatusCode)
		}
	}
	if got, _ := s.ask(t, "GET", livePath); got.StatusCode != 401 {
		t.Errorf("what the page shows needs no token: %d", got.StatusCode)
	}
}
