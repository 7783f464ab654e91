package proxy

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"farmproxy/certificate"
	"farmproxy/config"
	"farmproxy/internal/journal"
	"farmproxy/session"
	"farmproxy/stats"
)

// certified writes a certificate for 127.0.0.1 that ends after that time, and returns its
// files and what trusts it.
func certified(t *testing.T, dir string, valid time.Duration) (files config.TLS, roots *x509.CertPool) {
	t.Helper()
	cert, key, err := certificate.SelfSigned([]string{"127.0.0.1"}, time.Now(), valid)
	if err != nil {
		t.Fatal(err)
	}
	files = config.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	for path, text := range map[string][]byte{files.Cert: cert, files.Key: key} {
		// As tools that renew certificates do: there is never half a file.
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return files, roots
}

// secureProxy serves miners with and without TLS; it returns both addresses.
func secureProxy(t *testing.T, log io.Writer, files config.TLS, change func(*config.Config)) (p *proxy, plain, secure string) {
	t.Helper()
	p, stop := launch(t, log, func(c *config.Config) {
		c.Listeners = append(c.Listeners, config.Listener{Address: "127.0.0.1:0", TLS: files})
		if change != nil {
			change(c)
		}
	}, nil, startPool(t, nil))
	t.Cleanup(stop)
	return p, p.server.Addresses()[0], p.server.Addresses()[1]
}

// connectTLS connects a miner.
func connectTLS(t *testing.T, address string, c *tls.Config) (*miner, error) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	secure := tls.Client(conn, c)
	if err := secure.Handshake(); err != nil {
		return nil, err
	}
	return &miner{t: t, conn: secure, in: bufio.NewReader(secure)}, nil
}

func mustConnectTLS(t *testing.T, address string, roots *x509.CertPool) *miner {
	t.Helper()
	m, err := connectTLS(t, address, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMinersOverTLS(t *testing.T) {
	t.Parallel()
	files, roots := certified(t, t.TempDir(), time.Hour)
	_, plain, secure := secureProxy(t, testLog{t}, files, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		m, err := connectTLS(t, secure, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: version, MaxVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		m.work("farm.secure")
	}
	connect(t, plain).work("farm.plain")
}

// Who comes with the wrong thing is closed, and the log says what to do.
func TestMinersThatDoNotFitTheirPort(t *testing.T) {
	t.Parallel()
	files, _ := certified(t, t.TempDir(), time.Hour)
	log := new(journal.Journal)
	p, plain, secure := secureProxy(t, log, files, nil)
	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	for _, x := range []struct {
		name   string
		reason session.Reason
		come   func()
		logged []string
	}{
		{"a miner without TLS on a port with it", session.NotTLS, func() {
			m := connect(t, secure)
			m.send(`{"id":1,"method":"mining.subscribe","params":[]}`)
			m.wantClosed()
		}, []string{"reason=not_tls", "this port is for TLS"}},
		{"a miner with TLS on a port without it", session.UnexpectedTLS, func() {
			if _, err := connectTLS(t, plain, &tls.Config{InsecureSkipVerify: true}); err == nil {
				t.Error("a port without TLS has TLS")
			}
		}, []string{"reason=unexpected_tls", "this port is not for TLS"}},
		{"a miner with TLS 1.1", session.TransportFailed, func() {
			if _, err := connectTLS(t, secure, old); err == nil || !strings.Contains(err.Error(), "protocol version") {
				t.Errorf("a miner with TLS 1.1: %v", err)
			}
		}, []string{"reason=transport_failed", "unsupported versions"}},
	} {
		x.come()
		eventually(t, x.name+" is counted", func() bool { return p.closed(x.reason) > 0 })
		for _, part := range x.logged {
			eventually(t, x.name+" is logged with "+part, func() bool { return log.Has(part) })
		}
	}
}

// A certificate that changes is for new connections; those that there are stay. One that
// can't be used changes nothing.
func TestCertificatesAreRotated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, first := certified(t, dir, time.Hour)
	log := new(journal.Journal)
	p, _, secure := secureProxy(t, log, files, nil)
	early := mustConnectTLS(t, secure, first)
	early.work("farm.early")
	look := func() {
		for _, c := range p.certs.known {
			c.Check(time.Now(), p.log)
		}
	}
	_, second := certified(t, dir, time.Hour)
	look()
	mustConnectTLS(t, secure, second).work("farm.late")
	if _, err := connectTLS(t, secure, &tls.Config{RootCAs: first, ServerName: "127.0.0.1"}); err == nil {
		t.Error("the old certificate is still shown")
	}
	for name, spoil := range map[string]func() error{
		"cert.pem: no such file":    func() error { return os.Remove(files.Cert) },
		"every user of this":        func() error { return os.Chmod(files.Key, 0o644) },
		"expected a certificate in": func() error { return os.WriteFile(files.Cert, []byte("nothing"), 0o600) },
	} {
		certified(t, dir, time.Hour)
		look()
		_, good := certified(t, dir, time.Hour)
		look()
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			look()
		}
		if n := log.Count(name); n != 1 {
			t.Errorf("%q is logged %d times, want once", name, n)
		}
		mustConnectTLS(t, secure, good).work("farm.later")
	}
	early.wantAlive()
}

// An expired certificate is complained about and shown: most miners verify nothing.
func TestAnExpiredCertificate(t *testing.T) {
	t.Parallel()
	files, roots := certified(t, t.TempDir(), -time.Minute)
	log := new(journal.Journal)
	_, _, secure := secureProxy(t, log, files, nil)
	eventually(t, "it is logged", func() bool { return log.Has("a certificate has expired") })
	if _, err := connectTLS(t, secure, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("a miner that verifies it: %v", err)
	}
	m, err := connectTLS(t, secure, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	m.work("farm.rig")
}

// Without its certificate a listener is refused before a port is taken.
func TestCertificatesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	good, _ := certified(t, dir, time.Hour)
	other, _ := certified(t, t.TempDir(), time.Hour)
	for want, files := range map[string]config.TLS{
		"no such file; farmproxy cert makes both": {Cert: filepath.Join(dir, "none.pem"), Key: good.Key},
		"private key does not match public key":   {Cert: good.Cert, Key: other.Key},
	} {
		for key, change := range map[string]func(*config.Config){
			"listener[1].tls: ": func(c *config.Config) { c.Listeners[0].TLS = files },
			"http.tls: ":        func(c *config.Config) { c.HTTP.TLS = files },
		} {
			c := config.Default()
			c.Listeners = []config.Listener{{Address: "127.0.0.1:0"}}
			c.HTTP.Address = "127.0.0.1:0"
			c.Pools = []config.Pool{{Name: "pool", URL: "stratum+tcp://127.0.0.1:1", User: "farm", Links: 1, Algorithm: "sha256d"}}
			change(c)
			if _, err := newProxy(c, slog.New(slog.DiscardHandler), nil, nil); err == nil || !strings.HasPrefix(err.Error(), key) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s...%s", err, key, want)
			}
		}
	}
}

