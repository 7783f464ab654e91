package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"farmproxy/live"
	"farmproxy/store"
)

// namedEffects stand for what the proxy says of a change of an account.
func namedEffects(_ context.Context, before, after *store.Account) ([]string, error) {
	said := make([]string, 0, 2)
	for _, a := range []*store.Account{before, after} {
		if a == nil {
			said = append(said, "none")
		} else {
			said = append(said, fmt.Sprint(a.User, " with ", len(a.Goals), " goals"))
		}
	}
	return said, nil
}

// A change of an account is tried by whoever may make all changes: it is refused as the change
// is, no pool is asked, and nothing is written, logged or counted as a registration.
func TestDryRunsOfAccounts(t *testing.T) {
	var log bytes.Buffer
	registry := newRegistry(t)
	s := newSite(t, func(o *Options) {
		o.Registry, o.AccountEffects, o.RegistrationsPerMinute = registry, namedEffects, 2
		o.Prove = func(context.Context, store.Pool, store.Account) error { return store.Refused("no") }
		o.Tokens = mustTokens(t, "read "+readToken+" grafana\nadmin "+adminToken+" ann\nregister the-registrars-only shop\n")
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	const alice, two = `{"pool":"a.example:3333","user":"alice","password":"1"}`, `{"goals":[{"name":"main","weight":1,"pools":[{"pool":"a.example:3333"}]},{"name":"second","weight":1,"pools":[{"pool":"a.example:3333","user":"bob"}]}]}`
	f := func(method, path, body, token string, code int, want string) {
		t.Helper()
		version, lines := registry.Snapshot().Version(), log.Len()
		resp, got := s.send(t, method, path, body, "Authorization", "Bearer "+token)
		if resp.StatusCode != code || !strings.Contains(got, want) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, resp.StatusCode, got, code, want)
		}
		if resp.StatusCode != 403 && (registry.Snapshot().Version() != version || log.Len() != lines) {
			t.Errorf("%s %s has written or logged something: %s", method, path, log.String()[lines:])
		}
	}
	dry := func(method, path, body string, want ...string) {
		t.Helper()
		f(method, path+"?dry_run=true", body, adminToken, 200, fmt.Sprintf(`{"dry_run":true,"effects":[%s]}`, `"`+strings.Join(want, `","`)+`"`))
	}
	for _, method := range []string{"POST", "PUT", "POST"} { // more than may be registered
		dry(method, usersPath, alice, "none", "alice with 0 goals")
	}
	name := s.register(t, alice, "Authorization", "Bearer "+adminToken)
	dry("POST", usersPath, strings.Replace(alice, "1", "2", 1), "alice with 0 goals", "alice with 0 goals")
	dry("PUT", usersPath+"/"+name, two, "alice with 0 goals", "alice with 2 goals")
	dry("DELETE", usersPath+"/"+name, "", "alice with 0 goals", "none")

	f("POST", usersPath+"?dry_run=true", alice, "the-registrars-only", 403, "scope admin")
	f("POST", usersPath+"?dry_run=true", strings.Replace(alice, "a.example", "none.example", 1), adminToken, 422, `{"name":"","error":"pool none.example:3333 is not known`)
	f("POST", usersPath+"?dry_run=true", `{}`, adminToken, 400, `expected host:port`)
	f("PUT", usersPath+"/"+name+"?dry_run=true", strings.Replace(two, "a.example", "none.example", 1), adminToken, 422, "pool none.example:3333 is not known")
	f("PUT", usersPath+"/"+name+"?dry_run=true", `{}`, adminToken, 400, "goals: required")
	f("PUT", usersPath+"/nobody?dry_run=true", two, adminToken, 404, "is not known")
	f("DELETE", usersPath+"/nobody?dry_run=true", "", adminToken, 404, "is not known")
	for method, path := range map[string]string{"POST": usersPath, "PUT": usersPath + "/" + name, "DELETE": usersPath + "/" + name} {
		f(method, path+"?dryrun=true", two, adminToken, 400, `\"dryrun\": no such parameter; want dry_run`)
		f(method, path+"?dry_run=yes", two, adminToken, 400, `dry_run: want true or false, got \"yes\"`)
	}
	f("GET", usersPath+"/"+name, "", adminToken, 200, `"goals":[]`)

	s.options.AccountEffects = func(context.Context, *store.Account, *store.Account) ([]string, error) {
		return nil, io.ErrUnexpectedEOF
	}
	f("DELETE", usersPath+"/"+name+"?dry_run=true", "", adminToken, 503, io.ErrUnexpectedEOF.Error())
	s.send(t, "DELETE", usersPath+"/"+name, "", "Authorization", "Bearer "+adminToken)
	if registry.Snapshot().Account(name) != nil {
		t.Error("without dry_run it is not deleted")
	}
}

