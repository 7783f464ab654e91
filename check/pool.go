package check

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"farmproxy/config"
	"farmproxy/store"
)

// examples are the labels that end names reserved for documentation, which nobody owns
// (RFC 2606).
var examples = []string{"example", "invalid", "example.com", "example.net", "example.org"}

func (k *checker) pool(i int, p *config.Pool) {
	key := fmt.Sprintf("pool[%d]", i+1)
	k.algorithm(key, p)
	if k.known.Has(key + ".url") {
		return
	}
	value := strconv.Quote(p.URL)
	if isExample(p.Host()) {
		k.problem(key+".url", value, "this is an example name; the pool does not exist", "the Stratum host and port of your pool")
		return
	}
	if !k.asks(p) {
		return
	}
	host := k.hosts[p.Host()]
	if host.err != nil {
		k.warning(key+".url", value, fmt.Sprintf("this name does not resolve now: %v", host.err), "the host name that your pool gives, or checking this machine's name servers")
		return
	}
	if own := k.own(host.addresses, p.Address()); own != "" {
		k.problem(key+".url", value, "this is farmproxy itself: "+own+" listens there, so it would be its own pool", "the host and port of the pool")
	}
}

// asks reports whether this machine needs to resolve a pool's host.
func (k *checker) asks(p *config.Pool) bool {
	if k.config.Proxies.Direct == config.DirectNever {
		return false // the proxy resolves the name and knows what is there
	}
	_, err := netip.ParseAddr(p.Host())
	return err == nil || p.Host() == "localhost" || !k.start && !isExample(p.Host())
}

// algorithm checks that the algorithm is known, or declared as unchecked. A typo in the
// name would forward every share unchecked.
func (k *checker) algorithm(key string, p *config.Pool) {
	if k.known.Has(key + ".algorithm") {
		return
	}
	_, known := store.ShippedAlgorithm(p.Algorithm)
	switch {
	case !known && !p.Unchecked:
		try := "unchecked = true if the name is right: only the pool then judges its shares"
		if near := config.Nearest(p.Algorithm, store.ShippedNames()); near != "" {
			try = strconv.Quote(near) + ", or " + try
		}
		k.problem(key+".algorithm", strconv.Quote(p.Algorithm), "farmproxy does not know this algorithm; docs/algorithms.md lists the known ones", try)
	case known && p.Unchecked:
		k.warning(key+".unchecked", "true", "has no effect: farmproxy knows "+p.Algorithm, "removing the key")
	}
}

// isExample reports whether a host is reserved for documentation.
func isExample(host string) bool {
	host = "." + strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(examples, func(end string) bool { return strings.HasSuffix(host, "."+end) })
}

// own returns the key of farmproxy's own listener at a pool's address, or "" if there
// is none. address is host:port; addresses are the host's.
func (k *checker) own(addresses []netip.Addr, address string) string {
	_, port, _ := net.SplitHostPort(address)
	for _, b := range k.bindings() {
		if b.port != port {
			continue
		}
		for _, a := range addresses {
			if b.at == nil && k.isOwn(a) || slices.Contains(b.at, a) {
				return b.key
			}
		}
	}
	return ""
}

// isOwn reports whether an address belongs to this machine.
func (k *checker) isOwn(a netip.Addr) bool {
	return a.IsLoopback() || a.IsUnspecified() || slices.Contains(k.machine.Addresses(), a)
}
