package check

import (
	"fmt"
	"strconv"
	"strings"

	"farmproxy/config"
)

// Summary returns what a configuration turns on, one line each. Lines about pools begin
// with their key, as problems do.
func Summary(c *config.Config) (lines []string) {
	add := func(what, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%-9s", what)+" "+fmt.Sprintf(format, args...))
	}
	for _, l := range c.Listeners {
		add("listener", "%s", l.Address+overTLS(&l.TLS)+onRoute(&l))
	}
	for i := range c.Pools {
		add(fmt.Sprintf("pool[%d]", i+1), "%s", pool(&c.Pools[i]))
	}
	for i := range c.Routes {
		add("route", "%s", route(&c.Routes[i]))
	}
	switch {
	case c.Store.URL == "" && len(c.Routes) > 0:
		add("store", "none: [[route]] serves all miners")
	case c.Store.URL == "":
		add("store", "none: [[pool]] serves all miners")
	case c.Store.SQLiteFile() != "":
		add("store", "SQLite, %s", c.Store.SQLiteFile())
	default:
		add("store", "PostgreSQL")
	}
	if c.Accounts.MultiUser {
		add("accounts", "the part of each miner's login before the first dot; each has its own links")
	}
	if c.Accounts.Expire > 0 {
		add("accounts", "deleted after %s without a miner", strings.TrimSuffix(c.Accounts.Expire.String(), "0m0s"))
	}
	if n := len(c.Proxies.URLs); n > 0 {
		add("proxies", "%d, direct %s", n, c.Proxies.Direct)
	}
	add("http", "%s", web(c))
	if c.Admin.Socket != "" {
		add("admin", "%s", c.Admin.Socket)
	}
	if len(c.Miners.WorkerGroup) > 0 {
		add("groups", "%s", strings.Join(c.Miners.WorkerGroup, ", or else "))
	}
	metrics := "each worker"
	if !c.Metrics.PerWorker {
		metrics = "no worker series"
	}
	if c.Metrics.Predecessor {
		metrics += ", and stratum-proxy's series"
	}
	add("metrics", "%s", metrics)
	if c.ShareLog.Dir != "" {
		add("share_log", "%s, as %s", c.ShareLog.Dir, c.ShareLog.Format)
	}
	if c.Audit.QuietLinks && len(c.Pools) > 1 && !c.Accounts.MultiUser {
		add("audit", "a quiet link to each pool that no miner works for")
	}
	add("alerts", "%s", told(&c.Alerts))
	add("log", "%s, as %s", c.Log.Level, c.Log.Format)
	return lines
}

// told says who is told of alerts.
func told(a *config.Alerts) string {
	if !a.Enabled {
		return "nobody is told: enabled = false"
	}
	if len(a.Channels) == 0 {
		return "nobody is told: there is no [[alerts.channel]]; the page says what is wrong"
	}
	said := make([]string, len(a.Channels))
	for i := range a.Channels {
		c := &a.Channels[i]
		said[i] = c.Name
		if c.Name != c.Kind {
			said[i] += ", " + c.Kind
		}
		said[i] += " (" + strings.Join(c.Gets, ", ") + ")"
	}
	return strings.Join(said, "; ")
}

func onRoute(l *config.Listener) string {
	if l.Route == "" {
		return ""
	}
	return ", route " + l.Route
}

// route says how a route divides its work.
func route(r *config.Route) string {
	fractions := r.Fractions()
	said := make([]string, len(r.Goals))
	for i := range r.Goals {
		g := &r.Goals[i]
		part := strconv.FormatFloat(100*fractions[i], 'g', 3, 64) + " %"
		if len(g.Schedule) > 0 {
			part += " (other weights at times)"
		}
		said[i] = fmt.Sprintf("%s %s on %s", g.Name, part, strings.Join(g.Pools, ", "))
	}
	return r.Name + ": " + strings.Join(said, "; ")
}

func overTLS(t *config.TLS) string {
	if !t.On() {
		return ""
	}
	return ", TLS with " + t.Cert
}

func pool(p *config.Pool) string {
	said := []string{p.URL}
	if p.Name != p.Address() {
		said[0] = p.Name + ", " + p.URL
	}
	if p.User != "" {
		said = append(said, "user "+p.User)
	}
	said = append(said, p.Algorithm)
	if p.Unchecked {
		said[len(said)-1] += " (unchecked)"
	}
	if p.Mode == config.ModeDirect {
		said = append(said, "one link per miner")
	}
	if p.Workers == config.WorkersPass || p.Agent() {
		said = append(said, "sees every worker")
	}
	if p.FixedWorker != "" {
		said = append(said, "as "+p.FixedWorker)
	}
	if p.Links > 1 {
		said = append(said, fmt.Sprintf("%d links", p.Links))
	}
	if p.TLSFingerprint != "" {
		said = append(said, "one certificate")
	}
	return strings.Join(said, ", ")
}

func web(c *config.Config) string {
	switch h := &c.HTTP; {
	case h.Address == "":
		return "none"
	case h.TokenFile != "":
		return h.Address + overTLS(&h.TLS) + ", tokens in " + h.TokenFile
	case len(h.Hosts) > 0:
		return h.Address + overTLS(&h.TLS) + ", no tokens: for this machine only, and as " + strings.Join(h.Hosts, ", ")
	default:
		return h.Address + overTLS(&h.TLS) + ", no tokens: for this machine only"
	}
}
