package api

import (
	"strings"
	"testing"
)

// To the browser, a page whose name resolves to 127.0.0.1 after it was loaded (DNS
// rebinding) has the same origin as this server: only the Host gives it away.
func TestOnlyLoopbackNamesAreAnswered(t *testing.T) {
	f := func(hosts, host string, code int) {
		t.Helper()
		s := newSite(t, func(o *Options) { o.Hosts = strings.Fields(hosts) })
		for _, c := range []struct {
			method, path string
			code         int
		}{
			{"GET", "/api/v1/status", code}, {"HEAD", "/metrics", code}, {"POST", "/api/v1/users", max(code, 404)}, {"GET", "/nothing", max(code, 404)},
			{"GET", "/healthz", 200}, // load balancers send any Host
		} {
			resp, body := s.ask(t, c.method, c.path, "Host", host)
			if resp.StatusCode != c.code {
				t.Errorf("%s %s, Host %q, hosts %q: %d, want %d: %s", c.method, c.path, host, hosts, resp.StatusCode, c.code, body)
			}
			if resp.StatusCode == 421 && c.method != "HEAD" && !(strings.Contains(body, "http.hosts") && strings.Contains(body, "http.token_file")) {
				t.Errorf("%s: it does not say what to set", body)
			}
		}
	}
	f("", "localhost", 200)
	f("", "localhost:8080", 200)
	f("", "LocalHost.:8080", 200)
	f("", "127.0.0.1", 200)
	f("", "127.9.9.9:1", 200)
	f("", "[::1]:8080", 200)
	f("", "[::ffff:127.0.0.1]:8080", 200)

	f("", "evil.example", 421)
	f("", "evil.example:8080", 421)
	f("", "localhost.evil.example", 421)
	f("", "evil-localhost", 421)
	f("", "127.0.0.1.evil.example:8080", 421)
	f("", "0.0.0.0:8080", 421) // a browser reaches loopback with it
	f("", "[::]:8080", 421)
	f("", "10.0.0.7:8080", 421)
	f("", "128.0.0.1", 421)

	f("farm.example 10.0.0.7", "farm.example", 200)
	f("farm.example 10.0.0.7", "FARM.example.:443", 200)
	f("farm.example 10.0.0.7", "10.0.0.7:80", 200)
	f("farm.example 10.0.0.7", "localhost:8080", 200)
	f("farm.example 10.0.0.7", "sub.farm.example", 421)
	f("farm.example 10.0.0.7", "farm.example.evil.example", 421)
}

// A request that states two names is meant for neither.
func TestAnAbsoluteTargetIsAHostToo(t *testing.T) {
	s := newSite(t)
	f := func(target, host, status string) {
		t.Helper()
		s.raw(t, "GET "+target+" HTTP/1.1\r\n"+host+"Connection: close\r\n\r\n", status, "")
	}
	f("http://localhost/api/v1/links", "Host: localhost\r\n", "200 OK")
	f("http://evil.example/api/v1/links", "Host: localhost\r\n", "421 Misdirected Request")
	f("http://localhost/api/v1/links", "Host: evil.example\r\n", "421 Misdirected Request")
	f("/api/v1/links", "", "400 Bad Request")
}

// No foreign page has a token, so names do not matter.
func TestTokensNeedNoHost(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Tokens = mustTokens(t, allTokens) })
	f := func(host, token string, code int) {
		t.Helper()
		if resp, body := s.ask(t, "GET", "/api/v1/status", "Host", host, "Authorization", "Bearer "+token); resp.StatusCode != code {
			t.Errorf("%s: %d, want %d: %s", host, resp.StatusCode, code, body)
		}
	}
	f("edge-box.example:8080", readToken, 200)
	f("edge-box.example:8080", "", 401)
}

// Neither loopback nor a token in a browser keeps out the pages it shows.
func TestPagesOfOtherSites(t *testing.T) {
	registry := newRegistry(t)
	open := newSite(t, func(o *Options) { o.Registry = registry })
	locked := newSite(t, func(o *Options) { o.Registry = registry; o.Tokens = mustTokens(t, allTokens) })
	f := func(code int, method string, header ...string) {
		t.Helper()
		for _, s := range []*site{open, locked} {
			resp, body := s.send(t, method, "/api/v1/users", `{"pool":"b.example:3333","user":"u"}`, append(header, "Authorization", "Bearer "+adminToken)...)
			if resp.StatusCode != code {
				t.Errorf("%s with %q, tokens %v: %d, want %d: %s", method, header, s.settings.Load().Tokens != nil, resp.StatusCode, code, body)
			}
			if resp, body := s.send(t, "GET", "/readyz", "", header...); resp.StatusCode == 403 {
				t.Errorf("/readyz with %q: %s", header, body)
			}
		}
	}
	f(201, "POST")
	f(201, "POST", "Origin", "http://localhost")
	f(201, "POST", "Sec-Fetch-Site", "same-origin", "Origin", "http://anything") // a proxy changed the Host
	f(201, "POST", "Sec-Fetch-Site", "none")
	f(403, "POST", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	f(403, "POST", "Sec-Fetch-Site", "same-site")
	f(403, "POST", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document") // a form
	f(403, "POST", "Sec-Fetch-Site", "something new")
	f(403, "PUT", "Origin", "https://evil.example")
	f(403, "PUT", "Origin", "http://localhost:3000") // another server of this machine
	f(403, "PUT", "Origin", "null")

	f(200, "GET", "Sec-Fetch-Site", "same-origin")
	f(200, "GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document") // a link
	f(403, "GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe")
	f(403, "GET", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script")
	f(403, "GET", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors")
	f(403, "GET", "Origin", "https://evil.example")
}
