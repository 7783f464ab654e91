package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"time"

	"farmproxy/alert"
	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/dial"
	"farmproxy/guard"
	"farmproxy/naming"
	"farmproxy/netloop"
	"farmproxy/session"
	"farmproxy/sharelog"
	"farmproxy/stats"
	"farmproxy/store"
	"farmproxy/systemd"
	"farmproxy/upstream"
	"farmproxy/wish"
	"farmproxy/work"
)

// What the configuration means to each package, which know nothing of it.

// What is remembered in the state directory: the pools' sizes, and the store's
// accounts.
const (
	stateFile    = "pools.json"
	accountsFile = "accounts.json"
)

// settings are what a configuration means to each package: what may change while they
// run (proxy.apply). They are data: two of them can be compared.
//
// What a configuration says besides is read once, at the start: startKeys. A reload that
// would change one of those is refused.
type settings struct {
	miners  netloop.Settings
	links   upstream.Settings // but Dial, which proxies make
	proxies dial.Proxies
	others  upstream.Everybody
	routes  []wish.Route // as the configuration divides them
	books   stats.Settings
	web     api.Settings
	webAt   webSettings
	shares  sharelog.Settings
	log     config.Log
	history config.History
	alerts  alert.Settings
	notify  notifySettings // who is told of alerts

	remember     time.Duration // a worker without a miner is listed for so long
	standing     int           // descriptors that are always open
	linkFiles    int           // descriptors that are kept for links
	expire       time.Duration // accounts that were not used for so long are deleted; 0: none are
	needsLink    bool          // it is not ready without a link
	onlyAccounts bool          // nobody is served but accounts of the store
}

// stateFileOf is where the pools' sizes are remembered; "": nowhere.
func stateFileOf(c *config.Config) string {
	dir := stateDir(c)
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, stateFile)
}

// startKeys are those of the configuration that are read at the start alone, with
// their reason. What begins with one belongs to it.
var startKeys = map[string]string{
	"miners.loops": "the books have counters for each",
	"state_dir":    "what is remembered there was read",
	"store":        "accounts come from there",
	"admin.socket": "the socket is open",
}

// plan returns the settings that a configuration means here.
func (p *proxy) plan(c *config.Config) (settings, error) {
	standing := standing(c, p.unshared, p.loops)
	s, err := plan(c, p.files.With(standing), &p.tables.tls, &p.certs)
	s.standing = standing
	return s, err
}

// plan returns the settings that a configuration means, where total descriptors are
// shared out. It reads the files of tokens and certificates.
func plan(c *config.Config, total int, t *tlsConfigs, certs *certificates) (s settings, err error) {
	onDemand, kept := links(c, total)
	s = settings{
		miners: minerSettings(c, total-kept),
		links: upstream.Settings{
			Failover: upstream.Failover{
				ReturnAfter: max(c.Failover.ReturnAfter, time.Nanosecond), // at once: there 0 is the default
				ProbeEvery:  c.Failover.ProbeEvery,
				Silence:     c.Failover.Silence,
				RejectRate:  c.Failover.RejectRate,
				BackoffMax:  c.Failover.BackoffMax,
				Hold:        hold(c.Failover.Hold),
			},
			DialFiles: dialFiles(c),
			OnDemand:  onDemand,
			Quiet:     upstream.Quiet{Links: c.Audit.QuietLinks, Except: c.Audit.Except},
		},
		proxies: proxies(&c.Proxies),
		books:   stats.Settings{Predecessor: c.Metrics.Predecessor, Proxy: proxyLabel(c)},
		web: api.Settings{
			NoWorkerMetrics:        !c.Metrics.PerWorker,
			Hosts:                  c.HTTP.Hosts,
			RegistrationsPerMinute: c.HTTP.RegistrationsPerMinute,
		},
		shares:   shareLog(&c.ShareLog),
		log:      c.Log,
		history:  c.History,
		alerts:   alertSettings(&c.Alerts),
		notify:   notifySettingsOf(&c.Alerts),
		remember: c.Workers.Remember,

		linkFiles:    kept,
		expire:       c.Accounts.Expire,
		needsLink:    needsLink(c),
		onlyAccounts: len(c.Pools) == 0,
	}
	s.webAt.address = c.HTTP.Address
	if s.webAt.secure, err = certs.web(&c.HTTP); err != nil {
		return s, err
	}
	if s.books.Groups, err = groups(c.Miners.WorkerGroup); err != nil {
		return s, err
	}
	if c.HTTP.TokenFile != "" {
		if s.web.Tokens, err = api.LoadTokens(c.HTTP.TokenFile); err != nil {
			return s, err
		}
	}
	if s.miners.Listeners, err = certs.listeners(c.Listeners); err != nil {
		return s, err
	}
	s.routes = wishRoutes(c)
	s.others, err = t.others(c)
	return s, err
}

