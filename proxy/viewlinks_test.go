package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/admin"
	"farmproxy/api"
	benchpool "farmproxy/bench/pool"
)

// A view link that is made in the terminal opens the page; an upgrade leaves it as it is, and
// the new process revokes it.
func TestViewLinkOverAnUpgrade(t *testing.T) {
	t.Parallel()
	b := startOwn(t, startPool(t, func(o *benchpool.Options) { o.Listen = free(t) }), "")
	dir := filepath.Dir(b.file)
	tokens := filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, []byte("admin "+strings.Repeat("a", 32)+" ann\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(was), "[http]\n", fmt.Sprintf("[http]\ntoken_file = %q\n", tokens), 1)
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	do := func(command string, args, answer any) {
		t.Helper()
		got, err := admin.Do(t.Context(), b.socket, command, args, nil)
		if err == nil && answer != nil {
			err = json.Unmarshal(got, answer)
		}
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	upgrade := func() {
		t.Helper()
		u, err := b.upgrade()
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the new process answers commands", func() bool {
			var s api.Status
			got, err := admin.Do(t.Context(), b.socket, "status", nil, nil)
			return err == nil && json.Unmarshal(got, &s) == nil && s.PID == u.PID
		})
	}
	upgrade() // it has a state directory, and tokens

	var effects api.OrderEffects
	do("view create"+DryRun, api.ViewLinkOrder{Name: "wall"}, &effects)
	var list api.ViewLinkList
	if do("view list", nil, &list); !effects.DryRun || !strings.HasPrefix(effects.Effects[0], "Whoever has the address of wall") || len(list.Links) > 0 {
		t.Errorf("%+v; there are %+v", effects, list)
	}
	var link MadeViewLink
	do("view create", api.ViewLinkOrder{Name: "wall"}, &link)
	page, secret, ok := strings.Cut(link.Address, "/#view=")
	if !ok || page != "http://"+b.web {
		t.Fatalf("the address is %s", link.Address)
	}
	read := func(want int) {
		t.Helper()
		q, _ := http.NewRequest("GET", page+"/api/v1/status", nil)
		q.Header.Set("Authorization", "Bearer "+secret)
		reply, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != want {
			t.Errorf("the link gets %s, want %d", reply.Status, want)
		}
	}
	read(200)
	upgrade()
	read(200)
	do("view revoke"+DryRun, RevokeArgs{"wall"}, &effects)
	if do("view list", nil, &list); len(list.Links) != 1 || list.Links[0].Name != "wall" || !strings.HasPrefix(effects.Effects[1], "No page is open") {
		t.Errorf("%+v %+v", list, effects)
	}
	do("view revoke", RevokeArgs{"wall"}, nil)
	read(401)
	upgrade()
	read(401)
}
