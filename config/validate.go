package config

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validate returns everything that is wrong with the values of a decoded file.
func (c *Config) validate() Problems {
	var ps Problems
	if c.StateDir != "" && !filepath.IsAbs(c.StateDir) {
		ps.add("state_dir", show(c.StateDir), "expected an absolute path: a service has no working directory of its own", `"/var/lib/farmproxy"`)
	}
	c.addresses(&ps)
	c.pools(&ps)
	c.routes(&ps)
	c.Miners.validate(&ps)
	c.Limits.validate(&ps)
	c.Difficulty.validate(&ps)
	c.Failover.validate(&ps)
	c.store(&ps)
	c.accounts(&ps)
	c.Proxies.validate(&ps)
	c.HTTP.validate(&ps)
	c.Admin.validate(&ps)
	if len(c.Listeners) == 0 || c.Metrics.Proxy != c.Listeners[0].Address {
		plain(&ps, "metrics.proxy", c.Metrics.Proxy)
	}
	c.ShareLog.validate(&ps)
	c.History.validate(&ps)
	c.Workers.validate(&ps)
	c.audit(&ps)
	c.Alerts.validate(&ps)
	oneOf(&ps, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(&ps, "log.format", c.Log.Format, "text", "json")
	return ps
}

// addresses checks the addresses to listen on, miners' ports and HTTP alike: no two may
// have the same port.
func (c *Config) addresses(ps *Problems) {
	switch n := len(c.Listeners); {
	case n == 0:
		ps.add("listener", "", "expected at least one port for miners", `[[listener]] with address = "0.0.0.0:3333" below it`)
	case n > MaxListeners:
		ps.add("listener", "", fmt.Sprintf("expected at most %d listeners, found %d", MaxListeners, n), "fewer: one port serves any number of miners")
	}
	var taken []binding
	for i, l := range c.Listeners {
		key := fmt.Sprintf("listener[%d].address", i+1)
		if l.Address == "" {
			ps.add(key, "", "required: host:port that miners connect to", `address = "0.0.0.0:3333"`)
			continue
		}
		taken = bind(ps, taken, key, l.Address)
	}
	for i, l := range c.Listeners {
		key := fmt.Sprintf("listener[%d]", i+1)
		networks(ps, key+".proxy_protocol", l.ProxyProtocol, "of a balancer that sends the PROXY header")
		networks(ps, key+".allow", l.Allow, "that may connect")
		networks(ps, key+".deny", l.Deny, "that may not connect")
		l.TLS.validate(ps, key+".tls")
	}
	if c.HTTP.Address != "" {
		bind(ps, taken, "http.address", c.HTTP.Address)
	}
}

// binding is an address to listen on, and its key.
type binding struct{ key, host, port string }

// bind checks an address and adds it to those taken.
func bind(ps *Problems, taken []binding, key, address string) []binding {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		ps.add(key, show(address), "expected host:port", strconv.Quote(completed(address)))
		return taken
	}
	if !validHost(host) && host != "" {
		ps.add(key, show(address), "expected an address of this machine before the port", strconv.Quote("0.0.0.0:"+port))
		return taken
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		ps.add(key, show(address), "expected a port from 0 to 65535; 0 means any free port", strconv.Quote(net.JoinHostPort(host, "3333")))
		return taken
	} else if n == 0 {
		return taken // each gets a different port
	}
	b := binding{key, host, port}
	if i := slices.IndexFunc(taken, b.clashes); i >= 0 {
		ps.add(key, show(address), taken[i].key+" already has this address and port", "another port")
	}
	return append(taken, b)
}

// completed turns a host or a port alone into host:port.
func completed(address string) string {
	if _, err := strconv.ParseUint(address, 10, 16); err == nil {
		return "0.0.0.0:" + address
	}
	if host := strings.Trim(address, "[]"); validHost(host) {
		return net.JoinHostPort(host, "3333")
	}
	return "0.0.0.0:3333"
}

// clashes reports whether the machine can't listen on both.
func (b binding) clashes(other binding) bool {
	return b.port == other.port && (b.host == other.host || b.everywhere() || other.everywhere())
}

func (b binding) everywhere() bool {
	ip := net.ParseIP(b.host)
	return b.host == "" || ip != nil && ip.IsUnspecified()
}

// validHost reports whether a host is an IP address or a DNS name.
func validHost(host string) bool {
	ip, _, _ := strings.Cut(host, "%")
	return net.ParseIP(ip) != nil || validName(host)
}

// validName reports whether a host is a DNS name: labels of letters, digits, - and _
// between dots, optionally with a dot at the end.
func validName(host string) bool {
	if len(host) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if len(label) == 0 || len(label) > maxLabel || strings.ContainsFunc(label, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
		}) {
			return false
		}
	}
	return true
}

