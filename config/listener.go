package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Balancers returns ProxyProtocol as networks, without the entries that validate
// refuses.
func (l *Listener) Balancers() (list []netip.Prefix) {
	for _, text := range l.ProxyProtocol {
		if p, err := network(text); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// network reads a network in CIDR notation, or an address as a network of one.
func network(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("no address: %w", err)
		}
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("no network: %w", err)
	}
	return p.Masked(), nil
}

// balancers checks ProxyProtocol.
func (l *Listener) balancers(ps *Problems, key string) {
	if len(l.ProxyProtocol) > maxBalancers {
		ps.add(key, "", fmt.Sprintf("expected at most %d addresses and networks, found %d", maxBalancers, len(l.ProxyProtocol)), "a network instead of single addresses")
	}
	for i, text := range l.ProxyProtocol {
		if _, err := network(text); err != nil {
			ps.add(key+"["+strconv.Itoa(i+1)+"]", show(text), "expected an IP address, or a network such as 10.0.0.0/24, of a balancer that sends the PROXY header", `"127.0.0.1"`)
		}
	}
}
