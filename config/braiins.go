package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Braiins Farm Proxy's defaults, as its documentation and its templates have them.
const (
	braiinsPort   = 3333 // of a target's url
	braiinsWeight = 100  // hr_weight
	braiinsRate   = 0.2  // submission_rate, in shares per second
)

// What becomes of keys that farmproxy has no counterpart for.
const (
	noExtranonce  = "farmproxy takes the extranonce that each pool gives, and divides it among the miners itself"
	noAggregation = "one link carries up to 65,536 miners; links in [[pool]] opens more"
	noBonus       = "farmproxy can't claim it; ask Braiins how it is credited to miners behind another proxy"
)

// braiinsKeys are the keys of each table of Braiins Farm Proxy, with what becomes of those
// that have no counterpart.
var braiinsKeys = map[string]map[string]string{
	"": {"description": "", "server": "", "target": "", "routing": ""},
	"server": {
		"name": "", "port": "", "submission_rate": "",
		"extranonce_size":       noExtranonce,
		"use_empty_extranonce1": noExtranonce,
		"validates_hash_rate":   "farmproxy always checks every share",
		"slushpool_bos_bonus":   noBonus,
		"braiinspool_bos_bonus": noBonus,
		"bos_referral_code":     noBonus,
	},
	"target": {
		"name": "", "url": "", "user_identity": "", "identity_pass_through": "",
		"extranonce_size": noExtranonce,
		"aggregation":     noAggregation,
	},
	"routing":            {"name": "", "from": "", "goal": ""},
	"routing.goal":       {"name": "", "hr_weight": "", "level": ""},
	"routing.goal.level": {"targets": ""},
}

// braiins turns a configuration of Braiins Farm Proxy into one of farmproxy's. Each key of
// the file becomes a key, or is listed with the reason why it does not.
type braiins struct {
	draft
	leftovers
	problems                   Problems
	servers, targets, routings []block
}

// convertBraiins returns a TOML configuration, with comments, that does what text made
// Braiins Farm Proxy do, or nil if text is beyond conversion.
func convertBraiins(text []byte) (*draft, Problems) {
	b := new(braiins)
	b.origins = make(map[string]setting)
	top, ok := b.read(text)
	if !ok {
		return nil, b.problems
	}
	b.named("server", b.servers)
	b.named("target", b.targets)
	b.note("Converted from a configuration of Braiins Farm Proxy. The comment after each value names the key it comes from. docs/configuration.md lists all keys, their units and defaults; docs/migrating.md lists the intended differences.")
	if about := top.take("description"); about.given {
		b.note("description: " + plainKey(b.text(about)))
	}
	names := b.routes()
	b.listeners(names)
	b.difficulty()
	b.pools()
	for i := range b.routings {
		b.route(&b.routings[i], i, names[i])
	}
	b.http()
	b.list("No equivalent:", b.grouped())
	b.list("Not a key of Braiins Farm Proxy that is known here; check the spelling:", b.unknown)
	return &b.draft, b.problems
}

// routes returns the name of each routing's route: a routing needed none.
func (b *braiins) routes() []string {
	names := make([]string, len(b.routings))
	for i := range b.routings {
		name := b.text(b.routings[i].take("name"))
		for n := 1; name == ""; n++ {
			if free := another("main", n); !slices.Contains(names, free) {
				name = free
			}
		}
		names[i] = name
	}
	return names
}

// listeners writes a [[listener]] for each server that a routing takes miners from.
func (b *braiins) listeners(routes []string) {
	from := make(map[string]int) // by a server's name: the routing
	known := b.names(b.servers)
	for i := range b.routings {
		for _, e := range b.elements(b.routings[i].take("from"), "the names of [[server]]", `["S1"]`) {
			name := b.text(e)
			other, taken := from[name]
			switch {
			case !slices.Contains(known, name):
				b.problem(e, "no [[server]] has this name", suggested(name, known))
			case taken && other != i:
				b.problem(e, b.routings[other].path+".from has this server already", "a server for each routing")
			default:
				from[name] = i
			}
		}
	}
	b.origins["listener"] = b.routings[0].take("from")
	written := 0
	for i := range b.servers {
		s := &b.servers[i]
		name, port := s.take("name"), s.take("port")
		number := b.whole(port, 1, 65535)
		routing, led := from[b.text(name)]
		if !led {
			b.lacks(s.setting, "no [[routing]] takes miners from it, so they had no work")
			continue
		}
		written++
		b.open("[[listener]]", fmt.Sprintf("listener[%d]", written))
		b.note(fmt.Sprintf("%s: %s", name.path, plainKey(b.text(name))))
		b.set("address", net.JoinHostPort("0.0.0.0", strconv.Itoa(number)), port)
		b.set("route", routes[routing], b.routings[routing].take("from"))
	}
}

// difficulty writes how often miners send shares: one rate for all.
func (b *braiins) difficulty() {
	given := slices.IndexFunc(b.servers, func(s block) bool { return s.take("submission_rate").given })
	b.open("[difficulty]", "difficulty")
	if given < 0 {
		b.note(fmt.Sprintf("Braiins Farm Proxy had each miner send %g shares per minute. farmproxy's default is %g. To change that:", 60*braiinsRate, Default().Difficulty.SharesPerMinute))
		b.note(fmt.Sprintf("shares_per_minute = %g", 60*braiinsRate))
		return
	}
	from := b.servers[given].take("submission_rate")
	rate := b.decimal(from, braiinsRate)
	for i := given + 1; i < len(b.servers); i++ {
		if s := b.servers[i].take("submission_rate"); s.given && b.decimal(s, braiinsRate) != rate {
			b.lacks(s, "there is one shares_per_minute for all miners; "+from.path+" was taken")
		}
	}
	b.set("shares_per_minute", 60*rate, from)
}

