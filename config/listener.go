package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Balancers returns ProxyProtocol as networks, without the entries that validate
// refuses.
func (l *Listener) Balancers() []netip.Prefix { return Networks(l.ProxyProtocol) }

// Networks returns addresses and networks as networks, without the entries that validate
// refuses.
func Networks(texts []string) (list []netip.Prefix) {
	for _, text := range texts {
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

// networks checks a list of addresses and networks.
func networks(ps *Problems, key string, texts []string, of string) {
	if len(texts) > maxNetworks {
		ps.add(key, "", fmt.Sprintf("expected at most %d addresses and networks, found %d", maxNetworks, len(texts)), "a network instead of single addresses")
	}
	for i, text := range texts {
		if _, err := network(text); err != nil {
			ps.add(key+"["+strconv.Itoa(i+1)+"]", show(text), "expected an IP address, or a network such as 10.0.0.0/24, "+of, `"127.0.0.1"`)
		}
	}
}