// wishRoutes are the routes with their weights and schedules.
func wishRoutes(c *config.Config) (routes []wish.Route) {
	for i := range c.Routes {
		r := wish.Route{Name: c.Routes[i].Name}
		for j := range c.Routes[i].Goals {
			g := &c.Routes[i].Goals[j]
			goal := wish.Goal{Name: g.Name, Weight: g.Weight}
			for k := range g.Schedule {
				goal.Schedule = append(goal.Schedule, g.Schedule[k].Wish())
			}
			r.Goals = append(r.Goals, goal)
		}
		routes = append(routes, r)
	}
	return routes
}

// shareFormats are config's words for sharelog's.
var shareFormats = map[string]sharelog.Format{config.FormatJSON: sharelog.JSON, config.FormatCSV: sharelog.CSV}

// shareLog says which shares are written where.
func shareLog(c *config.ShareLog) sharelog.Settings {
	return sharelog.Settings{
		Dir:         c.Dir,
		Format:      shareFormats[c.Format],
		SegmentSize: int64(c.SegmentMegabytes) << 20,
		RotateEvery: c.RotateEvery,
		Keep:        int64(c.KeepMegabytes) << 20,
	}
}

// alertSettings say when operators are told of what.
func alertSettings(c *config.Alerts) alert.Settings {
	s := c.Settings()
	s.Site = siteOf(c)
	return s
}

// proxyLabel is what the account proxy's series call this proxy.
func proxyLabel(c *config.Config) string {
	if c.Metrics.Proxy != "" {
		return c.Metrics.Proxy
	}
	return c.Listeners[0].Address
}

// groups say which group each worker is in.
func groups(templates []string) (naming.Groups, error) {
	g, wrong := naming.ParseGroups(templates)
	for _, e := range wrong {
		return g, fmt.Errorf("miners.worker_group[%d] = %q: %w", e.Index+1, templates[e.Index], e)
	}
	return g, nil
}

// userAgent is what pools of Stratum are told unless the operator says otherwise.
var userAgent = "farmproxy/" + Version()

// agentOf is what a pool is told.
func agentOf(p *config.Pool) string {
	switch {
	case p.UserAgent != "":
		return p.UserAgent
	case p.Agent():
		return config.AgentUserAgent
	}
	return userAgent
}

// dialectOf is what a pool speaks, by the scheme of its URL.
func dialectOf(p *config.Pool) upstream.Dialect {
	if p.Agent() {
		return upstream.Agent
	}
	return upstream.Stratum
}

// hold is how long miners are kept without any pool, as upstream says it: 0 is
// for ever, and so no time at all is the shortest there is.
func hold(h config.Hold) time.Duration {
	if h.Forever {
		return 0
	}
	return max(h.Duration, time.Nanosecond)
}

// minerSettings say how miners are served; there are descriptors for so many.
func minerSettings(c *config.Config, room int) netloop.Settings {
	return netloop.Settings{
		MaxMiners:    maxMiners(c, room),
		MinerEnds:    c.Log.MinerEnds,
		Terms:        terms(c),
		WorkerName:   c.Miners.WorkerName,
		Keepalive:    c.Miners.Keepalive,
		ResumeWindow: c.Miners.ResumeWindow,
		Limits: netloop.Limits{
			Messages: c.Limits.Messages,
			Shares:   c.Limits.Shares,
			Invalid:  c.Limits.InvalidShares,
			Logins:   c.Limits.AuthorizeAttempts,
		},
		Guard: guard.Settings{
			Connections: c.Limits.Connections,
			PerSecond:   c.Limits.Connects,
			BanAfter:    c.Limits.BanAfter,
			BanTime:     c.Limits.BanTime,
			Exempt:      config.Networks(c.Limits.Exempt),
		},
	}
}

func terms(c *config.Config) session.Terms {
	return session.Terms{
		ReconnectLostRolling: c.Miners.ReconnectLostRolling,

		SubscribeTimeout: c.Miners.SubscribeTimeout,
		AuthorizeTimeout: c.Miners.AuthorizeTimeout,
		MalformedLimit:   c.Miners.MalformedLimit,
		AnswerLocal:      c.Miners.Answer == config.AnswerLocal,
		Difficulty: session.Policy{
			Start:           c.Difficulty.Start,
			Min:             c.Difficulty.Min,
			Max:             c.Difficulty.Max,
			SharesPerMinute: c.Difficulty.SharesPerMinute,
		},
	}
}

