package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// webAt returns where the API is, host:port.
func webAt(p *proxy) string {
	on, _ := p.webPort.at()
	return on.Addr().String()
}

// The API gets another port by a reload, TLS, no port, and one again. Who is connected stays
// connected, and a port that is taken changes nothing.
func TestThePortOfTheAPIMoves(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	files, roots := certified(t, t.TempDir(), time.Hour)
	text := func(address, more string) string {
		return fmt.Sprintf("[[listener]]\naddress = \"127.0.0.1:0\"\n[http]\naddress = %q\n%s\n", address, more) + poolsText("farm", pool)
	}
	f := startFile(t, text("127.0.0.1:0", ""))
	there := client(t, nil)
	want := func(what string, c *http.Client, url string, served bool) {
		t.Helper()
		reply, err := c.Get(url + "/healthz")
		if err == nil {
			io.Copy(io.Discard, reply.Body) // or the connection ends
			reply.Body.Close()
		}
		if ok := err == nil && reply.StatusCode == http.StatusOK; ok != served {
			t.Errorf("%s: served %v, %v, want %v", what, ok, err, served)
		}
	}
	first := "http://" + webAt(f.proxy)
	want("at the start", there, first, true)

	if changes := f.again(text("127.0.0.2:0", "")); changes != `set http.address from "127.0.0.1:0" to "127.0.0.2:0"` {
		t.Errorf("changes: %s", changes)
	}
	second := webAt(f.proxy)
	want("the new port", client(t, nil), "http://"+second, true)
	want("the old port", client(t, nil), first, false)
	want("who is connected to it", there, first, true)

	f.again(text("127.0.0.2:0", fmt.Sprintf("tls = { cert = %q, key = %q }", files.Cert, files.Key)))
	secure := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
	want("with TLS", client(t, secure), "https://"+second, true)
	want("without", client(t, nil), "http://"+second, false)

	taken, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if why := f.refused(text(taken.Addr().String(), "")); !strings.Contains(why, "http.address") {
		t.Errorf("a port that is taken: %s", why)
	}
	want("after a port that is taken", client(t, secure), "https://"+second, true)

	f.again(text("", ""))
	want("nowhere", client(t, secure), "https://"+second, false)
	f.again(text("127.0.0.1:0", ""))
	want("and back", client(t, nil), "http://"+webAt(f.proxy), true)
}

// client returns one with connections of its own.
func client(t *testing.T, secure *tls.Config) *http.Client {
	c := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: secure}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}