// pools writes a [[pool]] for each target.
func (b *braiins) pools() {
	var used []any // names in a level
	for i := range b.routings {
		for _, goal := range b.inner(&b.routings[i], "goal") {
			for _, level := range b.inner(&goal, "level") {
				targets, _ := level.take("targets").value.([]any)
				used = append(used, targets...)
			}
		}
	}
	for i := range b.targets {
		t := &b.targets[i]
		name, address, user, pass := t.take("name"), t.take("url"), t.take("user_identity"), t.take("identity_pass_through")
		b.open("[[pool]]", fmt.Sprintf("pool[%d]", i+1))
		if !slices.Contains(used, name.value) {
			b.note("No level has this target, so no miner works for it. Remove it, or list it in the pools of a goal.")
		}
		b.set("name", b.text(name), name)
		b.set("url", braiinsURL(b.text(address)), address)
		if b.text(user) == "" {
			b.problem(user, "required: the farm's account at the pool", `user_identity = "account.worker"`)
		}
		if !b.flag(pass) {
			b.set("user", b.text(user), user)
			b.needless(pass)
			continue
		}
		account, worker, _ := strings.Cut(b.text(user), ".")
		unused := ""
		if worker != "" {
			unused = " The worker " + plainKey(worker) + " in " + user.path + " is not needed."
		}
		b.note("Braiins Farm Proxy passed each miner's whole login. Here this is the account of all miners, followed by the worker of each login (docs/migrating.md)." + unused)
		b.set("user", account, user)
		b.set("workers", WorkersPass, pass)
	}
}

// route writes the route of a routing.
func (b *braiins) route(r *block, i int, name string) {
	b.open("[[route]]", fmt.Sprintf("route[%d]", i+1))
	b.set("name", name, r.take("name"))
	goals := b.inner(r, "goal")
	b.named("goal", goals)
	b.origins[fmt.Sprintf("route[%d].goal", i+1)] = r.take("goal")
	if goals == nil {
		b.problem(r.take("goal"), "required: at least one goal", "[[routing.goal]] with name, and [[routing.goal.level]] with targets below it")
	}
	weighed := slices.ContainsFunc(goals, func(g block) bool { return g.take("hr_weight").given })
	for j := range goals {
		g, key := &goals[j], fmt.Sprintf("route[%d].goal[%d]", i+1, j+1)
		b.open("[[route.goal]]", key)
		b.set("name", b.text(g.take("name")), g.take("name"))
		weight := g.take("hr_weight")
		if weighed && !weight.given {
			b.note("Other goals have an hr_weight, this one has none. If it was meant to get no work, set 0.")
		}
		b.set("weight", b.decimal(weight, braiinsWeight), weight)
		b.levels(g)
	}
}

// levels writes the pools of a goal: those of all levels, one level after the other.
func (b *braiins) levels(g *block) {
	known := b.names(b.targets)
	var pools []string
	var from []setting
	for _, level := range b.inner(g, "level") {
		targets := level.take("targets")
		from = append(from, targets)
		elements := b.elements(targets, "the names of [[target]]", `["Pool"]`)
		if len(elements) > 1 {
			b.note(targets.path + ": the first of them that is healthy serves.")
		}
		for _, e := range elements {
			switch name := b.text(e); {
			case !slices.Contains(known, name):
				b.problem(e, "no [[target]] has this name", suggested(name, known))
			case slices.Contains(pools, name):
				b.lacks(e, "this goal has the target already, so it would never be reached here")
			default:
				pools = append(pools, name)
			}
		}
	}
	if from == nil {
		from = []setting{g.take("level")}
		b.problem(from[0], "required: at least one level", `[[routing.goal.level]] with targets = ["Pool"] below it`)
	}
	if pools == nil { // for a reason that has been given
		pools = known[:min(1, len(known))]
	}
	b.set("pools", onLine(pools), from[0], from[1:]...)
}

// http moves farmproxy's own port out of the way of the miners' ports.
func (b *braiins) http() {
	host, own, _ := net.SplitHostPort(Default().HTTP.Address)
	taken := make(map[string]setting)
	for i := range b.servers {
		port := b.servers[i].take("port")
		taken[fmt.Sprint(port.value)] = port
	}
	free, _ := strconv.Atoi(own)
	for taken[strconv.Itoa(free)].given {
		free++
	}
	if clash := taken[own]; clash.given {
		b.open("[http]", "http")
		b.note("farmproxy's default is " + Default().HTTP.Address + ", a port of the miners here.")
		b.set("address", net.JoinHostPort(host, strconv.Itoa(free)), clash)
	}
}

// braiinsURL is a target's url as farmproxy writes it. A port may be missing there.
func braiinsURL(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		return text
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(braiinsPort))
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u.String()
}

// another returns a name that may come several times: main, main-2.
func another(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, n)
}
