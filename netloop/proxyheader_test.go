package netloop

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"farmproxy/session"
)

// PROXY protocol headers from 203.0.113.7, port 51000, and data that is not a header.
var (
	proxyV1 = "PROXY TCP4 203.0.113.7 192.0.2.1 51000 3333\r\n"
	proxyV2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\xc0\x00\x02\x01\xc7\x38\x0d\x05"

	// With 200 bytes after the addresses, for example a TLS name.
	proxyV2Long = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\xd7\xcb\x00\x71\x07\xc0\x00\x02\x01\xc7\x38\x0d\x05" + "\x04\x00\xc8" + strings.Repeat("x", 200)
	proxyLocal  = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
)

const firstLine = "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n"

// However a connection's first bytes are cut, the outcome is the same.
func TestProxyHeader(t *testing.T) {
	balancer := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	f := func(what string, allowed []netip.Prefix, from, sent, remote string, want ...session.Reason) {
		t.Helper()
		for cut := range len(sent) {
			l := &loop{}
			p := &peer{remote: makeAddress(netip.MustParseAddrPort(from)), listener: &listener{Listener: Listener{ProxyProtocol: allowed}}}
			var read []byte
			reason, ok := session.Reason(0), true
			for _, piece := range [][]byte{[]byte(sent[:cut]), []byte(sent[cut:])} {
				for rest := piece; ok && len(rest) > 0; rest = nil {
					if !p.is(checked) {
						rest, reason, ok = l.open(p, rest)
					}
					read = append(read, rest...)
				}
			}
			switch {
			case len(want) > 0:
				if ok || reason != want[0] {
					t.Errorf("%s, cut at %d: closed %v for %v, want %v", what, cut, !ok, reason, want[0])
					return
				}
			case !ok || p.remote.String() != remote || !bytes.HasSuffix([]byte(sent), read) || !strings.HasSuffix(string(read), "}\n"):
				t.Errorf("%s, cut at %d: closed %v for %v, from %v, read %q; want from %v", what, cut, !ok, reason, p.remote, read, remote)
				return
			}
		}
	}
	const local, far, near = "127.0.0.1:40000", "198.51.100.9:40000", "10.0.0.5:40000"
	f("version 1 from this machine", nil, local, proxyV1+firstLine, "203.0.113.7:51000")
	f("version 2 from this machine", nil, local, proxyV2+firstLine, "203.0.113.7:51000")
	f("none from this machine", nil, local, firstLine, local)
	f("white space is no header", nil, local, "\r\n\r\n"+firstLine, local)
	f("from elsewhere nobody is believed", nil, far, proxyV1+firstLine, "", session.ProxyHeader)
	f("nor with version 2", nil, far, proxyV2+firstLine, "", session.ProxyHeader)
	f("a miner from elsewhere", nil, far, firstLine, far)
	f("a miner from elsewhere, after empty lines", nil, far, "\r\n\r\n"+firstLine, far)
	f("from a balancer", balancer, near, proxyV2+firstLine, "203.0.113.7:51000")
	f("with more behind the addresses", balancer, near, proxyV2Long+firstLine, "203.0.113.7:51000")
	f("a balancer that looks for itself", balancer, near, proxyLocal+firstLine, near)
	f("it does not know from whom", balancer, near, "PROXY UNKNOWN\r\n"+firstLine, near)
	f("a balancer without a header", balancer, near, firstLine, "", session.ProxyHeader)
	f("this machine, where another is the balancer", balancer, local, proxyV1+firstLine, "", session.ProxyHeader)
	f("a miner beside the balancer", balancer, "10.0.1.5:40000", firstLine, "10.0.1.5:40000")
	f("IPv6", nil, "[::1]:40000", "PROXY TCP6 2001:db8::7 2001:db8::1 51000 3333\r\n"+firstLine, "[2001:db8::7]:51000")
	f("malformed", nil, local, "PROXY TCP4 nobody 192.0.2.1 51000 3333\r\n"+firstLine, "", session.ProxyHeader)
	f("without an end", nil, local, "PROXY TCP4 "+strings.Repeat("1", 200), "", session.ProxyHeader)
	f("longer than may be", nil, local, proxyV2[:14]+"\xff\xff"+strings.Repeat("x", 100), "", session.ProxyHeader)
}

// The miner behind a balancer has its own address, in the books too.
func TestAMinerBehindABalancer(t *testing.T) {
	t.Parallel()
	for version, header := range []string{1: proxyV1, 2: proxyV2} {
		if header == "" {
			continue
		}
		f := newFarm(t, func(*Options) {})
		fmt.Fprint(f.conn, header)
		f.want(`"result":[[`, `{"id":1,"method":"mining.subscribe","params":[]}`)
		f.want(`"result":true`, `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
		if list := f.workers(); len(list) != 1 || list[0].Address.String() != "203.0.113.7:51000" {
			t.Errorf("version %d: the workers are %+v", version, list)
		}
	}
}