// The API over TLS; and who asks it without is told, rather than kept waiting.
func TestTheAPIOverTLS(t *testing.T) {
	t.Parallel()
	files, roots := certified(t, t.TempDir(), time.Hour)
	p, _, _ := secureProxy(t, testLog{t}, files, func(c *config.Config) { c.HTTP.TLS = files })
	client := http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	at := webAt(p)
	reply, err := client.Get("https://" + at + "/api/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var status struct{ Version string }
	if err := json.NewDecoder(reply.Body).Decode(&status); err != nil || status.Version == "" {
		t.Errorf("%+v, %v", status, err)
	}
	if reply, err := client.Get("http://" + at + "/healthz"); err == nil {
		t.Errorf("HTTP without TLS is answered %s", reply.Status)
	}
	if !(machine{}).Farmproxy(t.Context(), at) {
		t.Error("check does not see that this is farmproxy")
	}
}

// Debian's HAProxy in front of a port with TLS: the header comes before the handshake.
func TestMinersOverTLSBehindHAProxy(t *testing.T) {
	t.Parallel()
	files, roots := certified(t, t.TempDir(), time.Hour)
	for _, header := range []string{"send-proxy", "send-proxy-v2"} {
		p, _, secure := secureProxy(t, testLog{t}, files, func(c *config.Config) {
			c.Listeners[1].ProxyProtocol = []string{"127.0.0.1"}
		})
		m := mustConnectTLS(t, haproxy(t, secure, header), roots)
		m.work("farm.rig")
		want := m.conn.LocalAddr().String()
		if list, _ := p.book.Workers(stats.WorkerQuery{Limit: 10}); len(list) != 1 || list[0].Address.String() != want {
			t.Errorf("%s: the workers are %+v, want one at %s", header, list, want)
		}
		if _, err := connectTLS(t, secure, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err == nil {
			t.Error("a miner that bypasses the balancer is served")
		}
	}
}
