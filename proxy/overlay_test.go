package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"farmproxy/api"
	"farmproxy/bench/fleet"
	"farmproxy/config"
)

// overlayOf is an order of pools, each by its name and address, and of no routes.
func overlayOf(pools ...[2]string) api.OverlayOrder {
	l := &api.OverlayLists{Pools: []map[string]any{}, Routes: []map[string]any{}}
	for _, p := range pools {
		l.Pools = append(l.Pools, map[string]any{"name": p[0], "url": "stratum+tcp://" + p[1], "user": "farm"})
	}
	return api.OverlayOrder{By: "ann", Lists: l}
}

// set gives an order, and returns what came of it.
func (f *fileProxy) set(o api.OverlayOrder) *api.OverlayChange {
	f.t.Helper()
	a, err := overlays{f.proxy}.SetOverlay(f.t.Context(), o)
	if err != nil {
		f.t.Fatalf("%v: %+v", err, a)
	}
	return a
}

// Pools that are set over the API serve the miners at once, also after a reload and a
// restart, until they are taken back; nobody is disconnected by any of it.
func TestPoolsSetOverTheAPI(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	text := ports + "[failover]\nreturn_after = \"1ms\"\n" + poolsText("farm", one)
	f := startFile(t, text)
	path := filepath.Join(filepath.Dir(f.file), overlayFile)
	o := fleet.DefaultOptions(f.server.Addresses()[0])
	o.Miners, o.Rate = 20, 200
	miners := connectFleet(t, o)
	works := func(what string, accepted func() int) {
		t.Helper()
		before := accepted()
		eventually(t, "shares go where they belong: "+what, func() bool { return accepted() > before+50 })
	}
	toOne, toTwo := func() int { return one.Books().Total().Accepted }, func() int { return two.Books().Total().Accepted }
	works("the file's pool", toOne)

	order := overlayOf([2]string{"two", two.Addr()}, [2]string{one.Addr(), one.Addr()})
	order.DryRun, order.Connect = true, true
	a := f.set(order)
	if !a.DryRun || !reflect.DeepEqual(a.Changes, []string{"add pool two"}) || len(a.Offers) != 1 || !strings.HasPrefix(a.Offers[0], "two gives an extranonce2 of ") {
		t.Errorf("the dry run: %+v", a)
	}
	if said := strings.Join(a.Effects, "\n"); !strings.Contains(said, "To two: 20 miners, once it has been healthy for failover.return_after (1ms).") || !strings.Contains(said, "No miner is disconnected.") {
		t.Errorf("the dry run's effects:\n%s", said)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || (overlays{f.proxy}).Overlaid() != nil {
		t.Errorf("a dry run has left something: %v", err)
	}

	order.DryRun, order.Connect = false, false
	if got := f.set(order); !reflect.DeepEqual(got.Changes, a.Changes) || got.Fingerprint != a.Fingerprint {
		t.Errorf("set: %+v, but the dry run said %+v", got, a)
	}
	works("the pool that was set", toTwo)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if changes := f.again(text + "[log]\nlevel = \"debug\"\n"); changes != `set log.level from "info" to "debug"` {
		t.Errorf("a reload under the overlay: %q", changes)
	}
	if !f.log.Has("have no effect here: those hold that were set over the API by ann") {
		t.Error("a reload does not say that the file's pools have no effect")
	}
	onDisk, err := config.Open(f.file)
	if err != nil {
		t.Fatal(err)
	}
	x := Examine(t.Context(), Overlaid(onDisk, "", true), false, false)
	if x.Config == nil || x.Config.Pools[0].Name != "two" {
		t.Errorf("what a restart works by: %+v", x)
	}

	gone := f.set(api.OverlayOrder{By: "ann"})
	if !reflect.DeepEqual(gone.Changes, []string{"remove pool two"}) || !strings.Contains(strings.Join(gone.Effects, "\n"), "From two to "+one.Addr()+": 20 miners, each by a clean job.") {
		t.Errorf("removed: %+v", gone)
	}
	works("the file's pool again", toOne)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the overlay is still there: %v", err)
	}
	if b := miners.Books().Total(); b.Disconnects > 0 || b.Refused > 0 {
		t.Errorf("%d miners were disconnected, %d shares refused: %v; %s", b.Disconnects, b.Refused, b.Reasons, miners.Books().LastTrouble())
	}
}

