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
	schemeTCP      = "stratum+tcp"
	schemeTLS      = "stratum+tls"
	schemeAgentTCP = "agent+tcp"
	schemeAgentTLS = "agent+tls"
)

const (
	// AgentPrefix begins every agent's user agent: btcpool requires it to recognise
	// one.
	AgentPrefix = "btccom-agent/"

	// AgentUserAgent is sent to an agent pool unless Pool.UserAgent overrides it.
	AgentUserAgent = AgentPrefix + "2.0.0-mu"
)

// Address returns the pool's host:port, for a dial. It is empty if URL is malformed,
// which Load does not allow.
func (p *Pool) Address() string {
	u, err := url.Parse(p.URL)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), u.Port())
}

// Host returns the pool's host without port and brackets: the name that its certificate
// must show, and the domain in which a reconnect must stay.
func (p *Pool) Host() string {
	u, err := url.Parse(p.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// TLS reports whether the link is encrypted.
func (p *Pool) TLS() bool { return p.has(schemeTLS) || p.has(schemeAgentTLS) }

// Agent reports whether the link speaks the agent protocol.
func (p *Pool) Agent() bool { return p.has(schemeAgentTCP) || p.has(schemeAgentTLS) }

func (p *Pool) has(scheme string) bool { return strings.HasPrefix(p.URL, scheme+"://") }

// Fingerprint returns TLSFingerprint as bytes; ok is false if there is none.
func (p *Pool) Fingerprint() (sum [sha256.Size]byte, ok bool) {
	b, err := hex.DecodeString(strings.ReplaceAll(p.TLSFingerprint, ":", ""))
	if err != nil || len(b) != len(sum) {
		return sum, false
	}
	return [sha256.Size]byte(b), true
}
