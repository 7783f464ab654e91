package proxy

import (
	"strings"
	"testing"

	benchpool "farmproxy/bench/pool"
	"farmproxy/codec/agent"
	"farmproxy/session"
)

// smaller makes a pool give that many bytes of extranonce2 from now on.
func smaller(t *testing.T, pool *benchpool.Pool, bytes int) {
	t.Helper()
	if err := pool.SetExtranonce2Size(bytes); err != nil {
		t.Fatal(err)
	}
	pool.DropLinks()
}

// knowsPool waits until farmproxy knows how much room the pool leaves: miners that
// connect earlier get little, which fits everywhere.
func knowsPool(t *testing.T, p *proxy) {
	t.Helper()
	eventually(t, "a link is up", func() bool { return p.book.Status().LinksUp > 0 })
}

// Miners whose prefixes do not fit a smaller pool are closed, return for shorter ones,
// and work, including those that have logged in.
func TestMinersComeBackToASmallerPool(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 8 })
	p, address := startProxy(t, nil, nil, pool)
	knowsPool(t, p)
	m, away := connect(t, address), connect(t, address)
	subscribed, _ := m.work("farm.rig")
	left, _ := away.work("farm.away")
	away.conn.Close()
	eventually(t, "its session is parked", func() bool { return p.book.Status().Miners == 1 })

	smaller(t, pool, 3)
	m.wantClosed()
	if n := p.closed(session.ExtranonceTooSmall); n != 1 {
		t.Errorf("%d closed as %v, want 1", n, session.ExtranonceTooSmall)
	}
	for name, before := range map[string]message{"farm.rig": subscribed, "farm.away": left} {
		id := strings.Split(string(before.Result), `"`)[3]
		again := connect(t, address)
		again.send(`{"id":1,"method":"mining.subscribe","params":["test","%s"]}`, id)
		_, answer := again.answer(1)
		if got := extranonce(string(answer.Result)); len(got) != len(`"00",2]`) {
			t.Errorf("%s has %s, had %s", name, got, extranonce(string(before.Result)))
		}
		again.send(`{"id":2,"method":"mining.authorize","params":["%s"]}`, name)
		again.notification("mining.notify")
		again.wantAlive()
	}
}

// They do so even if a backup has room for them but is down: nobody gets its old
// session back, only to be closed again for it.
func TestMinersComeBackToASmallerPoolThoughTheBackupHasRoom(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 8 })
	backup := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 8 })
	backup.Stop()
	p, address := startProxy(t, nil, nil, pool, backup)
	knowsPool(t, p)
	m := connect(t, address)
	subscribed, _ := m.work("farm.rig")
	id := strings.Split(string(subscribed.Result), `"`)[3]
	smaller(t, pool, 3)
	m.wantClosed()
	again := connect(t, address)
	again.send(`{"id":1,"method":"mining.subscribe","params":["test","%s"]}`, id)
	_, answer := again.answer(1)
	if got := extranonce(string(answer.Result)); len(got) != len(`"00",2]`) {
		t.Errorf("it has %s, had %s", got, extranonce(string(subscribed.Result)))
	}
	again.send(`{"id":2,"method":"mining.authorize","params":["farm.rig"]}`)
	again.notification("mining.notify")
	again.wantAlive()
}

// An agent whose pool now leaves too little room is closed, and told why when it
// returns.
func TestAnAgentOfBeforeASmallerPool(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 8 })
	p, address := startProxy(t, nil, nil, pool)
	knowsPool(t, p)
	good := connect(t, address)
	good.work("farm.direct")
	a := connectAgent(t, address, "farm")
	a.register(1, "rig1")
	wantCounted(t, p, 2, 1)
	smaller(t, pool, 4)
	a.wantClosed()
	good.wantClosed() // it has an extranonce2 of 4 bytes, of which the pool leaves 2
	wantCounted(t, p, 0, 0)
	eventually(t, "both are counted", func() bool { return p.closed(session.ExtranonceTooSmall) == 2 })
	again := dialAgent(t, address)
	again.write(handshake("farm"))
	again.until(func(line string, _ agent.Frame) bool { return strings.Contains(line, "extranonce2 of 8 bytes") })
	again.wantClosed()
}
