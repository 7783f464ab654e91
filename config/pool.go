package config

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/url"
	"strings"
)

// The schemes of Pool.URL.
const (
	schemeTCP = "stratum+tcp"
	schemeTLS = "stratum+tls"
)

// Address is the pool's host:port, for a dial. Empty when URL is no URL, which
// Load does not let pass.
func (p *Pool) Address() string {
	u, err := url.Parse(p.URL)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), u.Port())
}

// Host is the pool's host without port and brackets: the name that its
// certificate has to show, and the domain that a reconnect has to stay in.
func (p *Pool) Host() string {
	u, err := url.Parse(p.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// TLS reports whether the link is encrypted.
func (p *Pool) TLS() bool { return strings.HasPrefix(p.URL, schemeTLS+"://") }

// Fingerprint is TLSFingerprint as bytes; ok is false where none is given.
func (p *Pool) Fingerprint() (sum [sha256.Size]byte, ok bool) {
	b, err := hex.DecodeString(strings.ReplaceAll(p.TLSFingerprint, ":", ""))
	if err != nil || len(b) != len(sum) {
		return sum, false
	}
	return [sha256.Size]byte(b), true
}
