package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	benchpool "farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/config"
	"farmproxy/session"
)

// heldPool is a pool whose verdicts wait until they are released.
func heldPool(t *testing.T) (pool *benchpool.Pool, came chan benchpool.Submit, release func()) {
	came, held := make(chan benchpool.Submit, 16), make(chan struct{})
	release = sync.OnceFunc(func() { close(held) })
	pool = startPool(t, func(o *benchpool.Options) {
		o.OnSubmit = func(s benchpool.Submit) { came <- s; <-held }
	})
	t.Cleanup(release) // before the pool is closed
	return pool, came, release
}

// linked waits until it is known what the pool gives: all miners then get as much.
func linked(t *testing.T, p *proxy) {
	t.Helper()
	eventually(t, "there is a link", func() bool { return p.book.Status().LinksUp > 0 })
}

// A stop closes the ports at once, and each miner as soon as it waits for nothing.
func TestAStopUnderLoad(t *testing.T) {
	pool, came, release := heldPool(t)
	p, stop := launch(t, testLog{t}, func(c *config.Config) {
		unchecked(c)
		c.Miners.Loops = 1 // what one miner sees is so for the other
		c.Listeners = append(c.Listeners, config.Listener{Address: ":0"})
	}, nil, pool)
	p.drain = patience
	linked(t, p)
	address := p.server.Addresses()[0]
	idle, waits := connect(t, address), connect(t, address)
	idle.work("farm.idle")
	_, job := waits.work("farm.waits")
	waits.send(`{"id":7,"method":"mining.submit","params":["farm.waits",%s,"00000001","65000000","00000001"]}`, job.Params[0])
	<-came

	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	idle.wantClosed()
	for _, a := range p.server.Addresses() {
		if conn, err := net.Dial("tcp", a); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a newcomer at %s meanwhile: %v, %v", a, conn, err)
		}
	}
	if reply, err := http.Get("http://" + webAt(p) + "/readyz"); err != nil || reply.StatusCode != 503 {
		t.Errorf("/readyz meanwhile: %v, %v", reply, err)
	}
	waits.send(`{"id":8,"method":"mining.submit","params":["farm.waits",%s,"00000002","65000000","00000002"]}`, job.Params[0])
	select {
	case <-stopped:
		t.Fatal("it stopped while a verdict was on its way")
	default:
	}
	release()
	waits.answer(7)
	waits.wantClosed()
	<-stopped
	if n := p.closed(session.Shutdown); n != 2 {
		t.Errorf("%d miners are counted as closed by the stop, want 2", n)
	}
	if len(came) > 0 {
		t.Error("a share that came during the stop was handed on: nobody can hear its verdict")
	}
}

// A pool that never answers does not keep a stop up for long.
func TestAStopWithoutAVerdict(t *testing.T) {
	t.Parallel()
	pool, came, _ := heldPool(t)
	p, stop := launch(t, testLog{t}, unchecked, nil, pool)
	linked(t, p)
	m := connect(t, p.server.Addresses()[0])
	_, job := m.work("farm.rig")
	m.send(`{"id":7,"method":"mining.submit","params":["farm.rig",%s,"00000001","65000000","00000001"]}`, job.Params[0])
	<-came
	stop()
	for range m.answers() {
		t.Error("the miner has an answer to a share that the pool has not judged")
	}
	if n := p.closed(session.Shutdown); n != 1 {
		t.Errorf("%d miners are counted as closed by the stop, want 1", n)
	}
}

// answers are the ids of all answers until the connection is closed.
func (m *miner) answers() iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			m.conn.SetReadDeadline(time.Now().Add(patience))
			line, err := m.in.ReadString('\n')
			if e, ok := err.(net.Error); ok && e.Timeout() {
				m.t.Error("the connection stays open")
			}
			var msg message
			switch {
			case err != nil:
				return
			case json.Unmarshal([]byte(line), &msg) != nil || msg.Method != "":
			case !yield(string(msg.ID)):
				return
			}
		}
	}
}

// Shares whose hash takes long are hashed, handed on and answered first.
func TestAStopWaitsForSlowHashes(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Algorithm = proof.Scrypt })
	p, stop := launch(t, testLog{t}, func(c *config.Config) { c.Pools[0].Algorithm = "scrypt" }, nil, pool)
	p.drain = patience
	linked(t, p)
	m := connect(t, p.server.Addresses()[0])
	_, job := m.work("farm.rig")
	const shares = 20 // they fit into one read
	var text strings.Builder
	for n := range shares {
		fmt.Fprintf(&text, `{"id":%d,"method":"mining.submit","params":["farm.rig",%s,"%08x","65000000","00000001"]}`+"\n", 100+n, job.Params[0], n)
	}
	io.WriteString(m.conn, text.String())
	stopped, answered := make(chan struct{}), 0
	for range m.answers() {
		if answered++; answered == 1 { // all have come
			go func() { defer close(stopped); stop() }()
		}
	}
	<-stopped
	if answered != shares {
		t.Errorf("%d of %d shares that were there have an answer", answered, shares)
	}
}
