package proxy

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"farmproxy/admin"
	"farmproxy/api"
	benchpool "farmproxy/bench/pool"
)

// oftenProbed has it known at once that a pool works which was drained.
const oftenProbed = "[failover]\nprobe_every = \"1s\"\n"

// would asks what an order would do, and fails if it does anything.
func (o ordered) would(method, path, body string) string {
	o.t.Helper()
	state := func() string {
		logged := slices.DeleteFunc(strings.Split(o.log.String(), "\n"), func(line string) bool { return !strings.Contains(line, "by=") }) // pools come and go
		noted := strings.Count(o.ask("GET", "events?limit=1000", "", 200), `"kind":"order"`)
		return fmt.Sprint(o.ask("GET", "orders", "", 200), o.ask("GET", "curtailments", "", 200), noted, o.places(), logged)
	}
	before := state()
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	var e api.OrderEffects
	if err := json.Unmarshal([]byte(o.ask(method, path+mark+"dry_run=true", body, 200)), &e); err != nil || !e.DryRun || len(e.Effects) == 0 {
		o.t.Errorf("%s: %+v, %v", path, e, err)
	}
	if after := state(); after != before {
		o.t.Errorf("a dry run of %s has changed something:\n%s\n%s", path, before, after)
	}
	return strings.Join(e.Effects, "\n")
}

// places are how many miners each goal has.
func (o ordered) places() map[string]int {
	list := make(map[string]int)
	for _, g := range o.directory.Goals() {
		list[g.Name()] += g.Members()
	}
	return list
}

// known waits until a pool is known to work, and serves or does not.
func (o ordered) known(pool string, serves bool) {
	o.t.Helper()
	eventually(o.t, "the pool is known to work", func() bool {
		for _, g := range o.directory.Goals() {
			for _, p := range g.Pools() {
				if p.Name == pool && p.Able && p.Serves == serves {
					return true
				}
			}
		}
		return false
	})
}

// want fails unless a dry run says all that.
func (o ordered) want(method, path, body string, says ...string) {
	o.t.Helper()
	got := o.would(method, path, body)
	for _, text := range says {
		if !strings.Contains(got, text) {
			o.t.Errorf("%s %s says\n%s\nnot %s", path, body, got, text)
		}
	}
}

// Nobody moves, and nothing is ordered, logged or remembered, when it is asked what an order
// would do; and what is said then is what happens.
func TestADryRunSaysWhatHappensThen(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	f := ordered{startFile(t, ports+oftenProbed+"[miners]\nworker_group = ['{name:farm\\.(hall\\d)}']\n"+namedPools(one, two)+routeText("hall", "main 3: a", "second 1: b"))}
	eventually(t, "each goal has a link", func() bool { return f.book.Status().LinksUp == 2 })
	eventually(t, "there are events", func() bool { code, _ := f.request(t, "GET", "/api/v1/events", ""); return code == 200 })
	var miners []*miner
	for i := range 8 {
		m := connect(t, f.server.Addresses()[0])
		m.work(fmt.Sprint("farm.hall1rig", i))
		miners = append(miners, m)
	}
	are := func(main, second int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d miners are at one goal, %d at the other", main, second), func() bool {
			list := f.places()
			return list["main"] == main && list["second"] == second
		})
	}
	main := f.places()["main"] // 6, unless a balance was struck meanwhile
	moved := fmt.Sprintf("about %d miners", main-1)
	at := func(i int) string {
		return f.ask("GET", "workers/"+fmt.Sprint("farm.hall1rig", i), "", 200)
	}
	who := ""
	for i := range 8 {
		if strings.Contains(at(i), `"pool":"a"`) {
			who = fmt.Sprint("farm.hall1rig", i)
			break
		}
	}

	// A move, a pin, and back.
	f.want("POST", "workers/"+who+"/move", `{"goal":"second"}`, "To goal second of route hall: 1 miner of "+who+", at once", "It may be moved again later")
	f.want("POST", "workers/"+who+"/pin", `{"goal":"second","for":"1h"}`, "To goal second of route hall: 1 miner of "+who, "It stays there", "It ends by itself at ")
	f.ask("POST", "workers/"+who+"/pin", `{"goal":"second"}`, 200)
	are(main-1, 9-main)
	f.want("POST", "workers/"+who+"/pin", `{"goal":"main"}`, "To goal main", "This replaces what anybody at 127.0.0.1 ordered: at goal second of route hall", "It holds until it is taken back")
	f.want("DELETE", "workers/"+who+"/pin", "", who+" stays where it is", "This takes back what anybody")

	// A goal whose pool is drained is left by all, and gets them back.
	f.want("POST", "pools/a/drain", `{"for":"1h"}`, "Route hall is divided otherwise: main 75 % → 0 % (no pool of it takes miners), second 25 % → 100 %.",
		"From goal main to goal second: "+moved, "farmproxy goes on looking whether a works", "It ends by itself at ", "No miner is disconnected.")
	f.want("POST", "pools/a/disable", "", "From goal main to goal second: "+moved, "farmproxy does not connect to a")
	f.want("POST", "pools/a/enable", "", "Nothing changes")
	f.ask("POST", "pools/a/drain", "", 200)
	are(0, 8)
	f.known("a", false)
	f.want("POST", "pools/a/enable", "", "main 0 % → 75 %, second 100 % → 25 %", "This takes back what anybody")
	f.want("POST", "pools/b/drain", "", "No other pool is up for 8 miners: b goes on to give jobs there until one is.")
	f.want("POST", "pools/b/disable", "", "No other pool is up for 8 miners: they stay connected, on their last job, for failover.hold (10m), and are disconnected then.")
	f.ask("POST", "pools/a/enable", "", 200)
	f.known("a", true)

	// Weights: a goal that gets nothing is left by all that are not pinned.
	f.ask("DELETE", "workers/"+who+"/pin", "", 204)
	f.want("PUT", "routes/hall/weights", `{"weights":{"main":1,"second":0},"for":"2h"}`, "main 75 % → 100 %, second 25 % → 0 %",
		"From goal second to goal main: about 8 miners", "It comes before the configuration", "then the weights are main 3, second 1.")
	f.ask("PUT", "routes/hall/weights", `{"weights":{"main":1,"second":0}}`, 200)
	are(8, 0)
	f.want("DELETE", "routes/hall/weights", "", "main 100 % → 75 %, second 0 % → 25 %", "From goal main to goal second: about 2 miners", "6 miners stay at their goals", "ordered: main 1, second 0")

	// Curtailments.
	f.want("POST", "curtailments", `{"group":"hall1","for":"3h"}`, "no alert speaks of group hall1: 8 workers, 8 of them up now.", "No miner is switched off")
	f.ask("POST", "curtailments", `{"group":"hall1","for":"3h"}`, 200)
	f.want("DELETE", "curtailments?group=hall1", "", "Alerts speak of group hall1 again in 15m")

	// What can't be ordered is no dry run either.
	if got := f.ask("POST", "pools/nowhere/drain?dry_run=true", "", 404); !strings.Contains(got, "there are a, b") {
		t.Error(got)
	}
	f.ask("PUT", "routes/hall/weights?dry_run=true", `{"weights":{"main":1}}`, 400)
	for _, m := range miners {
		m.wantAlive()
	}
}