func (m *Miners) validate(ps *Problems) {
	within(ps, "miners.max", m.Max, 0, maxMiners, "0, which means as many as RLIMIT_NOFILE allows")
	within(ps, "miners.loops", m.Loops, 0, maxLoops, "0, which means one per CPU")
	within(ps, "miners.malformed_limit", m.MalformedLimit, 1, maxMalformed, "10")
	lasting(ps, "miners.subscribe_timeout", m.SubscribeTimeout, minTimeout, maxTimeout, `"15s"`)
	lasting(ps, "miners.authorize_timeout", m.AuthorizeTimeout, minTimeout, maxTimeout, `"1m"`)
	lasting(ps, "miners.resume_window", m.ResumeWindow, 0, maxPause, `"1m", or "0s" for never`)
	lasting(ps, "miners.keepalive", m.Keepalive, minTimeout, maxTimeout, `"25s"`)
	oneOf(ps, "miners.answer", m.Answer, AnswerPool, AnswerLocal)
	m.checkWorkerName(ps)
	m.checkWorkerGroup(ps)
}

func (l *Limits) validate(ps *Problems) {
	within(ps, "limits.connections_per_address", l.Connections, 0, maxMiners, "0, which means as many as miners.max")
	within(ps, "limits.connects_per_second", l.Connects, 0, maxRate, "500")
	within(ps, "limits.messages_per_second", l.Messages, 0, maxPerSecond, "1000")
	within(ps, "limits.shares_per_second", l.Shares, 0, maxPerSecond, "200")
	within(ps, "limits.invalid_shares_per_second", l.InvalidShares, 0, maxPerSecond, "20")
	within(ps, "limits.authorize_attempts", l.AuthorizeAttempts, 0, maxAttempts, "30")
	within(ps, "limits.ban_after", l.BanAfter, 0, maxPerMinute, "20")
	lasting(ps, "limits.ban_time", l.BanTime, 0, maxPause, `"10m"`)
	networks(ps, "limits.exempt", l.Exempt, "that is never banned")
}

func (d *Difficulty) validate(ps *Problems) {
	for _, v := range []struct {
		key   string
		value float64
		zero  bool
		try   string
	}{
		{"difficulty.start", d.Start, false, "16384"},
		{"difficulty.min", d.Min, false, "1"},
		{"difficulty.max", d.Max, true, "0, which leaves the limit to the pool"},
	} {
		if v.value < 0 || v.value > maxDifficulty || v.value == 0 && !v.zero {
			ps.add(v.key, show(v.value), "expected a difficulty above 0 and up to 2^53", v.try)
		}
	}
	if d.SharesPerMinute <= 0 || d.SharesPerMinute > maxShareRate {
		ps.add("difficulty.shares_per_minute", show(d.SharesPerMinute), fmt.Sprintf("expected a number above 0 and up to %d", maxShareRate), "6")
	}
	// Values out of range can't be compared.
	low, start, high := !ps.has("difficulty.min"), !ps.has("difficulty.start"), !ps.has("difficulty.max") && d.Max > 0
	if low && high && d.Max < d.Min {
		ps.add("difficulty.max", show(d.Max), "expected at least difficulty.min, which is "+show(d.Min), show(d.Min)+" or more, or 0")
	}
	switch {
	case low && start && d.Start < d.Min:
		ps.add("difficulty.start", show(d.Start), "expected at least difficulty.min, which is "+show(d.Min), show(d.Min)+" or more")
	case start && high && d.Start > d.Max:
		ps.add("difficulty.start", show(d.Start), "expected at most difficulty.max, which is "+show(d.Max), show(d.Max)+" or less")
	}
}

func (f *Failover) validate(ps *Problems) {
	lasting(ps, "failover.hold", f.Hold.Duration, 0, maxPause, `"10m", or "forever"`)
	lasting(ps, "failover.return_after", f.ReturnAfter, 0, maxPause, `"2m"`)
	lasting(ps, "failover.probe_every", f.ProbeEvery, minTimeout, maxPause, `"5m"`)
	lasting(ps, "failover.silence", f.Silence, minTimeout, maxPause, `"3m"`)
	lasting(ps, "failover.backoff_max", f.BackoffMax, minTimeout, maxTimeout, `"30s"`)
	if f.RejectRate < 0 || f.RejectRate > 1 {
		try := "0.5"
		if f.RejectRate > 1 && f.RejectRate <= 100 {
			try = show(f.RejectRate / 100)
		}
		ps.add("failover.reject_rate", show(f.RejectRate), "expected a fraction from 0 to 1", try)
	}
}

func within(ps *Problems, key string, n, low, high int, try string) {
	if n < low || n > high {
		ps.add(key, show(n), fmt.Sprintf("expected %d to %d", low, high), try)
	}
}

func lasting(ps *Problems, key string, d, low, high time.Duration, try string) {
	if d < low || d > high {
		ps.add(key, show(d), "expected "+Short(low)+" to "+Short(high), try)
	}
}

func oneOf(ps *Problems, key, value string, choices ...string) {
	if slices.Contains(choices, value) {
		return
	}
	quoted := make([]string, len(choices))
	for i, c := range choices {
		quoted[i] = strconv.Quote(c)
	}
	want := "expected " + oneOfThese(quoted)
	try := ""
	if near := nearest(value, choices); near != "" {
		try = strconv.Quote(near)
	}
	ps.add(key, show(value), want, try)
}

// oneOfThese joins alternatives; there is at least one.
func oneOfThese(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