// What can't be set changes nothing, and says why.
func TestPoolsThatAreRefused(t *testing.T) {
	t.Parallel()
	one := startPool(t, nil)
	f := startFile(t, ports+poolsText("farm", one))
	path := filepath.Join(filepath.Dir(f.file), overlayFile)
	before := f.running.Load()
	refused := func(name string, o api.OverlayOrder, key, want string) {
		t.Helper()
		a, err := overlays{f.proxy}.SetOverlay(t.Context(), o)
		if err == nil || a == nil || len(a.Problems) == 0 || a.Problems[0].Key != key || !strings.Contains(a.Problems[0].Text, want) || a.Error == "" {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		if _, missing := os.Stat(path); f.running.Load() != before || name != "no room" && missing == nil {
			t.Errorf("%s: something has changed", name)
		}
	}
	good := [2]string{"a", one.Addr()}
	wrong := overlayOf(good)
	wrong.Lists.Pools[0]["url"] = "pool.example:3333"
	refused("a wrong url", wrong, "pool[1].url", `expected stratum+tcp://host:port`)
	wrong.Lists.Pools[0]["url"] = "stratum+tcp://" + f.server.Addresses()[0]
	wrong = overlayOf(good)
	wrong.Lists.Pools[0]["paswd"] = "x"
	refused("an unknown key", wrong, "pool[1].paswd", "password")
	refused("no pool at all", overlayOf(), "pool", "at least one pool")

	late := overlayOf(good)
	late.Fingerprint = "another"
	if a, err := (overlays{f.proxy}).SetOverlay(t.Context(), late); a != nil || !errors.Is(err, api.ErrOutdated) {
		t.Errorf("a configuration that is not in use: %+v, %v", a, err)
	}
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	refused("no room", overlayOf(good), "", "could not be written down")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}

	f.running.Store(&running{config: before.config, file: before.file})
	if a, err := (overlays{f.proxy}).SetOverlay(t.Context(), overlayOf(good)); a != nil || err == nil || !strings.Contains(err.Error(), "set state_dir") {
		t.Errorf("nowhere to keep it: %+v, %v", a, err)
	}
}

// A pool that is asked in a dry run and does not answer says why.
func TestADryRunAsksPools(t *testing.T) {
	t.Parallel()
	one := startPool(t, nil)
	f := startFile(t, ports+poolsText("farm", one))
	o := overlayOf([2]string{one.Addr(), one.Addr()}, [2]string{"dead", "127.0.0.1:1"})
	o.DryRun, o.Connect = true, true
	if a := f.set(o); len(a.Offers) != 1 || !strings.HasPrefix(a.Offers[0], "dead sends no job: ") || !strings.Contains(a.Offers[0], "refused") {
		t.Errorf("%q", a.Offers)
	}
}

// An overlay that somebody has broken is refused whole at a reload; a start works by the last
// one that was good.
func TestAnOverlayThatIsBrokenOnTheDisk(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	text := ports + poolsText("farm", one)
	f := startFile(t, text)
	dir := filepath.Dir(f.file)
	f.set(overlayOf([2]string{"two", two.Addr()}))
	if err := os.WriteFile(filepath.Join(dir, overlayFile), []byte("[[pool]]\nurl = \"nowhere\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	why := f.refused(fmt.Sprintf("state_dir = %q\n%s", dir, text))
	if !strings.Contains(why, overlayFile+`:2: pool[1].url = "nowhere": expected`) {
		t.Errorf("refused: %s", why)
	}
	onDisk, err := config.Open(f.file)
	if err != nil {
		t.Fatal(err)
	}
	good, x, ok := LastGood(t.Context(), Overlaid(onDisk, "", true))
	if !ok || x.Config.Pools[0].Name != "two" || good.Overlay() == nil {
		t.Errorf("the last good one: %v, %+v", ok, x.Problems)
	}
	if err := os.WriteFile(filepath.Join(dir, overlayFile), good.Overlay().Text(), 0o600); err != nil {
		t.Fatal(err)
	}
	f.set(api.OverlayOrder{By: "ann"})
	if _, x, ok := LastGood(t.Context(), onDisk); !ok || x.Config.Pools[0].Name == "two" {
		t.Errorf("the last good one after the overlay was removed: %v, %+v", ok, x.Problems)
	}
}

// An overlay that somebody wrote by hand does not say when: it holds all the same.
func TestAnOverlayOfNoDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), overlayFile)
	if err := os.WriteFile(path, []byte("[[pool]]\nurl = \"pool.example:3333\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := must(config.Open(path)).Over(config.OpenOverlay(path, true))
	if note := (&running{from: file}).overlay(); note.File != path || !note.Since.IsZero() {
		t.Errorf("it comes from %+v", note)
	}
}

// The API's path leads here.
func TestOverlayOverHTTP(t *testing.T) {
	t.Parallel()
	one := startPool(t, nil)
	f := startFile(t, ports+poolsText("farm", one))
	url := "http://" + webAt(f.proxy) + "/api/v1/config/overlay"
	send := func(method, query, body string) (int, string) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), method, url+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		reply, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		text, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply.StatusCode, string(text)
	}
	lists := fmt.Sprintf(`{"pool": [{"name": "a", "url": "stratum+tcp://%s", "user": "farm"}], "route": [{"name": "all", "goal": [{"name": "main", "pools": ["a"]}]}]}`, one.Addr())
	if code, body := send("PUT", "?dry_run=true", lists); code != 200 || !strings.Contains(body, `"add route all"`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := send("PUT", "", lists); code != 200 || !strings.Contains(body, `"dry_run":false`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := send("GET", "", ""); code != 200 || !strings.Contains(body, `"by":"anybody at 127.0.0.1"`) || !strings.Contains(body, `"password":"***"`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := send("DELETE", "", ""); code != 200 || !strings.Contains(body, `"remove route all"`) {
		t.Errorf("%d %s", code, body)
	}
}
