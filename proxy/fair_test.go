package proxy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	benchpool "farmproxy/bench/pool"
	"farmproxy/codec/agent"
	"farmproxy/config"
	"farmproxy/session"
)

// stubPool is a pool that gives jobs, counts links and shares, and answers no share
// before answer is closed.
type stubPool struct {
	url    string
	answer chan struct{}
	conn   atomic.Pointer[net.Conn] // of the last link
	links  atomic.Int64
	all    atomic.Int64 // shares
}

// stubJob is a notify whose job has minimal content.
const stubJob = `{"id":null,"method":"mining.notify","params":["1","0000000000000000000000000000000000000000000000000000000000000000","01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff20","ffffffff0100f2052a010000000000000000",[],"20000000","1d00ffff","66a1b2d0",true]}` + "\n"

func newStubPool(t *testing.T) *stubPool {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &stubPool{url: "stratum+tcp://" + l.Addr().String(), answer: make(chan struct{})}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.links.Add(1)
			p.conn.Store(&conn)
			go p.serve(conn)
		}
	}()
	return p
}

func (p *stubPool) serve(conn net.Conn) {
	defer conn.Close()
	for in := bufio.NewScanner(conn); in.Scan(); {
		var m struct { // one for each line: answers come later
			ID     json.RawMessage
			Method string
		}
		if json.Unmarshal(in.Bytes(), &m) != nil {
			return
		}
		switch m.Method {
		case "mining.configure":
			fmt.Fprintf(conn, `{"id":%s,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null}`+"\n", m.ID)
		case "mining.subscribe":
			fmt.Fprintf(conn, `{"id":%s,"result":[[["mining.notify","1"]],"abcd0123",8],"error":null}`+"\n", m.ID)
		case "mining.authorize":
			fmt.Fprintf(conn, `{"id":%s,"result":true,"error":null}`+"\n"+`{"id":null,"method":"mining.set_difficulty","params":[1]}`+"\n"+stubJob, m.ID)
		case "mining.submit":
			p.all.Add(1)
			go func() {
				<-p.answer
				fmt.Fprintf(conn, `{"id":%s,"result":true,"error":null}`+"\n", m.ID)
			}()
		}
	}
}

// send sends a line over the last link.
func (p *stubPool) send(line string) { fmt.Fprint(*p.conn.Load(), line) }

// stubMiner is a miner that works on the stub's job.
type stubMiner struct {
	*miner
	login, job string
	size       int // of its extranonce2
}

func connectToStub(t *testing.T, address, login string) stubMiner {
	t.Helper()
	s := stubMiner{miner: connect(t, address), login: login}
	subscribed, job := s.work(login)
	var result []json.RawMessage
	if err := json.Unmarshal(subscribed.Result, &result); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(result[2], &s.size); err != nil {
		t.Fatal(err)
	}
	s.job = string(job.Params[0])
	return s
}

// submits returns n different shares of a miner for the stub's job.
func (s stubMiner) submits(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":%d,"method":"mining.submit","params":["%s",%s,"%0*x","66a1b2d0","%08x"]}`+"\n", 1000+i, s.login, s.job, 2*s.size, 0, first+i)
	}
	return b.String()
}

// One miner submits shares that nobody answers, of an algorithm that can't be checked:
// it gets its part of the lane, and another miner's share still goes up.
func TestAFloodLeavesTheLaneToOthers(t *testing.T) {
	t.Parallel()
	pool := newStubPool(t)
	_, address := startProxy(t, withStub(pool, "x11"), nil)
	flooder, good := connectToStub(t, address, "farm.flooder"), connectToStub(t, address, "farm.good")
	const flood = 2000
	flooder.conn.Write([]byte(flooder.submits(0, flood)))
	refused := 0
	for refused < flood-512 { // at most the rest may wait
		if _, msg := flooder.read(); len(msg.Error) > 4 && msg.Method == "" {
			refused++
		}
	}
	before := pool.all.Load()
	good.conn.Write([]byte(good.submits(1<<20, 1)))
	eventually(t, "the other miner's share is at the pool", func() bool { return pool.all.Load() > before })
	if n := pool.all.Load(); n > 512 {
		t.Errorf("the pool has %d shares, of which one is not the flooder's", n)
	}
	close(pool.answer)
}

