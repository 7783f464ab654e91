package netloop

import (
	"bufio"
	"bytes"
	"net/netip"
	"slices"

	"github.com/pires/go-proxyproto"

	"farmproxy/codec"
	"farmproxy/session"
)

// A load balancer in front of farmproxy says whose connection it forwards by a PROXY
// protocol header before the miner's first byte
// (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, versions 1 and 2).

const (
	// maxProxyLine is the longest header of version 1, including its newline.
	maxProxyLine = 107

	// proxyFixed is the size of the fixed part of version 2, up to and including the
	// length.
	proxyFixed = 16
)

// proxyLine is the start of a version 1 header.
var proxyLine = append(slices.Clone(proxyproto.SIGV1), ' ')

// proxyRule says whether a connection may start with a header.
type proxyRule uint8

const (
	proxyRefused  proxyRule = iota // no header is trusted: anybody could send one
	proxyAllowed                   // with or without one
	proxyRequired                  // only with one
)

// proxyRule returns the rule for a connection from that address. If nothing is
// configured, a balancer on this machine is trusted.
func (l *listener) proxyRule(from netip.Addr) proxyRule {
	switch {
	case len(l.ProxyProtocol) == 0 && from.IsLoopback():
		return proxyAllowed
	case slices.ContainsFunc(l.ProxyProtocol, func(p netip.Prefix) bool { return p.Contains(from) }):
		return proxyRequired
	}
	return proxyRefused
}

// open handles a connection's first bytes: a PROXY header, or none. rest is what
// follows, nil while that is undecided. ok is false if the connection must be closed,
// for reason.
func (l *loop) open(p *peer, data []byte) (rest []byte, reason session.Reason, ok bool) {
	if len(data) == 0 {
		return nil, 0, true
	}
	if half := p.lines.half(); len(half) > 0 {
		data = append(half, data...)
		p.lines.kept = nil
	}
	size, header := proxyHeader(data)
	switch rule := p.listener.proxyRule(p.remote.Addr()); {
	case header && rule == proxyRefused && signed(data):
		return nil, session.ProxyHeader, false
	case !header && rule == proxyRequired, size > codec.MaxMinerLine:
		return nil, session.ProxyHeader, false
	case !header:
		p.marks |= checked
		return data, 0, true
	case size == 0 || len(data) < size: // the rest has not come yet
		if len(data) > codec.MaxMinerLine {
			return nil, session.ProxyHeader, false
		}
		p.lines.keep(data, &l.halves)
		return nil, 0, true
	}
	h, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(data[:size])))
	if err != nil {
		return nil, session.ProxyHeader, false
	}
	if from, _, ok := h.TCPAddrs(); ok && h.Command.IsProxy() {
		p.remote = makeAddress(addrPort(from)) // otherwise the connection is the balancer's own
	}
	p.marks |= checked
	return data[size:], 0, true
}

// proxyHeader reports whether data may start with a PROXY header, and that header's
// size; 0 if data is too short to tell.
func proxyHeader(data []byte) (size int, ok bool) {
	if begins(data, proxyLine) {
		if end := bytes.Index(data, []byte("\r\n")); end >= 0 {
			return end + 2, true
		} else if len(data) >= maxProxyLine {
			return codec.MaxMinerLine + 1, true
		}
		return 0, true
	}
	if begins(data, proxyproto.SIGV2) {
		if len(data) < proxyFixed {
			return 0, true
		}
		return proxyFixed + int(data[14])<<8 + int(data[15]), true
	}
	return 0, false
}

// signed reports whether data, which may start with a PROXY header, does: a line break
// may also come before a miner's first line.
func signed(data []byte) bool {
	return bytes.HasPrefix(data, proxyLine) || bytes.HasPrefix(data, proxyproto.SIGV2)
}

// begins reports whether data starts with a signature, or with part of one.
func begins(data, signature []byte) bool {
	n := min(len(data), len(signature))
	return bytes.Equal(data[:n], signature[:n])
}
