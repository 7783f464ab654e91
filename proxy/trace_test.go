package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"farmproxy/admin"
	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
)

// tracing collects what a trace shows.
type tracing struct {
	t  *testing.T
	mu sync.Mutex
	by strings.Builder
}

// startTrace asks a proxy for a trace until the test ends.
func startTrace(t *testing.T, socket, name string) *tracing {
	x := &tracing{t: t}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		admin.Do(ctx, socket, "trace", TraceArgs{name}, func(line json.RawMessage) error {
			var e TraceEvent
			if err := json.Unmarshal(line, &e); err != nil {
				return err
			}
			x.mu.Lock()
			defer x.mu.Unlock()
			_, host, _ := strings.Cut(e.Connection, "lane ")
			if e.Time == nil && e.Remark != "" {
				host = "#"
			}
			fmt.Fprintf(&x.by, "%s %s: %s%s\n", host, e.From, e.Line, e.Remark)
			return nil
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	x.until("# : ")
	return x
}

func (x *tracing) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.by.String()
}

func (x *tracing) until(part string) {
	x.t.Helper()
	defer func() {
		if x.t.Failed() {
			x.t.Logf("the trace:\n%s", x.text())
		}
	}()
	eventually(x.t, "the trace shows "+part, func() bool { return strings.Contains(x.text(), part) })
}

// traceable starts a proxy with a socket for commands.
func traceable(t *testing.T, pool *benchpool.Pool, change func(*config.Config)) (p *proxy, socket, address string) {
	socket = filepath.Join(t.TempDir(), "admin.sock")
	p, address = startProxy(t, func(c *config.Config) {
		c.Admin.Socket = socket
		c.Pools[0].Password = "hunter2"
		if change != nil {
			change(c)
		}
	}, nil, pool)
	linked(t, p)
	return p, socket, address
}

// A trace shows what one worker's miners say and hear, those that are there and those that
// come, and nobody else's lines; no password.
func TestTraceOfAWorker(t *testing.T) {
	t.Parallel()
	p, socket, address := traceable(t, startPool(t, nil), nil)
	there, other := connect(t, address), connect(t, address)
	there.work("farm.rig")
	other.work("farm.other")
	x := startTrace(t, socket, "farm.rig")
	y := startTrace(t, socket, "FARM.RIG")
	there.send(`{"id":50,"method":"mining.ping","params":["` + strings.Repeat("x", 600) + `"]}`)
	there.answer(50)
	other.send(`{"id":51,"method":"mining.ping","params":[]}`)
	other.answer(51)
	for _, trace := range []*tracing{x, y} {
		trace.until(` miner: {"id":50,"method":"mining.ping"`)
		trace.until(` farmproxy: {"id":50,"result":"pong"`)
	}
	late := connect(t, address)
	late.send(`{"id":1,"method":"mining.subscribe","params":["test"]}`)
	late.answer(1)
	late.send(`{"id":60,"method":"mining.authorize","params":["farm.rig","hunter2"]}`)
	late.answer(60)
	late.send(`{"id":61,"method":"mining.authorize","params":["farm.rig","hunter2"]}`)
	late.answer(61)
	x.until(` miner: {"id":61,"method":"mining.authorize","params":["farm.rig","(hidden)"]}`)
	late.conn.Close()
	eventually(t, "it has left", func() bool { return p.book.Status().Miners == 2 })
	there.wantAlive()
	if got := x.text() + y.text(); strings.Contains(got, "hunter2") || strings.Contains(got, `"id":51`) {
		t.Errorf("the trace:\n%s", got)
	}
}

// A miner that is not looked at any more costs nothing again.
func TestATraceEnds(t *testing.T) {
	t.Parallel()
	p, _, address := traceable(t, startPool(t, nil), nil)
	m := connect(t, address)
	m.work("farm.rig")
	trace := p.server.Trace("farm.rig")
	eventually(t, "the miner is traced", func() bool { return len(trace.Miners()) == 1 })
	m.wantAlive()
	list, _, seen := trace.Miners()[0].Since(0)
	if len(list) < 2 {
		t.Errorf("%d messages", len(list))
	}
	p.server.EndTrace(trace)
	eventually(t, "nothing is kept any more", func() bool {
		m.wantAlive()
		list, _, next := trace.Miners()[0].Since(seen)
		seen = next
		return len(list) == 0
	})
}

// A trace of a pool shows the last lines, which came before, and those to come; a password
// that the pool repeats is hidden.
func TestTraceOfAPool(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	_, socket, address := traceable(t, pool, unchecked)
	x := startTrace(t, socket, "pool0")
	x.until(`0 farmproxy: {"id":4,"method":"mining.authorize","params":["farm","(hidden)"]}`)
	x.until(`0 pool: {"id":4,"result":true`)
	x.until(`"method":"mining.notify"`)
	m := connect(t, address)
	_, job := m.work("farm.rig")
	m.send(`{"id":7,"method":"mining.submit","params":["farm.rig",%s,"00000001","65000000","00000001"]}`, job.Params[0])
	m.answer(7)
	x.until(`"method":"mining.submit"`)
	if strings.Contains(x.text(), "hunter2") {
		t.Errorf("the trace:\n%s", x.text())
	}
}

// Where a miner has a link to itself, the trace of its worker shows that too, from its
// first line for one that comes; nothing is kept before or afterwards.
func TestTraceOfALinkOfOneMiner(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	socket := filepath.Join(t.TempDir(), "admin.sock")
	p, address := startProxy(t, func(c *config.Config) {
		c.Admin.Socket = socket
		c.Pools[0].Password, c.Pools[0].Mode = "hunter2", config.ModeDirect
	}, nil, pool)
	there, other := connect(t, address), connect(t, address)
	there.work("farm.rig")
	other.work("farm.other")
	x := startTrace(t, socket, "farm.rig")
	pool.Job(true)
	x.until(" pool: {")
	links := p.directory.TraceLinks("Farm.Late")
	connect(t, address).work("farm.late")
	eventually(t, "one link is traced", func() bool { return len(links.Links()) == 1 })
	eventually(t, "from its first line", func() bool {
		list, _, _ := links.Links()[0].Since(0)
		return len(list) > 4 && list[0].Sent
	})
	traced := links.Links()[0]
	p.directory.EndTrace(links)
	_, _, seen := traced.Since(0)
	before := strings.Count(x.text(), " pool: {")
	pool.Job(true)
	eventually(t, "the other trace goes on", func() bool { return strings.Count(x.text(), " pool: {") > before })
	if list, _, _ := traced.Since(seen); len(list) > 1 { // one may have been under way
		t.Errorf("%d messages are kept afterwards", len(list))
	}
	if strings.Contains(x.text(), "hunter2") || strings.Contains(x.text(), "farm.other") {
		t.Errorf("the trace:\n%s", x.text())
	}
}

// Attempts at a pool that lets nobody in can be looked at, and so can probes of a backup.
func TestTraceOfAPoolThatRefuses(t *testing.T) {
	t.Parallel()
	main := startPool(t, nil)
	refuses := startPool(t, func(o *benchpool.Options) { o.RefuseNames = regexp.MustCompile("") })
	p, socket, _ := traceable(t, main, func(c *config.Config) {
		c.Pools = append(c.Pools, c.Pools[0])
		c.Pools[1].Name, c.Pools[1].URL = "backup", "stratum+tcp://"+refuses.Addr()
	})
	eventually(t, "the backup was probed", func() bool { return len(p.directory.Taps("backup")) > 0 })
	x := startTrace(t, socket, "backup")
	x.until(` farmproxy: {"id":4,"method":"mining.authorize","params":["farm","(hidden)"]}`)
	x.until(` pool: {"id":4,"result":`)
}

func TestATraceNeedsAName(t *testing.T) {
	t.Parallel()
	_, socket, _ := traceable(t, startPool(t, nil), nil)
	if _, err := admin.Do(t.Context(), socket, "trace", TraceArgs{}, nil); err == nil || !strings.Contains(err.Error(), "expected the name of a worker or of a pool") {
		t.Errorf("%v", err)
	}
}
