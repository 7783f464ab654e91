package proxy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"farmproxy/admin"
	"farmproxy/api"
	benchpool "farmproxy/bench/pool"
)

// ordered is a proxy that takes orders over HTTP.
type ordered struct{ *fileProxy }

// ask sends a request, and returns the answer, or fails if its status is not the wanted one.
func (o ordered) ask(method, path, body string, code int) string {
	o.t.Helper()
	got, answer := o.request(o.t, method, "/api/v1/"+path, body)
	if got != code {
		o.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, got, answer, code)
	}
	return answer
}

// move asks for a move or a pin of farm.rig, and returns what became of it.
func (o ordered) move(how, body string) (m api.Moved) {
	o.t.Helper()
	if err := json.Unmarshal([]byte(o.ask("POST", "workers/farm.rig/"+how, body, 200)), &m); err != nil {
		o.t.Fatal(err)
	}
	return m
}

// A worker is moved on its connection, with a clean job; pinned, it is not moved elsewhere.
// All of it is asked for over HTTP, and done when the answer comes.
func TestAWorkerIsMovedAndPinned(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	f := ordered{startFile(t, ports+namedPools(one, two)+routeText("hall-1", "main 1: a", "second 1: b"))}
	eventually(t, "each goal has a link", func() bool { return f.book.Status().LinksUp == 2 })
	m := connect(t, f.server.Addresses()[0])
	m.work("farm.rig")
	at := func(want string) {
		t.Helper()
		if got := members(t, f.directory, "farm.rig", "hall-1"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	at("main 1, second 0")
	if got := f.move("move", `{"goal":"second"}`); got.Moved != 1 || got.Route != "hall-1" || len(got.Refused) > 0 || got.Pin != nil {
		t.Errorf("moved: %+v", got)
	}
	at("main 0, second 1")
	if job := m.notification("mining.notify"); string(job.Params[8]) != "true" {
		t.Errorf("the job of the other goal is not clean: %s", job.Params[8])
	}
	if got := f.move("move", `{"goal":"second"}`); got.Moved != 0 || got.Stayed != 1 {
		t.Errorf("moved where it is: %+v", got)
	}
	if got := f.move("pin", `{"for":"8h"}`); got.Stayed != 1 || got.Pin == nil || got.Pin.Until == nil {
		t.Errorf("pinned where it is: %+v", got)
	}
	if got := f.ask("POST", "workers/farm.rig/move", `{"goal":"main"}`, 400); !strings.Contains(got, `is pinned to goal \"second\" by anybody at 127.0.0.1`) {
		t.Errorf("moved away from its pin: %s", got)
	}
	at("main 0, second 1")
	f.ask("DELETE", "workers/farm.rig/pin", "", 204)
	if got := f.move("move", `{"goal":"main","for":"1h"}`); got.Moved != 1 || got.Pin == nil {
		t.Errorf("moved for a time: %+v", got)
	}
	at("main 1, second 0")
	if got := f.ask("POST", "workers/farm.other/move", `{"goal":"main"}`, 404); !strings.Contains(got, "no miner of worker") {
		t.Errorf("a worker that is not there: %s", got)
	}
	if got := f.ask("POST", "workers/farm.other/pin", `{"goal":"main"}`, 200); !strings.Contains(got, `"moved":0,"stayed":0`) {
		t.Errorf("pinned before it comes: %s", got)
	}
	m.wantAlive()
	if f.opened() != 1 {
		t.Errorf("%d connections", f.opened())
	}
}

// What the balance of a running farmproxy moves is an event.
func TestMovesOfARunningProxyAreEvents(t *testing.T) {
	t.Parallel()
	f := ordered{startFile(t, ports+namedPools(startPool(t, nil), startPool(t, nil))+routeText("hall-1", "main 1: a", "second 1: b"))}
	eventually(t, "each goal has a link", func() bool { return f.book.Status().LinksUp == 2 })
	m := connect(t, f.server.Addresses()[0])
	m.work("farm.rig")
	f.ask("PUT", "routes/hall-1/weights", `{"weights":{"main":0,"second":1}}`, 200)
	eventually(t, "its move is handed to the history", func() bool {
		return strings.Contains(string(f.remember.unwritten(time.Now())), "farm.rig moved from main to second: main gets no work now")
	})
}

// Where a worker does not fit it is not sent: the answer says why, and it is not pinned.
func TestAWorkerThatDoesNotFitIsNotMoved(t *testing.T) {
	t.Parallel()
	rolls, rigid := startPool(t, nil), startPool(t, func(o *benchpool.Options) { o.Mask = 0 })
	f := ordered{startFile(t, ports+namedPools(rolls, rigid)+routeText("hall-1", "main 1: a", "spare 0: b"))}
	eventually(t, "each goal has a link", func() bool { return f.book.Status().LinksUp == 2 })
	m := connect(t, f.server.Addresses()[0])
	m.work("farm.rig")
	refused := f.move("move", `{"goal":"spare"}`)
	if refused.Moved > 0 || len(refused.Refused) != 1 || refused.Refused[0].Miners != 1 || !strings.Contains(refused.Refused[0].Reason, "fewer version bits") {
		t.Fatalf("%+v", refused)
	}
	if got := f.ask("POST", "workers/farm.rig/pin", `{"goal":"spare"}`, 400); !strings.Contains(got, refused.Refused[0].Reason) {
		t.Errorf("pinned where it does not fit: %s", got)
	}
	if got := f.ask("GET", "orders", "", 200); got != "{\"orders\":[]}\n" {
		t.Errorf("orders: %s", got)
	}
	m.wantAlive()
}

// A pool that is drained loses its miners to the next one of the goal, and no share; it is
// used again when it is enabled. One that is disabled is not even connected to.
func TestAPoolIsDrainedAndEnabled(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	f := ordered{startFile(t, ports+"[failover]\nreturn_after = \"0s\"\n"+namedPools(one, two))}
	eventually(t, "there is a link", func() bool { return f.book.Status().LinksUp == 1 })
	miners := startFleet(t, f.server.Addresses()[0], "farm", 10)
	serves := func(p *benchpool.Pool) {
		t.Helper()
		before := p.Books().Total().Accepted
		eventually(t, "the other pool has the shares", func() bool { return p.Books().Total().Accepted > before+50 })
	}
	for _, how := range []struct{ order, state string }{{"drain", "drained"}, {"disable", "disabled"}} {
		serves(one)
		f.ask("POST", "pools/a/"+how.order, `{"for":"8h"}`, 200)
		serves(two)
		if got := f.ask("GET", "links", "", 200); !strings.Contains(got, fmt.Sprintf(`"state":"%s","order":{"by":"anybody at 127.0.0.1"`, how.state)) {
			t.Errorf("%s is not shown: %s", how, got)
		}
		f.ask("POST", "pools/a/enable", "", 200)
	}
	serves(one)
	f.ask("POST", "pools/a/disable", "", 200)
	eventually(t, "the pool that is left has no link", func() bool { return one.Links() == 0 })
	serves(two)
	wantUndisturbed(t, "who changed its pool", miners, true)
	for reason := range miners.Books().Total().Reasons {
		if strings.Contains(reason, "lost") {
			t.Errorf("shares are lost: %v", miners.Books().Total().Reasons)
		}
	}
}

// order has the box run an admin command, and returns its answer.
func (b *ownProcess) order(command, args string) string {
	b.t.Helper()
	answer, err := admin.Do(b.t.Context(), b.socket, command, json.RawMessage(args), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(answer)
}

// The next process knows what was ordered before it connects to anything.
func TestOrdersAreThereAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	pool, spare := startPool(t, nil), startPool(t, nil)
	b := startOwn(t, pool, "name = \"a\"\n"+strings.ReplaceAll(namedPools(spare), `"a"`, `"b"`))
	b.order("disable", `{"pool":"b"}`)
	opened := spare.Opened()
	before := b.order("orders", "{}")
	if !strings.Contains(before, `"kind":"pool","name":"b","what":"disabled"`) {
		t.Fatalf("ordered: %s", before)
	}
	if _, err := b.upgrade(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new process answers", func() bool { return b.status().PID == b.pids[1] })
	if after := b.order("orders", "{}"); after != before {
		t.Errorf("after the upgrade: %s, before: %s", after, before)
	}
	if n := spare.Opened(); n != opened {
		t.Errorf("the pool that is disabled was connected to %d times", n-opened)
	}
	eventually(t, "the order's event, which was not written before the upgrade, is remembered", func() bool {
		answer, err := http.Get("http://" + b.web + "/api/v1/events?kind=order")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return strings.Contains(string(text), `"subject":"b"`)
	})
}