// A view link is tried as it is made and revoked: it is refused for the same reasons, and what
// would end is said.
func TestDryRunsOfViewLinks(t *testing.T) {
	var log bytes.Buffer
	s := viewSite(t, &log)
	f := func(method, path, body string, code int, want ...string) {
		t.Helper()
		lines, links := log.Len(), fmt.Sprint(s.ViewLinks().Links)
		resp, got := s.send(t, method, path, body, "Authorization", "Bearer "+adminToken)
		for _, want := range want {
			if resp.StatusCode != code || !strings.Contains(got, want) {
				t.Errorf("%s %s: %d %s, want %d %s", method, path, resp.StatusCode, got, code, want)
			}
		}
		if log.Len() != lines || fmt.Sprint(s.ViewLinks().Links) != links {
			t.Errorf("%s %s has changed or logged something: %s", method, path, log.String()[lines:])
		}
	}
	const dry = viewLinksPath + "?dry_run=true"
	f("POST", dry, `{"name":"wall"}`, 200, `{"dry_run":true,"effects":["Whoever has the address of wall sees all of the page, and changes nothing: until it is revoked."`)
	f("POST", dry, `{"name":"wall","for":"1h"}`, 200, "changes nothing: until 20")
	f("POST", dry, `{"name":"a wall"}`, 400, "name: expected 1 to 32 letters")
	f("POST", dry, `{"name":"wall","for":"soon"}`, 400, "for: want a duration")
	f("DELETE", viewLinksPath+"/wall?dry_run=true", "", 404, "no view link")
	secret := s.makeLink(t, `{"name":"wall"}`)
	f("POST", dry, `{"name":"wall"}`, 409, "exists")
	f("POST", viewLinksPath+"?dryrun=true", `{"name":"other"}`, 400, `\"dryrun\": no such parameter; want dry_run`)
	f("DELETE", viewLinksPath+"/wall?dryrun=true", "", 400, `no such parameter; want dry_run`)
	f("DELETE", viewLinksPath+"/wall?dry_run=true", "", 200, "Whoever has the address of wall, which ann at ", "No page is open with it.")

	look := func() io.Closer {
		t.Helper()
		req, _ := http.NewRequest("GET", "http://localhost"+livePath, nil)
		req.Header.Set("Authorization", "Bearer "+secret)
		resp, err := s.http.Do(req)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		return resp.Body
	}
	first := look()
	f("DELETE", viewLinksPath+"/wall?dry_run=true", "", 200, "1 page is open with it, and closes within seconds.")
	second := look()
	f("DELETE", viewLinksPath+"/wall?dry_run=true", "", 200, "2 pages are open with it, and close within seconds.")
	f("POST", dry, `{"name":"wall"}`, 409, "exists")
	s.send(t, "DELETE", viewLinksPath+"/wall", "", "Authorization", "Bearer "+adminToken)
	s.feed.Tick(time.Now())
	for _, page := range []io.Closer{first, second} {
		if _, err := io.ReadAll(page.(io.Reader)); err != nil {
			t.Error(err)
		}
		page.Close()
	}
	secret = s.makeLink(t, `{"name":"wall"}`)
	f("DELETE", viewLinksPath+"/wall?dry_run=true", "", 200, "which ann at ")
	f("POST", dry, `{"name":"wall"}`, 409, "exists")
}

// The pages of a view link are counted, each until it is closed.
func TestPagesOfAViewLinkAreCounted(t *testing.T) {
	var v viewers
	feed := live.NewFeed(rigs(1))
	look := func(link string) *events {
		page, _ := feed.Open(time.Now(), "")
		return &events{page: page, closed: v.opened(link)}
	}
	f := func(wall, phone int) {
		t.Helper()
		if v.of("wall") != wall || v.of("phone") != phone || v.of("") != 0 {
			t.Errorf("%v, want %d of wall, %d of phone", v.pages, wall, phone)
		}
	}
	one, two, three, token := look("wall"), look("wall"), look("phone"), look("")
	f(2, 1)
	token.Close()
	one.Close()
	one.Close()
	f(1, 1)
	two.Close()
	three.Close()
	f(0, 0)
	if len(v.pages) > 0 {
		t.Errorf("links without a page are kept: %v", v.pages)
	}
}

// A change that has no dry run refuses to be one.
func TestAChangeWithoutADryRunRefusesOne(t *testing.T) {
	s := newFarm(t)
	for _, path := range []string{"/api/v1/pools", "/api/v1/algorithms"} {
		for _, method := range []string{"POST", "PUT"} {
			s.want(t, method, path+"?dry_run=true", `{"pool":"new.example:3333","algorithm":"sha256d"}`, 400, `{"error":"\"dry_run\": no such parameter: this takes none"}`)
		}
	}
}
