package upstream

import (
	"net/netip"
	"strings"
)

// sameDomain reports whether client.reconnect may lead from one host to another: to
// itself, or to a name that shares its last two labels. Addresses have no domain.
// Treating "co.uk" as a domain is acceptable: the rule is there to stop a hijacker who
// sends miners to a host of his own.
func sameDomain(from, to string) bool {
	from, to = canonical(from), canonical(to)
	if from == to {
		return true
	}
	a, b := domain(from), domain(to)
	return a != "" && a == b
}

func canonical(host string) string {
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// domain returns a name's last two labels; "" for an address or a bare name.
func domain(host string) string {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ""
	}
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return ""
	}
	return strings.Join(labels[len(labels)-2:], ".")
}