// others are what serves everybody whose login is no account's: a route for each [[route]],
// or one for all.
func (t *tlsConfigs) others(c *config.Config) (upstream.Everybody, error) {
	var pools []upstream.Pool // as in c
	for i := range c.Pools {
		p := t.pool(&c.Pools[i])
		if p.Algorithm.Divider == 0 {
			return nil, fmt.Errorf("pool[%d].algorithm = %q: farmproxy does not know what its shares are worth; expected an algorithm of docs/algorithms.md, or register the pool in the [store] after POST /api/v1/algorithms has added its algorithm", i+1, c.Pools[i].Algorithm)
		}
		pools = append(pools, p)
	}
	if len(pools) == 0 {
		return nil, nil
	}
	kind := upstream.Kind{Kept: !c.Accounts.MultiUser, PerUser: c.Accounts.MultiUser}
	if len(c.Routes) == 0 {
		return upstream.Everybody{{Kind: kind, Goals: upstream.Whole(pools...)}}, nil
	}
	routes := make(upstream.Everybody, len(c.Routes))
	for i := range c.Routes {
		routes[i] = upstream.Entry{Kind: kind, Route: c.Routes[i].Name}
		for _, g := range c.Routes[i].Goals {
			routes[i].Goals = append(routes[i].Goals, upstream.GoalEntry{Name: g.Name, Weight: g.Weight, Pools: named(pools, g.Pools)})
		}
	}
	return routes, nil
}

// named returns the pools of those names, in their order.
func named(pools []upstream.Pool, names []string) (list []upstream.Pool) {
	for _, name := range names {
		at := slices.IndexFunc(pools, func(p upstream.Pool) bool { return p.Name == name })
		list = append(list, pools[at]) // config has checked that it is there
	}
	return list
}

// directWays are config's words for dial's.
var directWays = map[string]dial.DirectWay{
	config.DirectAfter:  dial.DirectAfter,
	config.DirectBeside: dial.DirectBeside,
	config.DirectFirst:  dial.DirectFirst,
	config.DirectNever:  dial.DirectNever,
}

// proxies are the ways to the pools that lead through another host.
func proxies(p *config.Proxies) dial.Proxies {
	urls := make([]string, len(p.URLs))
	for i, u := range p.URLs {
		urls[i] = string(u)
	}
	return dial.Proxies{URLs: urls, Direct: directWays[p.Direct], TLSInsecure: p.TLSInsecure}
}

// dialing is how a pool is dialled.
type dialing = func(context.Context, dial.Target) (net.Conn, error)

// dialer returns what dials pools: directly, or through proxies.
func dialer(p dial.Proxies, log *slog.Logger) (dialing, error) {
	d, err := dial.Through(p, log)
	if err != nil {
		return nil, fmt.Errorf("[proxies]: %w", err)
	}
	return d, nil
}

// needsLink reports whether there are links without miners: farmproxy is not
// ready then before one of them is up. Accounts, of the store or of the miners'
// names, have their links only while their miners are there.
func needsLink(c *config.Config) bool { return len(c.Pools) > 0 && !c.Accounts.MultiUser }

func stateDir(c *config.Config) string {
	if c.StateDir != "" {
		return c.StateDir
	}
	return systemd.StateDirectory()
}

// pool is a pool of the configuration's.
func (t *tlsConfigs) pool(p *config.Pool) upstream.Pool {
	u := upstream.Pool{
		Target:            dial.Target{Name: p.Name, URL: p.URL, Address: p.Address(), Host: p.Host()},
		User:              p.User,
		Password:          string(p.Password),
		PassWorkers:       p.Workers == config.WorkersPass,
		Links:             p.Links,
		SuggestDifficulty: p.SuggestDifficulty,
		UserAgent:         agentOf(p),
		Dialect:           dialectOf(p),
		FixedWorker:       p.FixedWorker,
		Direct:            p.Mode == config.ModeDirect,
	}
	u.Algorithm, _ = work.LookupAlgorithm(p.Algorithm)
	if known, ok := store.ShippedAlgorithm(p.Algorithm); ok {
		u.Algorithm.Divider = known.Divider
	} else if p.Unchecked {
		u.Algorithm.Divider = 1
	}
	if p.TLS() {
		u.TLS = t.of(tlsKey{u.Host, p.TLSFingerprint, p.TLSInsecure})
	}
	return u
}
