package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// agentPool is an element of BTCAgent's pools: [host, port, sub-account].
type agentPool struct {
	setting
	host    string
	port    int
	account string // "" if the miners name it
}

// poolTLS is the key that says whether all pools use TLS.
const poolTLS = "pool_use_tls"

const wantAgentPool = `expected a host, a port and a sub-account`
const tryAgentPool = `["pool.example", 1800, "sub-account"]`

// pools writes the pools, and whether the miners name their account.
func (c *converter) pools() {
	multi, list := c.take("multi_user_mode"), c.take("pools")
	many := c.flag(multi, false)
	pools := c.readPools(list)
	if !multi.given && len(pools) > 0 && !slices.ContainsFunc(pools, func(p agentPool) bool { return p.account != "" }) {
		many, multi = true, list // the C++ BTCAgent for many users had no key for this
	}
	tls, number := c.take(poolTLS), c.take("advanced.pool_connection_number_per_subaccount")
	secure := c.flag(tls, false)
	c.tls = secure
	links := c.number(number, btcagentLinks, 0, 255)
	c.origins["pool"] = list
	names := make(map[string]bool)
	named := slices.IndexFunc(pools, func(p agentPool) bool { return p.account != "" })
	for i, p := range pools {
		key := fmt.Sprintf("pool[%d]", i+1)
		c.origins[key] = p.setting
		c.open("[[pool]]", key)
		c.poolEndpoint(p, secure, names)
		c.poolUser(p, many, i == named)
		if i == 0 && links > 1 {
			c.note(fmt.Sprintf("One is enough: a link carries up to 65,535 miners. The most allowed is %d.", MaxLinks))
		}
		c.set("links", max(1, min(links, MaxLinks)), number)
		if c.fixedName != "" {
			c.set("fixed_worker", c.fixedName, c.fixed)
		}
		if secure && i == 0 && c.unsafe {
			c.note("BTCAgent accepted any certificate: anyone between it and the pool could steal the hash rate. It is safer to remove this line, or to set tls_fingerprint instead (docs/configuration.md).")
		}
		if secure && c.unsafe {
			c.set("tls_insecure", true, c.insecure)
		}
	}
	if many {
		c.open("[accounts]", "accounts")
		if multi.path == list.path {
			c.note("No pool has a sub-account, as in the C++ multi-user BTCAgent.")
		}
		c.set("multi_user", true, multi)
	} else {
		c.needless(multi)
	}
}

func (c *converter) poolEndpoint(p agentPool, secure bool, names map[string]bool) {
	scheme := schemeAgentTCP
	if secure {
		scheme = schemeAgentTLS
	}
	endpoint := net.JoinHostPort(p.host, strconv.Itoa(p.port))
	name := endpoint
	for n := 2; names[name]; n++ {
		name = fmt.Sprintf("%s-%d", endpoint, n)
	}
	names[name] = true
	if name != endpoint {
		c.set("name", name, p.setting)
	}
	c.set("url", scheme+"://"+endpoint, p.setting, c.take(poolTLS))
}

// poolUser writes a pool's sub-account; first means that it is the first pool with one.
func (c *converter) poolUser(p agentPool, many, first bool) {
	switch {
	case !many && p.account == "":
		c.problem(p.setting, wantAgentPool+"; the last one is missing", tryAgentPool+`, or "multi_user_mode": true if the miners' logins begin with their sub-account`)
	case !many:
		c.set("user", p.account, p.setting)
	case p.account != "" && first:
		c.note("The sub-accounts of the pools are left out: miners' logins name them.")
	}
}

// readPools reads the list of pools.
func (c *converter) readPools(list setting) (pools []agentPool) {
	elements, ok := list.value.([]setting)
	switch {
	case !ok && list.value != nil:
		c.problem(list, "expected a list of pools", `"pools": [`+tryAgentPool+`]`)
		return nil
	case len(elements) == 0:
		c.problem(list, "required: "+strings.TrimPrefix(wantAgentPool, "expected ")+" of at least one pool", `"pools": [`+tryAgentPool+`]`)
		return nil
	}
	for _, e := range elements {
		parts, ok := e.value.([]setting)
		if !ok || len(parts) < 2 {
			c.problem(e, wantAgentPool, tryAgentPool)
			continue
		}
		p := agentPool{setting: e, host: strings.Trim(c.string(parts[0], ""), "[]"), port: c.number(parts[1], btcagentPort, 1, 65535)}
		if len(parts) > 2 {
			p.account = c.string(parts[2], "")
		}
		if len(parts) > 3 {
			c.lacks(parts[3], "this entry and any after it: a pool has only a host, a port and a sub-account")
		}
		pools = append(pools, p)
	}
	return pools
}

// proxies writes the ways to the pools.
func (c *converter) proxies() {
	list, use := c.take("proxy"), c.take("use_proxy")
	with, after := c.take("direct_connect_with_proxy"), c.take("direct_connect_after_proxy")
	on, beside, last := c.flag(use, true), c.flag(with, false), c.flag(after, true)
	elements, ok := list.value.([]setting)
	if _, one := list.value.(string); one { // as in the first version with proxies
		elements = []setting{list}
	} else if !ok && list.value != nil {
		c.problem(list, "expected a list of proxies", `"proxy": ["socks5://127.0.0.1:1080"]`)
	}
	var urls []string
	for _, e := range elements {
		u := proxyURL(c.string(e, ""))
		if u == "" { // BTCAgent then dialled directly
			beside, with = true, e
			continue
		}
		urls = append(urls, u)
		c.origins[fmt.Sprintf("proxies.urls[%d]", len(urls))] = e
	}
	if !on || len(urls) == 0 {
		c.needless(list, use, with, after)
		return
	}
	c.needless(use)
	c.open("[proxies]", "proxies")
	c.set("urls", urls, list)
	switch {
	case beside:
		c.set("direct", DirectBeside, with)
		c.needless(after)
	case last:
		c.set("direct", DirectAfter, after)
		c.needless(with)
	default:
		c.set("direct", DirectNever, after)
		c.needless(with)
	}
	if c.unsafe && slices.ContainsFunc(urls, proxyHasTLS) {
		c.note("BTCAgent also accepted any certificate from a proxy. It is safer to remove this line.")
		c.set("tls_insecure", true, c.insecure)
		c.tls = true
	}
}

// proxyURL is a proxy as farmproxy writes it. BTCAgent took socks and socks4
// for socks5, a URL without a scheme for http, and knew the ports of http and
// https.
func proxyURL(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || text == ProxySystem {
		return text
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "http", text
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "":
		scheme = "http"
	case "socks", "socks4", "socks4a":
		scheme = "socks5"
	}
	text = scheme + "://" + rest
	if u, err := url.Parse(text); err == nil && u.Port() == "" && u.Host != "" {
		u.Host = strings.TrimSuffix(u.Host, ":") + ":" + proxyPort(scheme)
		text = u.String()
	}
	return text
}