// A flood of slow hashes: the others' shares are judged, and the flooder is told the
// reason.
func TestAFloodOfSlowHashesLeavesTheHasherToOthers(t *testing.T) {
	t.Parallel()
	pool := newStubPool(t)
	_, address := startProxy(t, withStub(pool, "scrypt"), nil)
	flooder := connectToStub(t, address, "farm.flooder")
	var good []stubMiner
	for i := range 20 {
		good = append(good, connectToStub(t, address, fmt.Sprintf("farm.good%d", i)))
	}
	go flooder.conn.Write([]byte(flooder.submits(0, 3000)))
	for text := ""; !strings.Contains(text, "Too many shares at once"); {
		text, _ = flooder.read()
		if strings.Contains(text, "Pool does not answer") {
			t.Fatalf("the flooder is told %s", text)
		}
	}
	for i, m := range good {
		m.conn.Write([]byte(m.submits(1<<20+i, 1)))
	}
	for i, m := range good {
		if line, _ := m.answer(1000); !strings.Contains(line, "Low difficulty") {
			t.Errorf("miner %d is told %s; want what became of its share", i, line)
		}
	}
}

func withStub(pool *stubPool, algorithm string) func(*config.Config) {
	return func(c *config.Config) {
		c.Pools = append(c.Pools, config.Pool{Name: "stub", URL: pool.url, User: "farm", Password: "x", Workers: config.WorkersAggregate, Links: 1, Algorithm: algorithm, Mode: config.ModeAggregate})
	}
}

// Large jobs that arrive faster than a miner reads close no miner that reads, and it
// gets the newest.
func TestLargeJobsCloseNobodyWhoReads(t *testing.T) {
	t.Parallel()
	pool := newStubPool(t)
	p, address := startProxy(t, withStub(pool, "sha256d"), nil)
	m := connect(t, address)
	m.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	m.work("farm.rig")
	const jobs = 100
	large := strings.Replace(stubJob, "0100f2052a01", "0100f2052a01"+strings.Repeat("00", 25<<10), 1)
	for i := range jobs {
		pool.send(strings.Replace(large, `"66a1b2d0"`, fmt.Sprintf(`"%08x"`, 0x66a1c000+i), 1))
	}
	for ntime := ""; ntime != fmt.Sprintf(`"%08x"`, 0x66a1c000+jobs-1); {
		ntime = string(m.notification("mining.notify").Params[7])
	}
	m.wantAlive()
	if n := p.closed(session.TooSlow); n > 0 {
		t.Errorf("%d miners were closed as too slow", n)
	}
}

// One address invents users, each on its own connection: the pool sees a few links and
// no more, and a user of another address works.
func TestInventedUsersOpenFewLinks(t *testing.T) {
	t.Parallel()
	pool := newStubPool(t)
	p, address := startProxy(t, func(c *config.Config) {
		withStub(pool, "sha256d")(c)
		c.Pools[0].User, c.Accounts.MultiUser = "", true
	}, nil)
	const invented = 150
	for i := range invented {
		m := connect(t, address)
		m.send(`{"id":1,"method":"mining.subscribe","params":["x"]}` + "\n" + fmt.Sprintf(`{"id":2,"method":"mining.authorize","params":["invented%d","x"]}`, i))
		m.answer(2)
	}
	good := connectFrom(t, address, "127.0.0.2")
	good.work("good.rig")
	if n := pool.links.Load(); n > invented/2 {
		t.Errorf("the pool has %d links of %d users that do nothing", n, invented)
	}
	if n := p.closed(session.NoShare); n > 0 {
		t.Errorf("%d were closed though there is room", n)
	}
}

