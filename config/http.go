package config

import (
	"net"
	"path/filepath"
	"strconv"
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
	ps.add("http.address", show(h.Address), "without http.token_file expected an address that only this machine can reach, since everyone who reaches it may do everything",
		strconv.Quote(net.JoinHostPort("127.0.0.1", port))+`, or token_file = "/etc/farmproxy/tokens" with lines such as: admin TOKEN`)
}
