package config

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
)

// warnings returns what is allowed but probably unintended, except for keys that
// already have a problem.
func (c *Config) warnings(problems Problems) (ps Problems) {
	for _, p := range c.Difficulty.warnings() {
		if !problems.has("difficulty.min") && !problems.has("difficulty.start") && !problems.has("difficulty.max") {
			ps = append(ps, p)
		}
	}
	for i := range c.Pools {
		c.Pools[i].warnings(&ps, fmt.Sprintf("pool[%d]", i+1))
	}
	c.routeWarnings(&ps)
	c.wideWarnings(&ps)
	c.Alerts.warnings(&ps)
	if c.Proxies.TLSInsecure {
		ps.add("proxies.tls_insecure", "true", "anyone between farmproxy and the proxy can read the traffic", "removing the key once the proxy has a valid certificate")
	}
	if len(c.HTTP.Hosts) > 0 && c.HTTP.TokenFile != "" {
		ps.add("http.hosts", "", "has no effect with http.token_file: a client with a token may use any host name", "removing the key")
	}
	for i := range ps {
		ps[i].Warning = true
	}
	return ps
}

// wideWarnings is about networks that everybody is in.
func (c *Config) wideWarnings(ps *Problems) {
	for _, n := range c.Limits.Exempt {
		if everybody(n) {
			ps.add("limits.exempt", strconv.Quote(n), "everybody is in this network: no address is limited, and none is ever banned", "the networks of the farm; or a limit of 0 for each that is not wanted")
		}
	}
	for i := range c.Listeners {
		for _, n := range c.Listeners[i].ProxyProtocol {
			if everybody(n) {
				ps.add(fmt.Sprintf("listener[%d].proxy_protocol", i+1), strconv.Quote(n), "everybody is in this network: whoever connects may claim to be any address, and who is denied or banned claims another one", "the addresses of the load balancers")
			}
		}
	}
}

// everybody reports whether a network has all addresses of its family.
func everybody(network string) bool {
	n, err := netip.ParsePrefix(network)
	return err == nil && n.Bits() == 0
}

func (p *Pool) warnings(ps *Problems, key string) {
	if p.TLSInsecure {
		ps.add(key+".tls_insecure", "true", "anyone between farmproxy and the pool can steal the hash rate", "tls_fingerprint with the SHA-256 of the pool's certificate, which farmproxy check -connect prints")
	}
}

// warnings is about bounds without a power of two between them: every miner gets the
// upper one unrounded, and some firmware rounds such a difficulty or refuses it. A
// start without a power of two between itself and max is not kept.
func (d *Difficulty) warnings() (ps Problems) {
	if d.Max <= 0 || d.Min <= 0 || d.Max < d.Min {
		return nil // one is missing or refused
	}
	_, exp := math.Frexp(d.Max)
	low := math.Ldexp(1, exp-1) // the largest power of two up to max
	switch {
	case low < d.Min:
		ps.add("difficulty.max", show(d.Max),
			fmt.Sprintf("no power of two lies between difficulty.min, which is %s, and this: every miner gets %s itself, and some firmware rounds that or refuses it", show(d.Min), show(d.Max)),
			fmt.Sprintf("%s, or difficulty.min = %s", show(2*low), show(low)))
	case low < d.Start && d.Start <= d.Max:
		ps.add("difficulty.start", show(d.Start),
			fmt.Sprintf("no power of two lies between this and difficulty.max, which is %s: miners start with %s", show(d.Max), show(low)),
			show(low))
	}
	return ps
}
