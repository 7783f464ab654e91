package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

// configs returns both sides' configurations for one version of TLS.
func configs(t testing.TB, version uint16) (client, server *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: version, MaxVersion: version},
		&tls.Config{Certificates: s.TLS.Certificates, MinVersion: version, MaxVersion: version}
}

// versions runs a test for each supported version of TLS.
func versions(t *testing.T, test func(t *testing.T, client, server *tls.Config)) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			client, server := configs(t, version)
			test(t, client, server)
		})
	}
}

// end is one end of a connection, and what it has received.
type end struct {
	*Stack
	got bytes.Buffer
	err error
}

func (e *end) take(plain []byte) error {
	e.got.Write(plain)
	return nil
}

// hears gives it what the other side sent, in pieces of up to most bytes. It answers as
// soon as it has something to send.
func (e *end) hears(data []byte, most int) (answer []byte) {
	for len(data) > 0 && e.err == nil {
		n := 1 + rand.IntN(min(most, len(data)))
		piece := bytes.Clone(data[:n])
		e.err = e.Received(piece, e.take)
		clear(piece) // it is the caller's again
		data = data[n:]
		answer, _ = e.Append(answer, nil)
	}
	return answer
}

// converse exchanges bytes until neither side has any to send.
func converse(a, b *end, most int) {
	toB, _ := a.Append(nil, nil)
	for len(toB) > 0 {
		toA := b.hears(toB, most)
		toB = a.hears(toA, most)
	}
}

// Both sides on loops: neither ever waits, however the bytes are cut.
func TestBothSidesOverSplitRecords(t *testing.T) {
	versions(t, func(t *testing.T, clientConfig, serverConfig *tls.Config) {
		for _, most := range []int{1, 7, 300, 1 << 20} {
			client, server := &end{Stack: Client(clientConfig)}, &end{Stack: Server(serverConfig)}
			if _, err := server.Append(nil, []byte("too early")); err != ErrEarly {
				t.Fatalf("said before the handshake: %v", err)
			}
			converse(client, server, most)
			if err := errors.Join(client.err, server.err); err != nil || !client.Established() || !server.Established() {
				t.Fatalf("in pieces of %d: %v, established %v and %v", most, err, client.Established(), server.Established())
			}
			for _, say := range []string{"a share\n", strings.Repeat("job ", 10_000)} {
				up, err := client.Append(nil, []byte(say))
				server.hears(up, most)
				down, err2 := server.Append(nil, []byte(say))
				client.hears(down, most)
				if err := errors.Join(err, err2, client.err, server.err); err != nil || client.got.String() != say || server.got.String() != say {
					t.Fatalf("in pieces of %d: %v, %d and %d bytes of %d", most, err, client.got.Len(), server.got.Len(), len(say))
				}
				client.got.Reset()
				server.got.Reset()
			}
			if protocol := server.Top().(*tls.Conn).ConnectionState().Version; protocol != serverConfig.MaxVersion {
				t.Errorf("TLS %x", protocol)
			}
		}
	})
}

