package api

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"farmproxy/history"
	"farmproxy/stats"
)

// site is a Server on a listener in memory, with a client.
type site struct {
	*Server
	book    *stats.Book
	l       *fasthttputil.InmemoryListener
	http    http.Client
	answers map[string]bool // answers given so far, as "GET /path 200"
}

func newSite(t *testing.T, set ...func(*Options)) *site {
	t.Helper()
	s := &site{
		book:    stats.New(stats.Options{Version: "1.2.3", Loops: 1, CloseReasons: []string{"eof"}}),
		l:       fasthttputil.NewInmemoryListener(),
		answers: make(map[string]bool),
	}
	o := Options{Book: s.book, Version: "1.2.3", Log: slog.New(slog.DiscardHandler), Orders: new(told), Alerts: calm{}, Channels: wires{}}
	o.Overlays = &overlays{answer: changed()}
	o.History = func() (*history.Store, error) { return nil, nil }
	o.Reload = func() (*Reload, error) { return reloadOf(), nil }
	o.Configuration = func() *Configuration { return &Configuration{Config: map[string]any{"log": "x"}} }
	for _, f := range set {
		f(&o)
	}
	s.Server = New(o)
	s.http.Transport = &http.Transport{
		DisableCompression: true,
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return s.l.Dial() },
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(s.l) }()
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		if err := s.Shutdown(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Serve ended with %v, want nil after Shutdown", err)
		}
	})
	return s
}

// ask sends a request and returns the answer and its body.
func (s *site) ask(t *testing.T, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	return s.send(t, method, path, "", header...)
}

// send is ask with a body. Every answer must match openapi.json.
func (s *site) send(t *testing.T, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := readAnswer(resp)
	if err != nil {
		t.Fatal(err)
	}
	s.mustBeDocumented(t, resp, answer)
	return resp, string(answer)
}

// readAnswer reads an answer, or of one that never ends the first event.
func readAnswer(resp *http.Response) ([]byte, error) {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return io.ReadAll(resp.Body)
	}
	in := bufio.NewReader(resp.Body)
	return in.ReadBytes('\n')
}

func TestEveryPathAnswers(t *testing.T) {
	s := newSite(t)
	s.book.SetReady(nil)
	s.book.OpenLink("main", 0).State.Store(uint32(stats.LinkUp))
	f := func(path, contentType, part string) {
		t.Helper()
		resp, body := s.ask(t, "GET", path)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != contentType || !strings.Contains(body, part) {
			t.Errorf("GET %s: %s, %s:\n%s\nwant 200, %s, with %q", path, resp.Status, resp.Header.Get("Content-Type"), body, contentType, part)
		}
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("GET %s: may be cached: %q", path, got)
		}
		head, nothing := s.ask(t, "HEAD", path)
		if head.StatusCode != 200 || head.Header.Get("Content-Type") != contentType || nothing != "" {
			t.Errorf("HEAD %s: %s, %s, %q; want what GET says, without a body", path, head.Status, head.Header.Get("Content-Type"), nothing)
		}
	}
	const text, exposition, json = "text/plain; charset=utf-8", "text/plain; version=0.0.4; charset=utf-8", "application/json; charset=utf-8"
	f("/healthz", text, "ok\n")
	f("/readyz", json, `{"ready":true,"error":"","store":""}`)
	f("/metrics", exposition, "\nfarmproxy_ready 1\n")
	f("/api/v1/status", json, `{"version":"1.2.3",`)
	f("/api/v1/workers", json, `{"total":0,"page":1,"per_page":100,"workers":[]}`)
	f("/api/v1/links", json, `{"links":[{"pool":"main",`)
	f("/api/v1/openapi.json", json, `"openapi": "3.1.0"`)
}