// Where there are no routes, miners go to the next pool and back.
func TestADryRunOfAPoolAndItsBackup(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	f := ordered{startFile(t, ports+oftenProbed+namedPools(one, two))}
	f.known("a", true)
	f.known("b", false)
	startFleet(t, f.server.Addresses()[0], "farm", 10)
	active := func(p *benchpool.Pool) {
		t.Helper()
		before := p.Books().Total().Accepted
		eventually(t, "the other pool has the shares", func() bool { return p.Books().Total().Accepted > before+50 })
	}
	active(one)
	f.wantQuiet("POST", "pools/a/drain", "From a to b: 10 miners, each by a clean job on the connection that it has.")
	f.wantQuiet("POST", "pools/b/drain", "No miner changes its pool.")
	f.ask("POST", "pools/a/drain", "", 200)
	active(two)
	f.known("a", false)
	f.wantQuiet("POST", "pools/a/enable", "From b to a: 10 miners, each by a clean job, once a has been healthy for failover.return_after (2m).")
	f.wantQuiet("POST", "pools/b/disable", "No other pool is up for 10 miners")
}

// wantQuiet is want on a farm whose log and events go on.
func (o ordered) wantQuiet(method, path, says string) {
	o.t.Helper()
	orders := o.ask("GET", "orders", "", 200)
	if got := o.ask(method, path+"?dry_run=true", "", 200); !strings.Contains(got, says) {
		o.t.Errorf("%s says\n%s\nnot %s", path, got, says)
	}
	if after := o.ask("GET", "orders", "", 200); after != orders {
		o.t.Errorf("a dry run of %s has changed orders: %s", path, after)
	}
}

// Over the admin socket, a dry run is a command of its own, which the log has nothing of.
func TestADryRunInTheTerminal(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	f := ordered{startFile(t, ports+namedPools(one, two))}
	socket := f.running.Load().config.AdminSocket("", filepath.Dir(f.file))
	do := func(command, args string) (string, error) {
		answer, err := admin.Do(t.Context(), socket, command, json.RawMessage(args), nil)
		return string(answer), err
	}
	if got, err := do("drain"+DryRun, `{"pool":"a","for":"1h"}`); err != nil || !strings.Contains(got, `"dry_run":true`) || !strings.Contains(got, "farmproxy goes on looking whether a works.") {
		t.Error(got, err)
	}
	if got, err := do("orders", "{}"); err != nil || got != `{"orders":[]}` {
		t.Errorf("ordered: %s, %v", got, err)
	}
	if _, err := do("drain"+DryRun, `{"pool":"c"}`); err == nil || !strings.Contains(err.Error(), `there is no pool "c"`) {
		t.Errorf("a pool that there is not: %v", err)
	}
	if strings.Contains(f.log.String(), "command=drain") {
		t.Errorf("the log has it:\n%s", f.log)
	}
}
