package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/stats"
)

// address is a connection with a remote address that records its close.
type address struct {
	net.Conn
	from   string
	closed bool
}

func (a *address) RemoteAddr() net.Addr       { return fakeAddr(a.from) }
func (a *address) Close() error               { a.closed = true; return nil }
func (a *address) Read(p []byte) (int, error) { return 0, io.EOF }

type fakeAddr string

func (a fakeAddr) Network() string { return "tcp" }
func (a fakeAddr) String() string  { return string(a) + ":47060" }

// room is a table of 4 connections, 3 per client, and the ones that arrived.
type room struct {
	*connections
	time  time.Time
	conns map[string]*conn
}

func newRoom() *room {
	r := &room{newConnections(), noon, make(map[string]*conn)}
	r.most, r.perClient = 4, 3
	r.now = func() time.Time { r.time = r.time.Add(time.Second); return r.time }
	return r
}

// do plays a line of events: NAME@ADDRESS arrives, NAME! asks, NAME. has its answer,
// NAME- leaves.
func (r *room) do(line string) {
	for event := range strings.FieldsSeq(line) {
		if name, from, ok := strings.Cut(event, "@"); ok {
			r.conns[name] = r.admit(&address{from: from})
			continue
		}
		switch c := r.conns[event[:len(event)-1]]; event[len(event)-1] {
		case '!':
			c.answering()
		case '.':
			c.Read(nil)
		case '-':
			c.Close()
		}
	}
}

// String names the open connections, with + after those for health only.
func (r *room) String() string {
	var names []string
	for name, c := range r.conns {
		if c == nil || c.closed != c.Conn.(*address).closed {
			continue
		}
		if _, there := r.open[c]; there != !c.closed {
			names = append(names, name+"?")
		} else if there && c.healthOnly {
			names = append(names, name+"+")
		} else if there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestWhoGivesWay(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		r := newRoom()
		r.do(line)
		if got := r.String(); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
		total := 0
		for _, n := range r.clients {
			total += n
		}
		if total != len(r.open) {
			t.Errorf("%s: %d connections are counted, there are %d", line, total, len(r.open))
		}
	}
	f("a@10.0.0.1 b@10.0.0.1 c@10.0.0.1", "a b c")
	f("a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 d@10.0.0.1", "b c d") // its own longest idle one
	f("a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 a! a. d@10.0.0.1", "a c d")
	f("a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 a! d@10.0.0.1", "a c d")
	f("a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 a- d@10.0.0.1", "b c d")
	f("x@10.0.0.2 a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 d@10.0.0.1", "b c d x")
	f("x@10.0.0.2 a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 y@10.0.0.3", "b c x y") // one of the client with the most
	f("x@10.0.0.2 y@10.0.0.3 z@10.0.0.4 a@10.0.0.1 b@10.0.0.5", "a b y z")
	f("a@[2001:db8::1] b@[2001:db8::2] c@[2001:db8::3] d@[2001:db8::4] e@[2001:db8:0:1::1]", "b c d e") // a /64 is one client

	// When all are busy the newcomer is for health only, and gives way first.
	f("a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 a! b! c! d@10.0.0.1", "a b c d+")
	f("a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 a! b! c! d@10.0.0.1 e@10.0.0.1", "a b c e+")
	f("a@10.0.0.1 b@10.0.0.1 c@10.0.0.1 a! b! c! d@10.0.0.1 d! e@10.0.0.1", "a b c d+ e+")
	f("a@10.0.0.1 b@10.0.0.1 x@10.0.0.2 y@10.0.0.2 a! b! x! y! h@10.0.0.3", "a b h+ x y")
	f("a@10.0.0.1 b@10.0.0.1 x@10.0.0.2 y@10.0.0.2 a! b! x! y! h@10.0.0.3 i@10.0.0.4 a- b- i! j@10.0.0.4", "i+ j x y")
}

// The room for health is bounded too, as descriptors are.
func TestRoomForHealthIsBounded(t *testing.T) {
	r := newRoom()
	for i := range 4 + 2*keptForHealth {
		r.do(fmt.Sprintf("c%d@10.0.%d.1", i, i))
		if c := r.conns[fmt.Sprintf("c%d", i)]; c != nil {
			c.answering()
		}
	}
	if len(r.open) != 4+keptForHealth {
		t.Errorf("%d connections, want %d", len(r.open), 4+keptForHealth)
	}
	r = newRoom()
	for i := range 4 + 2*keptForHealth {
		if r.do(fmt.Sprintf("c%d@10.0.0.1", i)); r.conns[fmt.Sprintf("c%d", i)] != nil {
			r.conns[fmt.Sprintf("c%d", i)].answering()
		}
	}
	if len(r.open) != 3+keptForHealth {
		t.Errorf("%d connections of one client, want %d", len(r.open), 3+keptForHealth)
	}
}

// writes records how an answer is written: the size of each piece and the seconds
// allowed for it.
type writes struct {
	address
	now    func() time.Time
	pieces []string
	end    time.Time
}

func (w *writes) SetWriteDeadline(end time.Time) error { w.end = end; return nil }
func (w *writes) Write(p []byte) (int, error) {
	w.pieces = append(w.pieces, fmt.Sprintf("%d/%v", len(p), w.end.Sub(w.now()).Seconds()))
	return len(p), nil
}

// A client has stallTime for each piece of an answer, and writeTimeout for the whole.
func TestEachPieceIsTakenInTime(t *testing.T) {
	f := func(bytes int, left time.Duration, want string) {
		t.Helper()
		r := newRoom()
		r.now = func() time.Time { return noon }
		w := &writes{address: address{from: "10.0.0.1"}, now: r.now}
		c := r.admit(w)
		if left > 0 {
			c.SetWriteDeadline(noon.Add(left))
		}
		if n, err := c.Write(make([]byte, bytes)); n != bytes || err != nil {
			t.Errorf("%d bytes: %d, %v", bytes, n, err)
		}
		if got := strings.Join(w.pieces, " "); got != want {
			t.Errorf("%d bytes, %v left: %s, want %s", bytes, left, got, want)
		}
	}
	f(100, time.Minute, "100/10")
	f(2*writePiece+1, time.Minute, "16384/10 16384/10 1/10")
	f(100, 3*time.Second, "100/3")
	f(100, 0, "100/10")
}

// until waits until ok returns true, for longer than that takes on a busy machine.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

// status sends a request over a new connection and returns the answer's status.
func status(t *testing.T, address, path string) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Idle connections, before their first request or between two, keep nobody out.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	on := serveTCP(t, Options{Book: stats.New(stats.Options{Loops: 1})})
	for i := range 2 * (maxConnections + keptForHealth) {
		c, err := net.Dial("tcp", on)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			continue
		}
		io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	for _, path := range []string{"/healthz", "/api/v1/status", "/metrics"} {
		if got := status(t, on, path); got != 200 {
			t.Errorf("%s: %d", path, got)
		}
	}
}

