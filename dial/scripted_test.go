package dial

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// serveConns starts a listener that hands each of its connections to serve, in a
// goroutine. The test fails if the other side still has one open at the end.
func serveConns(t *testing.T, serve func(net.Conn)) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			wg.Wait()
		}()
		select {
		case <-done:
		case <-time.After(Timeout):
			t.Error("a connection was left open")
		}
	})
	wg.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				serve(c)
				io.Copy(io.Discard, c)
			})
		}
	})
	return listener.Addr().String()
}

// overTLS returns serve over TLS, with a certificate that no system knows.
func overTLS(t *testing.T, serve func(net.Conn)) func(net.Conn) {
	known := httptest.NewTLSServer(nil)
	t.Cleanup(known.Close)
	config := &tls.Config{Certificates: known.TLS.Certificates}
	return func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() == nil {
			serve(s)
			io.Copy(io.Discard, s)
			s.Close()
		}
	}
}

// greets is a pool that says hello.
func greets(c net.Conn) { io.WriteString(c, "hello\n") }

// says is a server that waits for a byte and answers with text.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		c.Read(make([]byte, 1))
		io.WriteString(c, text)
	}
}

// socksServer is a SOCKS5 proxy in front of one pool.
type socksServer struct {
	login  string      // user:password that it wants; "": none
	reply  byte        // to connect; 0: it succeeded
	pool   string      // where it leads, whatever host is asked for
	behind string      // sent together with its reply
	asked  chan string // the hosts asked for
}

func (s *socksServer) serve(c net.Conn) {
	buf := make([]byte, 1<<9)
	text := func() string { // one byte of length, and that many more
		io.ReadFull(c, buf[:1])
		n := buf[0]
		io.ReadFull(c, buf[:n])
		return string(buf[:n])
	}
	io.ReadFull(c, buf[:1])
	methods := text()
	switch {
	case s.login == "":
		c.Write([]byte{5, 0})
	case !strings.Contains(methods, "\x02"):
		c.Write([]byte{5, 0xff})
		return
	default:
		c.Write([]byte{5, 2})
		io.ReadFull(c, buf[:1])
		user := text()
		if user+":"+text() != s.login {
			c.Write([]byte{1, 1})
			return
		}
		c.Write([]byte{1, 0})
	}
	io.ReadFull(c, buf[:4])
	kind := buf[3]
	host := ""
	if kind == 3 {
		host = text()
	} else {
		io.ReadFull(c, buf[:4])
		host = net.IP(buf[:4]).String()
	}
	io.ReadFull(c, buf[:2])
	s.asked <- host
	c.Write(append([]byte{5, s.reply, 0, 1, 0, 0, 0, 0, 0, 0}, s.behind...))
	if s.reply == 0 {
		splice(c, c, s.pool)
	}
}

// connectServer is an HTTP proxy in front of one pool.
type connectServer struct {
	login  string // user:password that it wants; "": none
	pool   string
	behind string
	asked  chan string
}

func (s *connectServer) serve(c net.Conn) {
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
	user, password, _ := r.BasicAuth()
	if s.login != "" && user+":"+password != s.login {
		io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"the farm\"\r\nContent-Length: 0\r\n\r\n")
		return
	}
	host, _, _ := net.SplitHostPort(r.RequestURI)
	if r.Method == http.MethodConnect && r.Host == r.RequestURI {
		s.asked <- host
	}
	io.WriteString(c, "HTTP/1.1 200 Connection established\r\nVia: here\r\n\r\n"+s.behind)
	splice(c, in, s.pool)
}

// splice connects a proxy's connection, read through in, with the pool.
func splice(c net.Conn, in io.Reader, pool string) {
	far, err := net.Dial("tcp", pool)
	if err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(far, in)
		far.Close()
	}()
	io.Copy(c, far)
	<-done
}

// dialled dials the pool at address with these proxies.
func dialled(t *testing.T, ctx context.Context, p Proxies, pool Target) (net.Conn, error) {
	t.Helper()
	d, err := Through(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d(ctx, pool)
}

// line returns the next line of in, without its line end.
func line(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	text, err := in.ReadString('\n')
	if err != nil {
		t.Errorf("a line is missing: %v", err)
	}
	return strings.TrimSuffix(text, "\n")
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantPart(t *testing.T, what, got, part string) {
	t.Helper()
	if !strings.Contains(got, part) {
		t.Errorf("%s: %q does not contain %q", what, got, part)
	}
}
