package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// Loopback reports whether only this machine can reach the address.
func (h *HTTP) Loopback() bool {
	host, _, err := net.SplitHostPort(h.Address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (h *HTTP) validate(ps *Problems) {
	within(ps, "http.registrations_per_minute", h.RegistrationsPerMinute, 0, maxRate, "60, or 0 for no limit")
	h.checkHosts(ps)
	h.TLS.validate(ps, "http.tls")
	if h.TokenFile != "" {
		if !filepath.IsAbs(h.TokenFile) {
			ps.add("http.token_file", show(h.TokenFile), "expected an absolute path", `"/etc/farmproxy/tokens"`)
		}
		return
	}
	if h.Address == "" || h.Loopback() || ps.has("http.address") {
		return
	}
	_, port, _ := net.SplitHostPort(h.Address)
	ps.add("http.address", show(h.Address), "without http.token_file, expected an address that only this machine can reach: anyone who can reach it may do everything",
		strconv.Quote(net.JoinHostPort("127.0.0.1", port))+`, or token_file = "/etc/farmproxy/tokens" with lines like: admin TOKEN`)
}

// checkHosts checks the names that a reverse proxy passes on. A request's name is
// compared without its port.
func (h *HTTP) checkHosts(ps *Problems) {
	if n := len(h.Hosts); n > MaxHosts {
		ps.add("http.hosts", "", fmt.Sprintf("expected at most %d names, found %d", MaxHosts, n), "only those that the reverse proxy forwards")
	}
	for i, host := range h.Hosts {
		if _, err := netip.ParseAddr(host); err == nil || validName(host) {
			continue
		}
		bare := host
		if _, after, ok := strings.Cut(bare, "://"); ok {
			bare = after
		}
		bare, _, _ = strings.Cut(bare, "/")
		if name, _, err := net.SplitHostPort(bare); err == nil {
			bare = name
		}
		if bare = strings.Trim(bare, "[]."); !validHost(bare) {
			bare = "farm.example"
		}
		ps.add(fmt.Sprintf("http.hosts[%d]", i+1), show(host), "expected only a name or an IP address, as the reverse proxy sends it in Host", strconv.Quote(bare))
	}
}