// connected returns the two ends of a kernel connection.
func connected(t *testing.T) (here, there net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if here, err = net.Dial("tcp", l.Addr().String()); err == nil {
		there, err = l.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

// One end on a loop, the other an ordinary connection.
func TestWithAnotherEnd(t *testing.T) {
	versions(t, func(t *testing.T, clientConfig, serverConfig *tls.Config) {
		for _, x := range []struct {
			name  string
			stack func() *Stack
			other func(net.Conn) *tls.Conn
		}{
			{"client", func() *Stack { return Client(clientConfig) }, func(c net.Conn) *tls.Conn { return tls.Server(c, serverConfig) }},
			{"server", func() *Stack { return Server(serverConfig) }, func(c net.Conn) *tls.Conn { return tls.Client(c, clientConfig) }},
		} {
			here, there := connected(t)
			ended := make(chan error, 1)
			go func() {
				other := x.other(there)
				_, err := io.WriteString(other, "hello")
				b := make([]byte, len("good day"))
				if err == nil {
					_, err = io.ReadFull(other, b)
				}
				if err == nil && string(b) != "good day" {
					err = fmt.Errorf("it was told %q", b)
				}
				ended <- err
				other.Close()
			}()
			e := &end{Stack: x.stack()}
			first, _ := e.Append(nil, nil)
			here.Write(first)
			b := make([]byte, 1000)
			for told := false; ; {
				n, err := here.Read(b)
				if err != nil {
					break
				}
				here.Write(e.hears(b[:n], 50))
				if !told && e.got.String() == "hello" {
					told = true
					answer, err := e.Append(nil, []byte("good day"))
					if err != nil {
						t.Fatal(x.name, err)
					}
					here.Write(answer)
				}
			}
			if err := <-ended; err != nil {
				t.Error(x.name, err)
			}
			if e.err != io.EOF {
				t.Errorf("%s: it ended with %v", x.name, e.err)
			}
		}
	})
}

// A connection established elsewhere goes on, however much of it had been read.
func TestAdopt(t *testing.T) {
	versions(t, func(t *testing.T, clientConfig, serverConfig *tls.Config) {
		here, there := connected(t)
		server := tls.Server(there, serverConfig)
		written := make(chan struct{})
		go func() {
			io.WriteString(server, "first second")
			close(written)
		}()
		bottom := &exchanged{Conn: here}
		client := tls.Client(bottom, clientConfig)
		b := make([]byte, len("first"))
		if _, err := io.ReadFull(client, b); err != nil || string(b) != "first" {
			t.Fatalf("%q, %v", b, err)
		}
		e := &end{Stack: Adopt(client, func(c net.Conn) { bottom.Conn = c })}
		if err := e.Received(nil, e.take); err != nil || e.got.String() != " second" {
			t.Fatalf("%q, %v", &e.got, err)
		}
		go func() {
			<-written // or Close would not say goodbye
			io.WriteString(server, " third")
			server.Close()
		}()
		for b := make([]byte, 1000); e.err == nil; {
			n, err := here.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			e.hears(b[:n], 3)
		}
		if e.err != io.EOF || e.got.String() != " second third" {
			t.Errorf("%q, %v", &e.got, e.err)
		}
	})
}

// exchanged is a connection whose bottom can be exchanged.
type exchanged struct{ net.Conn }

// A peer that speaks no TLS, or has the wrong certificate, is told so, and the reason
// is known.
func TestHandshakesThatFail(t *testing.T) {
	versions(t, func(t *testing.T, clientConfig, serverConfig *tls.Config) {
		server := &end{Stack: Server(serverConfig)}
		server.hears([]byte(`{"id":1,"method":"mining.subscribe","params":[]}`+"\n"), 1000)
		if server.err == nil {
			t.Error("a miner without TLS was heard")
		}
		if err := server.Received([]byte("x"), server.take); err == nil {
			t.Error("it went on after that")
		}

		clientConfig.RootCAs = nil
		client, server := &end{Stack: Client(clientConfig)}, &end{Stack: Server(serverConfig)}
		converse(client, server, 100)
		var unknown *tls.CertificateVerificationError
		if !errors.As(client.err, &unknown) || server.err == nil {
			t.Errorf("an unknown certificate: %v at the client, %v at the server", client.err, server.err)
		}
		if _, err := client.Append(nil, []byte("x")); err == nil {
			t.Error("something was said to whoever has another certificate")
		}
	})
}

// An error of take's ends the connection, even in the middle of the data.
func TestWhatTakesMayEndIt(t *testing.T) {
	clientConfig, serverConfig := configs(t, tls.VersionTLS13)
	client, server := &end{Stack: Client(clientConfig)}, &end{Stack: Server(serverConfig)}
	converse(client, server, 100)
	up, _ := client.Append(nil, []byte("x"))
	enough := errors.New("enough")
	if err := server.Received(up, func([]byte) error { return enough }); err != enough {
		t.Error(err)
	}
}

// A connection that ends during its handshake leaves nothing behind: a coroutine still
// there at the end of a bubble is a failure.
func TestClosedInTheHandshake(t *testing.T) {
	versions(t, func(t *testing.T, clientConfig, serverConfig *tls.Config) {
		synctest.Test(t, func(t *testing.T) {
			client, server := &end{Stack: Client(clientConfig)}, &end{Stack: Server(serverConfig)}
			hello, _ := client.Append(nil, nil)
			server.hears(hello[:len(hello)/2], 100)
			client.Close()
			server.Close()
			Server(serverConfig).Close() // that nobody ever spoke to
		})
	})
}

// BenchmarkRecord takes a share from one side to the other. Its two allocations are
// crypto/tls's own, one for each record that is read in pieces.
func BenchmarkRecord(b *testing.B) {
	clientConfig, serverConfig := configs(b, tls.VersionTLS13)
	client, server := &end{Stack: Client(clientConfig)}, &end{Stack: Server(serverConfig)}
	converse(client, server, 1000)
	say, buf := []byte("a share\n"), make([]byte, 0, 1000)
	take := func(plain []byte) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = client.Append(buf[:0], say)
		if err := server.Received(buf, take); err != nil {
			b.Fatal(err)
		}
	}
}
