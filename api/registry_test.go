package api

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/store"
)

// newRegistry returns a store with three algorithms and two pools.
func newRegistry(t *testing.T) *store.Store {
	t.Helper()
	r, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "farmproxy.db"), Unseeded: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	for _, a := range []store.Algorithm{{Name: "sha256d", Divider: 1}, {Name: "scrypt", Divider: 65536}, {Name: "x11", Divider: 1}} {
		if err := r.AddAlgorithm(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []store.Pool{{Address: "a.example:3333", Algorithm: "scrypt"}, {Address: "b.example:3333", Algorithm: "sha256d"}} {
		if err := r.AddPool(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// closedRegistry is a store whose database does not answer.
func closedRegistry(t *testing.T) *store.Store {
	t.Helper()
	r := newRegistry(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

// farm is a site with a store; the tests compare its answers.
type farm struct {
	*site
	registry *store.Store
}

func newFarm(t *testing.T) *farm {
	t.Helper()
	r := newRegistry(t)
	return &farm{newSite(t, func(o *Options) { o.Registry = r }), r}
}

// want compares an answer, with TIME in place of every time.
func (s *farm) want(t *testing.T, method, path, body string, code int, want string) {
	t.Helper()
	resp, got := s.send(t, method, path, body)
	want = strings.NewReplacer("\n", "", "\t", "").Replace(want)
	if got = strings.TrimSpace(got); resp.StatusCode != code || got != want {
		t.Errorf("%s %s %s:\ngot  %d %s\nwant %d %s", method, path, body, resp.StatusCode, got, code, want)
	}
}

// register registers an account and returns its name.
func (s *site) register(t *testing.T, body string, header ...string) string {
	t.Helper()
	resp, answer := s.send(t, "POST", "/api/v1/users", body, header...)
	var a registered
	if err := json.Unmarshal([]byte(answer), &a); err != nil || resp.StatusCode != http.StatusCreated || a.Name == "" || a.Error != "" {
		t.Fatalf("%s: %s %s", body, resp.Status, answer)
	}
	return a.Name
}
