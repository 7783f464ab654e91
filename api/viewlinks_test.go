package api

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"farmproxy/viewlink"
)

func mustLinks(t *testing.T) *viewlink.Links {
	t.Helper()
	l, err := viewlink.Open(filepath.Join(t.TempDir(), "links"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// viewSite is a site with tokens and view links.
func viewSite(t *testing.T, log io.Writer) *site {
	return newSite(t, withRemembered(t), func(o *Options) {
		o.Tokens = mustTokens(t, "read "+readToken+" grafana\nadmin "+adminToken+" ann\n")
		o.ViewLinks = mustLinks(t)
		o.Log = slog.New(slog.NewTextHandler(log, nil))
	})
}

// makeLink makes a view link, and returns its secret.
func (s *site) makeLink(t *testing.T, body string) (secret string) {
	t.Helper()
	resp, text := s.send(t, "POST", viewLinksPath, body, "Authorization", "Bearer "+adminToken)
	var l NewViewLink
	if err := json.Unmarshal([]byte(text), &l); err != nil || resp.StatusCode != 201 {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	secret, ok := strings.CutPrefix(l.Path, "/#view=")
	if !ok || len(secret) < minToken {
		t.Fatalf("%s", text)
	}
	return secret
}

// A view link reads and does nothing else, until it is revoked; the log says who made it, who
// opened it and who took it back, and never its secret.
func TestViewLinks(t *testing.T) {
	var log bytes.Buffer
	s := viewSite(t, &log)
	f := func(method, path, body, token string, code int, want string) {
		t.Helper()
		if resp, got := s.send(t, method, path, body, "Authorization", "Bearer "+token); resp.StatusCode != code || !strings.Contains(got, want) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, resp.StatusCode, got, code, want)
		}
	}
	f("POST", viewLinksPath, `{"name":"wall"}`, readToken, 403, "scope admin")
	f("POST", viewLinksPath, `{"name":"a wall"}`, adminToken, 400, "name: expected 1 to 32 letters")
	f("POST", viewLinksPath, `{"name":"wall","for":"soon"}`, adminToken, 400, "for: want a duration")
	secret := s.makeLink(t, `{"name":"wall","for":"720h"}`)
	f("POST", viewLinksPath, `{"name":"wall"}`, adminToken, 409, "exists")
	f("GET", "/api/v1/status", "", secret, 200, "workers")
	f("GET", viewLinksPath, "", secret, 200, `"view_links":[{"name":"wall","by":"ann at `)
	f("POST", viewLinksPath, `{"name":"mine"}`, secret, 403, "scope admin")
	f("DELETE", viewLinksPath+"/wall", "", secret, 403, "scope admin")
	f("POST", "/api/v1/pools/main/drain", "", secret, 403, "scope admin")
	f("GET", "/api/v1/status", "", secret+"x", 401, "not known")
	f("DELETE", viewLinksPath+"/wall", "", adminToken, 204, "")
	f("GET", "/api/v1/status", "", secret, 401, "revoked")
	f("DELETE", viewLinksPath+"/wall", "", adminToken, 404, "no view link")
	for _, want := range []string{`msg="view link made" link=wall until=`, `msg="view link revoked" link=wall by=ann`, `by="view link wall"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not have %s:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Error("the log has the secret")
	}
}

// An open page is closed when its link is revoked.
func TestARevokedLinkClosesThePage(t *testing.T) {
	var log bytes.Buffer
	s := viewSite(t, &log)
	secret := s.makeLink(t, `{"name":"wall"}`)
	req, _ := http.NewRequest("GET", "http://localhost"+livePath, nil)
	req.Header.Set("Authorization", "Bearer "+secret)
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || s.ViewLinks().Links[0].Opened == nil {
		t.Fatalf("%v %+v", resp.Status, s.ViewLinks())
	}
	s.send(t, "DELETE", viewLinksPath+"/wall", "", "Authorization", "Bearer "+adminToken)
	s.feed.Tick(time.Now())
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the page was not closed in order: %v", err)
	}
	if want := `msg="the page was opened with a view link" link=wall`; !strings.Contains(log.String(), want) {
		t.Errorf("the log does not have %s:\n%s", want, log.String())
	}
}

// Where everybody sees all, there is nothing to let in by a link.
func TestNoViewLinksWithoutTokens(t *testing.T) {
	s := newSite(t, func(o *Options) { o.ViewLinks = mustLinks(t) })
	if resp, body := s.send(t, "POST", viewLinksPath, `{"name":"wall"}`); resp.StatusCode != 409 || !strings.Contains(body, "http.token_file") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