func TestErrorsSayWhatToDo(t *testing.T) {
	s := newSite(t)
	f := func(method, path string, code int, want string) {
		t.Helper()
		resp, body := s.ask(t, method, path)
		var got struct {
			Error *string `json:"error"`
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.Error == nil {
			t.Errorf("%s %s: %q is not an error in JSON", method, path, body)
			return
		}
		if resp.StatusCode != code || *got.Error != want {
			t.Errorf("%s %s: %d %s\nwant %d %s", method, path, resp.StatusCode, *got.Error, code, want)
		}
	}
	all := strings.Join(allPaths(), ", ")
	f("GET", "/nothing", 404, `nothing is at "/nothing": there are `+all)
	f("GET", "/api/v1/worker", 404, `nothing is at "/api/v1/worker": there are `+all)
	f("POST", "/nowhere", 404, `nothing is at "/nowhere": there are `+all)
	f("GET", "/"+strings.Repeat("x", 50), 404, `nothing is at "/`+strings.Repeat("x", 39)+`...": there are `+all)
	f("POST", "/api/v1/status", 405, `method "POST" is not allowed for /api/v1/status: use GET or HEAD`)
	f("DELETE", "/api/v1/users", 405, `method "DELETE" is not allowed for /api/v1/users: use GET, HEAD, POST or PUT`)
	f("POST", "/api/v1/users/x", 405, `method "POST" is not allowed for /api/v1/users/x: use GET, HEAD, PUT or DELETE`)
	f("GET", "/api/v1/pools/", 404, `nothing is at "/api/v1/pools/": there are `+all)
	f("GET", "/api/v1/alerts/test", 405, `method "GET" is not allowed for /api/v1/alerts/test: use POST`)
	f("DELETE", "/metrics", 405, `method "DELETE" is not allowed for /metrics: use GET or HEAD`)
	f("GET", "/readyz", 503, "farmproxy is starting: it does not listen yet")

	const workers = "/api/v1/workers?"
	f("GET", workers+"page=x", 400, `page: want a whole number from 1, got "x"`)
	f("GET", workers+"page=0", 400, `page: want a whole number from 1, got "0"`)
	f("GET", workers+"page=-1", 400, `page: want a whole number from 1, got "-1"`)
	f("GET", workers+"page=", 400, `page: want a whole number from 1, got ""`)
	f("GET", workers+"page=99999999999999999999", 400, `page: want a whole number from 1, got "99999999999999999999"`)
	f("GET", workers+"per_page=0", 400, `per_page: want a whole number from 1 to 1000, got "0"`)
	f("GET", workers+"per_page=1001", 400, `per_page: want a whole number from 1 to 1000, got "1001"`)
	f("GET", workers+"per_page=1e2", 400, `per_page: want a whole number from 1 to 1000, got "1e2"`)
	f("GET", workers+"sort=colour", 400, `sort: want one of name, hashrate, accepted, rejected, last_share, difficulty, reconnects, got "colour"`)
	f("GET", workers+"up=yes", 400, `up: want true or false, got "yes"`)
	f("GET", workers+"order=up", 400, `order: want asc or desc, got "up"`)
	f("GET", workers+"search="+strings.Repeat("x", 257), 400, `search: want up to 256 bytes, got 257`)
	f("GET", workers+"pge=2", 400, `"pge": no such parameter; want page, per_page, format, sort, order, up, search, account, pool, algorithm, listener or group`)
	f("GET", "/api/v1/groups?sort=name", 400, `"sort": no such parameter; want page, per_page, format or search`)

	const noStore = `there is no store of accounts, pools and algorithms: set [store] url = "sqlite:///var/lib/farmproxy/farmproxy.db" in the configuration and restart farmproxy`
	f("GET", "/api/v1/users", 404, noStore)
	f("POST", "/api/v1/users", 404, noStore)
	f("DELETE", "/api/v1/pools/pool.example:3333", 404, noStore)
}

func TestMethodNotAllowedNamesTheAllowed(t *testing.T) {
	resp, _ := newSite(t).ask(t, "PUT", "/api/v1/links")
	if got := resp.Header.Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow: %q", got)
	}
}

// raw sends bytes over a new connection, and checks the status and part of the answer.
func (s *site) raw(t *testing.T, request, status, part string) *http.Response {
	t.Helper()
	c, err := s.l.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(c, request)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.40q: %v", request, err)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.Status != status || !strings.Contains(string(body), part) {
		t.Errorf("%.40q: %s %s\nwant %s with %q", request, resp.Status, body, status, part)
	}
	return resp
}

