package api

import (
	"strings"
	"testing"
)

// Each request is answered as the settings are then: who may ask, under which name,
// and how often.
func TestSettingsHoldForTheNextRequest(t *testing.T) {
	registry := newRegistry(t)
	s := newSite(t, func(o *Options) { o.Registry = registry })
	f := func(what string, o Settings, code int, method, path string, header ...string) {
		t.Helper()
		s.Configure(o)
		if resp, body := s.ask(t, method, path, header...); resp.StatusCode != code {
			t.Errorf("%s: %s %s %q: %d, want %d: %s", what, method, path, header, resp.StatusCode, code, body)
		}
	}
	const path, evil = "/api/v1/status", "farm.example"
	tokens := mustTokens(t, allTokens)
	f("nothing is set", Settings{}, 200, "GET", path)
	f("tokens", Settings{Tokens: tokens}, 401, "GET", path)
	f("tokens", Settings{Tokens: tokens}, 200, "GET", path, "Authorization", "Bearer "+adminToken)
	f("other tokens", Settings{Tokens: mustTokens(t, "admin "+strings.Repeat("z", 20))}, 401, "GET", path, "Authorization", "Bearer "+adminToken)
	f("no tokens again", Settings{}, 200, "GET", path)
	f("another name", Settings{}, 421, "GET", path, "Host", evil)
	f("a name that is known", Settings{Hosts: []string{evil}}, 200, "GET", path, "Host", evil)
	few := Settings{RegistrationsPerMinute: 1}
	f("one registration", few, 400, "POST", "/api/v1/users")
	f("two of them", few, 429, "POST", "/api/v1/users")
	f("any number", Settings{}, 400, "POST", "/api/v1/users")
}
