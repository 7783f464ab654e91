package proxy

import (
	"net"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/config"
	"farmproxy/session"
)

// Each of these ends as docs/architecture.md says, and a working miner notices nothing.
func TestBadInputEndsAndOthersNoticeNothing(t *testing.T) {
	t.Parallel()
	p, address := startProxy(t, func(c *config.Config) { c.Miners.MalformedLimit = 3 }, nil, startPool(t, nil))
	good := connect(t, address)
	good.work("farm.good")

	f := func(name string, want session.Reason, act func(m *miner)) {
		t.Helper()
		before := p.closed(want)
		m := connect(t, address)
		act(m)
		m.wantClosed()
		eventually(t, name+" is counted as "+want.String(), func() bool { return p.closed(want) > before })
		good.wantAlive()
	}
	raw := func(text string) func(m *miner) { return func(m *miner) { m.conn.Write([]byte(text)) } }
	f("a TLS hello", session.UnexpectedTLS, raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
	f("an HTTP request", session.NotStratum, raw("GET / HTTP/1.1\r\nHost: farm\r\n\r\n"))
	f("an RDP scanner", session.NotStratum, raw("\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Administr\r\n"))
	f("a line of 1 MB", session.LineTooLong, raw("{"+strings.Repeat("x", 1<<20)+"\n"))
	f("nesting", session.TooDeep, raw(`{"id":1,"method":"x","params":`+strings.Repeat("[", codec.MaxDepth)+strings.Repeat("]", codec.MaxDepth)+"}\n"))
	f("malformed lines", session.TooManyMalformed, raw(strings.Repeat("{\"id\":1,\n", 5)))
}

// A connection that does not complete its handshake is closed in time.
func TestHandshakesThatStall(t *testing.T) {
	t.Parallel()
	p, address := startProxy(t, func(c *config.Config) {
		c.Miners.SubscribeTimeout = time.Second
		c.Miners.AuthorizeTimeout = 2 * time.Second
	}, nil, startPool(t, nil))
	good := connect(t, address)
	good.work("farm.good")
	silent, half, stranger := connect(t, address), connect(t, address), connect(t, address)
	half.conn.Write([]byte(`{"id":1,"method":"mining.subscr`))
	stranger.send(`{"id":1,"method":"mining.subscribe","params":[]}`)
	silent.wantClosed()
	half.wantClosed()
	stranger.wantClosed()
	eventually(t, "each is counted", func() bool {
		return p.closed(session.SubscribeTimeout) == 2 && p.closed(session.AuthorizeTimeout) == 1
	})
	good.wantAlive()
}

// A miner that sends but does not read is closed once 64 KiB wait for it.
func TestASlowReaderIsClosed(t *testing.T) {
	t.Parallel()
	p, address := startProxy(t, nil, nil, startPool(t, nil))
	good, slow := connect(t, address), connect(t, address)
	good.work("farm.good")
	slow.work("farm.slow")
	slow.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	ping := []byte(strings.Repeat(`{"id":1,"method":"mining.ping","params":[]}`+"\n", 500))
	slow.conn.SetWriteDeadline(time.Now().Add(patience))
	for p.closed(session.TooSlow) == 0 {
		if _, err := slow.conn.Write(ping); err != nil {
			break
		}
	}
	eventually(t, "the slow reader is closed", func() bool { return p.closed(session.TooSlow) == 1 })
	good.wantAlive()
}

func TestNewcomersBeyondTheLimitAreRefusedPolitely(t *testing.T) {
	t.Parallel()
	p, address := startProxy(t, func(c *config.Config) { c.Miners.Max = 2 }, nil, startPool(t, nil))
	one, two := connect(t, address), connect(t, address)
	one.work("farm.one")
	two.work("farm.two")
	late := connect(t, address)
	if _, msg := late.read(); msg.Method != "client.show_message" {
		t.Errorf("the third is told %s", msg.Method)
	}
	late.wantClosed()
	one.wantAlive()
	two.wantAlive()
	two.conn.Close()
	eventually(t, "there is room again", func() bool { return p.book.Status().Miners == 1 })
	connect(t, address).work("farm.three")
}

// A burst of connects and disconnects leaves nothing behind.
func TestABurstOfConnectsAndDisconnects(t *testing.T) {
	t.Parallel()
	p, address := startProxy(t, nil, nil, startPool(t, nil))
	good := connect(t, address)
	good.work("farm.good")
	const burst = 2000
	for range burst {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(`{"id":1,"method":"mining.subscribe","params":[]}` + "\n"))
		conn.Close()
	}
	eventually(t, "all of them have gone", func() bool { return p.opened() >= burst+1 && p.book.Status().Miners == 1 })
	good.wantAlive()
	if s := p.book.Status(); s.Subscribed != 1 || s.Authorized != 1 {
		t.Errorf("%d subscribed, %d authorized are left", s.Subscribed, s.Authorized)
	}
}

// A miner that returns with its session id gets its extranonce back.
func TestASessionIsResumed(t *testing.T) {
	t.Parallel()
	_, address := startProxy(t, nil, nil, startPool(t, nil))
	first := connect(t, address)
	subscribed, _ := first.work("farm.rig")
	id := strings.Split(string(subscribed.Result), `"`)[3]
	before := extranonce(string(subscribed.Result))
	first.conn.Close()

	eventually(t, "the session is given back", func() bool {
		m := connect(t, address)
		defer m.conn.Close()
		m.send(`{"id":2,"method":"mining.subscribe","params":["test","%s"]}`, id)
		_, again := m.answer(2)
		return strings.Contains(string(again.Result), id) && extranonce(string(again.Result)) == before
	})
}

// extranonce returns the extranonce1 in a subscribe result.
func extranonce(result string) string {
	_, tail, _ := strings.Cut(result, "]],")
	return tail
}

// With no pool for longer than hold, miners are disconnected.
func TestMinersAreLetGoWithoutAPool(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	p, address := startProxy(t, func(c *config.Config) { c.Failover.Hold.Duration = 10 * time.Millisecond }, nil, pool)
	m := connect(t, address)
	m.work("farm.rig")
	pool.Close()
	m.wantClosed()
	eventually(t, "it is counted", func() bool { return p.closed(session.NoPool) == 1 })
}

// A miner that subscribes while no pool is up is answered at once, and gets its job
// once there is one.
func TestSubscribeIsAnsweredBeforeThereIsAPool(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	pool.Stop()
	_, address := startProxy(t, nil, nil, pool)
	m := connect(t, address)
	m.send(`{"id":1,"method":"mining.subscribe","params":[]}`)
	m.answer(1)
	m.send(`{"id":2,"method":"mining.authorize","params":["farm.rig"]}`)
	m.answer(2)
	if err := pool.Start(); err != nil {
		t.Fatal(err)
	}
	if job := m.notification("mining.notify"); string(job.Params[8]) != "true" {
		t.Error("the first job is not clean")
	}
}