// A malformed request is answered and its connection closed.
func TestMalformedRequests(t *testing.T) {
	s := newSite(t)
	f := func(request, status, part string) {
		t.Helper()
		if resp := s.raw(t, request, status, part); !resp.Close {
			t.Errorf("%.40q: not closed", request)
		}
	}
	f("{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n\n", "400 Bad Request", `{"error":"this is not an HTTP request`)
	f("GET /metrics HTTP/1.1\r\nHost: x\r\nCookie: "+strings.Repeat("x", maxHeader)+"\r\n\r\n", "431 Request Header Fields Too Large", "over 8192 bytes")
	f("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 8193\r\n\r\n"+strings.Repeat("x", 8193), "413 Request Entity Too Large", "over 8192 bytes")

	// Lengths that two programs may read differently.
	const post, clear = "POST /api/v1/users HTTP/1.1\r\nHost: localhost\r\n", "404 Not Found"
	const chunked, body = "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"
	f(post+"Content-Length: 4\r\n"+chunked+"\r\n"+body, "400 Bad Request", "send either Content-Length or Transfer-Encoding")
	f(post+chunked+"content-LENGTH: 17\r\n\r\n"+body, "400 Bad Request", "send either Content-Length or Transfer-Encoding")
	f(post+"Content-Length: 2\r\nTransfer-Encoding: identity\r\n\r\n{}", "400 Bad Request", "send either")
	f(post+"Transfer-Encoding: identity\r\n\r\n", "400 Bad Request", "send either")
	f(post+"Transfer-Encoding: gzip, chunked\r\n\r\n"+body, "400 Bad Request", "not an HTTP request")
	f(post+chunked+chunked+"\r\n"+body, "400 Bad Request", "not an HTTP request")
	f(post+"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "400 Bad Request", "not an HTTP request")
	f(post+"Content-Length: +2\r\n\r\n{}", "400 Bad Request", "not an HTTP request")
	f(strings.Replace(post, "1.1", "1.0", 1)+chunked+"\r\n"+body, "400 Bad Request", "not an HTTP request")
	s.raw(t, post+chunked+"\r\n"+body, clear, "")
	s.raw(t, post+"Content-Length: 2\r\n\r\n{}", clear, "")
}

func TestCompression(t *testing.T) {
	s := newSite(t)
	for range 50 {
		s.book.Worker(strings.Repeat("w", 50))
	}
	f := func(path, accept, encoding string) {
		t.Helper()
		resp, body := s.ask(t, "GET", path, "Accept-Encoding", accept)
		if got := resp.Header.Get("Content-Encoding"); got != encoding {
			t.Errorf("%s, accepting %q: encoding %q, want %q", path, accept, got, encoding)
			return
		}
		if encoding == "gzip" {
			r, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			body = string(plain)
		}
		if want := strings.Repeat("w", 50); !strings.Contains(body, want) {
			t.Errorf("%s, accepting %q: %q is not in the answer", path, accept, want)
		}
	}
	f("/metrics", "gzip", "gzip")
	f("/metrics", "gzip, deflate, br, zstd", "gzip")
	f("/metrics", "identity", "")
	f("/metrics", "deflate, br, zstd", "")
	f("/api/v1/workers", "gzip", "gzip")
	f("/api/v1/workers", "", "")
}

// Costly answers are bounded in number; one kind does not hold up the other.
func TestBusy(t *testing.T) {
	s := newSite(t)
	f := func(path string, code int) {
		t.Helper()
		if resp, body := s.ask(t, "GET", path); resp.StatusCode != code || code == 503 && (!strings.Contains(body, `{"error":"busy: no more than`) || resp.Header.Get("Retry-After") != "1") {
			t.Errorf("%s: %s %s, want %d", path, resp.Status, body, code)
		}
	}
	full := func(g *gate) {
		g.wait = 0
		for range cap(g.inside) {
			if err := g.enter(); err != nil {
				t.Fatal(err)
			}
		}
	}
	full(&s.scrapes.gate)
	f("/metrics", 503)
	f("/api/v1/status", 200)
	f("/api/v1/workers", 200)
	full(&s.queries)
	f("/metrics", 503)
	f("/api/v1/status", 503)
	f("/api/v1/workers", 503)
	f("/api/v1/links", 200)
	f("/healthz", 200)
	if resp, _ := s.ask(t, "HEAD", "/metrics"); resp.StatusCode != 200 {
		t.Errorf("HEAD /metrics: %s, but it costs nothing", resp.Status)
	}

	// With one place free, each answer must give back the one it took. A streamed one
	// does so a moment after its last byte.
	s.scrapes.gate.leave()
	s.queries.leave()
	s.scrapes.wait, s.queries.wait = time.Minute, time.Minute
	for range 3 {
		f("/metrics", 200)
		f("/api/v1/status", 200)
		f("/api/v1/workers", 200)
	}
}

func TestNoWorkerMetrics(t *testing.T) {
	f := func(no, want bool) {
		t.Helper()
		s := newSite(t, func(o *Options) { o.NoWorkerMetrics = !no })
		s.Configure(Settings{NoWorkerMetrics: no})
		s.book.Worker("rig")
		_, body := s.ask(t, "GET", "/metrics")
		if got := strings.Contains(body, `farmproxy_worker_up{worker="rig"} 0`); got != want {
			t.Errorf("without %v: series of workers %v, want %v", no, got, want)
		}
	}
	f(false, true)
	f(true, false)
}

// short is a listener that accepts nobody, for one reason after the other.
type short struct {
	net.Listener
	errs []error
}

func (l *short) Addr() net.Addr { return &net.TCPAddr{} }
func (l *short) Close() error   { return nil }
func (l *short) Accept() (net.Conn, error) {
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

// Go calls the first of these errors temporary, and the others not.
func TestServeOutlastsWhateverMakesAcceptFail(t *testing.T) {
	l := &short{errs: []error{
		&net.OpError{Op: "accept", Err: syscall.EMFILE},
		&net.OpError{Op: "accept", Err: syscall.ENOMEM},
		&net.OpError{Op: "accept", Err: syscall.ENETDOWN},
		&net.OpError{Op: "accept", Err: net.ErrClosed},
	}}
	s := New(Options{Book: stats.New(stats.Options{}), Log: slog.New(slog.DiscardHandler)})
	if err := s.Serve(l); err != nil {
		t.Errorf("ended with %v", err)
	}
	if len(l.errs) != 0 {
		t.Error("did not accept again")
	}
}

// A stop may come before Serve has begun.
func TestShutdownBeforeServe(t *testing.T) {
	s := New(Options{Book: stats.New(stats.Options{Loops: 1}), Log: slog.New(slog.DiscardHandler)})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}
