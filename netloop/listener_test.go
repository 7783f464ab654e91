package netloop

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// All ways to write an address, on one server.
func TestAMinerKnowsItsListenerAndItsAddress(t *testing.T) {
	t.Parallel()
	addresses := []string{"127.0.0.1:0", "localhost:0", "0.0.0.0:0", ":0", "127.0.0.2:0"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		addresses = append(addresses, "[::1]:0", "[::]:0")
	}
	f := newFarm(t, func(o *Options) {
		o.Listeners = nil
		for _, a := range addresses {
			o.Listeners = append(o.Listeners, Listener{Address: a})
		}
	})
	known := map[*peer]bool{} // two of them may have the same port here, to different ones there
	for i, address := range f.server.Addresses() {
		host, port, _ := net.SplitHostPort(address)
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			host = "127.0.0.1"
			if strings.HasPrefix(address, "[") {
				host = "::1"
			}
		}
		var from net.Dialer
		if host != "::1" { // no other test's miner has this address, whatever port it meets
			from.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(70+i))}
		}
		conn, err := from.Dial("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var p *peer
		for p == nil {
			p = f.peer(addrPort(conn.LocalAddr()), known)
		}
		known[p] = true
		if p.listener.bound != address {
			t.Errorf("%s: the miner came in by %v", addresses[i], p.listener)
		}
		if !p.remote.Addr().IsLoopback() || p.remote.Addr().Is4In6() {
			t.Errorf("%s: the miner's address is %v", addresses[i], p.remote)
		}
	}
}

// peer returns the miner that connects from that address and is not known yet; nil if
// there is none so far.
func (f *farm) peer(from netip.AddrPort, known map[*peer]bool) *peer {
	for _, l := range *f.server.loops.Load() {
		found := make(chan *peer, 1)
		l.mailbox.call(func() {
			for _, s := range l.slots {
				if s.peer != nil && s.peer.remote.AddrPort() == from && !known[s.peer] {
					found <- s.peer
					return
				}
			}
			found <- nil
		})
		if p := <-found; p != nil {
			return p
		}
	}
	return nil
}