// Health is answered while every other connection is waiting.
func TestHealthHasRoomOfItsOwn(t *testing.T) {
	s, on := startTCP(t, Options{Book: stats.New(stats.Options{Loops: 1})})
	s.queries.wait = time.Hour // until the test ends
	if err := s.queries.enter(); err != nil {
		t.Fatal(err)
	}
	defer s.queries.leave()
	for range maxPerClient {
		c, err := net.Dial("tcp", on)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	until(t, "all requests have been read", func() bool {
		s.connections.mu.Lock()
		defer s.connections.mu.Unlock()
		busy := 0
		for c := range s.connections.open {
			if c.busy {
				busy++
			}
		}
		return busy == maxPerClient
	})
	for range 2 * keptForHealth {
		if got := status(t, on, "/healthz"); got != 200 {
			t.Errorf("/healthz: %d", got)
		}
		if got := status(t, on, "/api/v1/links"); got != 503 {
			t.Errorf("/api/v1/links: %d, want it to be busy", got)
		}
	}
}

// Clients that have stopped reading lose their places to one that reads.
func TestReadersThatDoNotReadGiveWay(t *testing.T) {
	s, on := startTCP(t, Options{Book: scrapeBook()})
	s.scrapes.wait = time.Hour
	s.scrapes.patience = 0
	for range maxScrapes {
		c, err := net.Dial("tcp", on)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.(*net.TCPConn).SetReadBuffer(4096)
		io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	until(t, "all places are taken", func() bool { return len(s.scrapes.inside) == maxScrapes })
	body := scrape(t, on)
	defer body.Close()
	if n, err := io.Copy(io.Discard, body); err != nil || n == 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// Clients that keep reading keep their places.
func TestReadersThatReadKeepTheirPlaces(t *testing.T) {
	r := newRoom()
	g := newStreams("scrapes", 2)
	g.wait, g.patience = 0, time.Hour
	r.do("a@10.0.0.1 b@10.0.0.1 c@10.0.0.2")
	for _, name := range []string{"a", "b"} {
		if err := g.enter(r.conns[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.enter(r.conns["c"]); err == nil || r.String() != "a b c" {
		t.Errorf("%v; %s", err, r)
	}
	r.time = r.time.Add(time.Hour)
	r.conns["a"].moved()
	if err := g.enter(r.conns["c"]); err == nil || r.String() != "a c" {
		t.Errorf("%v; %s: want the one closed that took nothing for longest", err, r)
	}
	g.leave(r.conns["b"])
	if err := g.enter(r.conns["c"]); err != nil || len(g.readers) != 2 {
		t.Errorf("%v, %d readers", err, len(g.readers))
	}
}