// One connection goes from account to account: it opens few links, and is told why
// there are no more.
func TestAConnectionThatInventsUsers(t *testing.T) {
	t.Parallel()
	pool := newStubPool(t)
	_, address := startProxy(t, func(c *config.Config) {
		withStub(pool, "sha256d")(c)
		c.Pools[0].User, c.Accounts.MultiUser = "", true
	}, nil)
	m := connect(t, address)
	m.work("ann.rig")
	told := ""
	for i := 10; i < 30; i++ {
		m.send(`{"id":%d,"method":"mining.authorize","params":["invented%d","x"]}`, i, i)
		told, _ = m.answer(i)
	}
	if !strings.Contains(told, "Too many accounts") {
		t.Errorf("the last is told %s", told)
	}
	m.send(`{"id":40,"method":"mining.authorize","params":["invented13.another","x"]}`)
	if told, _ := m.answer(40); !strings.Contains(told, "true") {
		t.Errorf("another worker of the account that it mines for is told %s", told)
	}
	if n := pool.links.Load(); n > 6 {
		t.Errorf("%d links", n)
	}
}

// Agents of one address that do nothing, but register workers, do not keep out one of
// another address, and have few links.
func TestIdleAgentsKeepOutNobody(t *testing.T) {
	t.Parallel()
	pool := newStubPool(t)
	_, address := startProxy(t, withStub(pool, "sha256d"), nil)
	hello := func(m *miner) {
		m.send(`{"id":1,"method":"agent.get_capabilities","params":[]}`)
		m.send(`{"id":2,"method":"mining.subscribe","params":["btccom-agent/2.0"]}`)
		m.send(`{"id":3,"method":"mining.authorize","params":["farm.agent","x"]}`)
	}
	for range 300 {
		m := connect(t, address)
		hello(m)
		m.conn.Write(agent.AppendRegister(nil, 1, "cgminer/4.10", "w"))
		m.answer(2)
	}
	good := connectFrom(t, address, "127.0.0.2")
	hello(good)
	if _, msg := good.answer(2); len(msg.Result) < 10 {
		t.Errorf("the agent of another address is told %s", msg.Error)
	}
	if n := pool.links.Load(); n > 100 {
		t.Errorf("the pool has %d links of agents that do nothing", n)
	}
}

// Miners that connect, say who they are, and leave, one after the other: their prefixes
// become free again, so a pool with room for short ones does not get a link for every
// 256 of them.
func TestConnectsThatDoNothingOpenFewLinks(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 3 })
	p, address := startProxy(t, nil, nil, pool)
	eventually(t, "the pool's size is known, and lanes fit it", func() bool { return p.book.Status().LinksUp > 0 })
	for i := range 1500 {
		m := connect(t, address)
		m.send(`{"id":1,"method":"mining.subscribe","params":["x"]}`)
		m.send(`{"id":2,"method":"mining.authorize","params":["farm.%d","x"]}`, i)
		m.answer(2)
		m.conn.Close()
	}
	connect(t, address).work("farm.good")
	if n := pool.Links(); n > 3 {
		t.Errorf("the pool has %d links for one miner", n)
	}
}

// connectFrom connects from an address of this machine.
func connectFrom(t *testing.T, address, from string) *miner {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &miner{t, conn, bufio.NewReader(conn)}
}

// When the process stood still for a while, all miners' shares are ready at once: more
// than a lane's queue has room for, and none is refused.
func TestEverybodysSharesAtOnce(t *testing.T) {
	t.Parallel()
	pool := newStubPool(t)
	p, address := startProxy(t, withStub(pool, "x11"), nil)
	const miners, each = 400, 60 // in one read of each miner
	var list []stubMiner
	for i := range miners {
		list = append(list, connectToStub(t, address, fmt.Sprintf("farm.rig%d", i)))
	}
	if err := p.server.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, m := range list {
		m.conn.Write([]byte(m.submits(i*each, each)))
	}
	p.server.Thaw()
	eventually(t, "the pool has all shares", func() bool { return pool.all.Load() == miners*each })
	close(pool.answer)
	for _, m := range list {
		for range each {
			if line, msg := m.read(); string(msg.Result) != "true" {
				t.Fatalf("a miner is told %s", line)
			}
		}
	}
}
