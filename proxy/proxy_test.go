package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/session"
	"farmproxy/upstream"
)

// patience is how long a test waits for an event that must come: far longer than it
// takes on a busy machine.
const patience = 20 * time.Second

// startPool starts a harness pool that lasts as long as the test.
func startPool(t *testing.T, change func(*benchpool.Options)) *benchpool.Pool {
	t.Helper()
	o := benchpool.DefaultOptions()
	if change != nil {
		change(&o)
	}
	p, err := benchpool.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// startProxy serves miners on one address until the test ends, and must then stop
// cleanly.
func startProxy(t *testing.T, change func(*config.Config), tune func(*upstream.DirectoryOptions), pools ...*benchpool.Pool) (p *proxy, address string) {
	t.Helper()
	p, stop := launch(t, testLog{t}, change, tune, pools...)
	t.Cleanup(stop)
	return p, p.server.Addresses()[0]
}

// launch serves miners on one address until stop is called, which waits for the end.
func launch(t *testing.T, log io.Writer, change func(*config.Config), tune func(*upstream.DirectoryOptions), pools ...*benchpool.Pool) (p *proxy, stop func()) {
	t.Helper()
	c := config.Default()
	c.Listeners = []config.Listener{{Address: "127.0.0.1:0"}}
	c.HTTP.Address = "127.0.0.1:0"
	c.Limits = config.Limits{} // floods come in, to see what stops them further in
	for i, pool := range pools {
		c.Pools = append(c.Pools, config.Pool{Name: fmt.Sprintf("pool%d", i), URL: "stratum+tcp://" + pool.Addr(), User: "farm", Password: "x", Workers: config.WorkersAggregate, Links: 1, Algorithm: "sha256d", Mode: config.ModeAggregate})
	}
	if change != nil {
		change(c)
	}
	p, err := newProxy(c, slog.New(slog.NewTextHandler(log, nil)), tune, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.serve(ctx) }()
	<-p.server.Booted()
	return p, func() {
		t.Helper()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the proxy ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("the proxy does not stop")
		}
	}
}

// A stop causes no warnings, for example about links that end with it.
func TestAStopWarnsOfNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer // slog writes one line at a time
	p, stop := launch(t, &log, nil, nil, startPool(t, nil))
	connect(t, p.server.Addresses()[0]).work("farm.rig")
	stop()
	if strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "farmproxy stops") {
		t.Errorf("the log:\n%s", log.String())
	}
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// miner is a socket through which a test speaks, line by line.
type miner struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func connect(t *testing.T, address string) *miner {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &miner{t, conn, bufio.NewReader(conn)}
}

func (m *miner) send(format string, args ...any) {
	m.t.Helper()
	if _, err := fmt.Fprintf(m.conn, format+"\n", args...); err != nil {
		m.t.Fatal(err)
	}
}

// message is a line from the proxy.
type message struct {
	ID     json.RawMessage
	Method string
	Params []json.RawMessage
	Result json.RawMessage
	Error  json.RawMessage
}

func (m *miner) read() (line string, msg message) {
	m.t.Helper()
	m.conn.SetReadDeadline(time.Now().Add(patience))
	line, err := m.in.ReadString('\n')
	if err != nil {
		m.t.Fatalf("instead of a line: %v", err)
	}
	if err := json.Unmarshal([]byte(line), &msg); err != nil {
		m.t.Fatalf("%q: %v", line, err)
	}
	return line, msg
}

// notification reads until a notification of that method arrives.
func (m *miner) notification(method string) message {
	m.t.Helper()
	for {
		if _, msg := m.read(); msg.Method == method {
			return msg
		}
	}
}

// answer reads until the answer to that id arrives.
func (m *miner) answer(id int) (line string, msg message) {
	m.t.Helper()
	for {
		if line, msg := m.read(); msg.Method == "" && string(msg.ID) == fmt.Sprint(id) {
			return line, msg
		}
	}
}

// work takes the miner through its handshake to its first job.
func (m *miner) work(login string) (subscribed, job message) {
	m.t.Helper()
	m.send(`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}`)
	m.send(`{"id":2,"method":"mining.subscribe","params":["test"]}`)
	_, subscribed = m.answer(2)
	m.send(`{"id":3,"method":"mining.authorize","params":[%q,"x"]}`, login)
	return subscribed, m.notification("mining.notify")
}

// wantClosed fails unless the proxy closes the connection.
func (m *miner) wantClosed() {
	m.t.Helper()
	m.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		if _, err := m.in.ReadString('\n'); err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				m.t.Error("the connection stays open")
			}
			return
		}
	}
}

// wantAlive fails unless the miner is still served.
func (m *miner) wantAlive() {
	m.t.Helper()
	m.send(`{"id":99,"method":"mining.ping","params":[]}`)
	if _, msg := m.answer(99); string(msg.Result) != `"pong"` {
		m.t.Errorf("ping is answered with %s", msg.Result)
	}
}

// eventually waits until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// closed returns how many miners were closed for a reason.
func (p *proxy) closed(reason session.Reason) (n uint64) {
	for i := range p.loops {
		n += p.book.Loop(i).Closed[reason].Load()
	}
	return n
}

// opened returns how many connections there have been.
func (p *proxy) opened() (n uint64) {
	for i := range p.loops {
		n += p.book.Loop(i).Opened.Load()
	}
	return n
}
