package proxy

import (
	"context"
	"log/slog"
	"slices"
	"sort"
	"time"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/descriptors"
	"farmproxy/dial"
	"farmproxy/netloop"
	"farmproxy/upstream"
)

const (
	// agentLinks is how many links are kept for agents that connect, one each, where
	// nothing else opens links on demand: several times the branches of the largest
	// farm known.
	agentLinks = 256

	// loopFiles are the descriptors of a loop: the poll and what wakes it, four for its
	// bells, the ring of its volleys, and what it closes at a time.
	loopFiles = 9

	// storeFiles are those of a database: eight connections, of which each has up
	// to four files at SQLite.
	storeFiles = 40

	// spareFiles are for what lasts a moment: names that are looked up, the files of
	// state and certificates, systemd's socket, links that go over to a loop.
	spareFiles = 64

	// startFiles are what a process has at its start, where that can't be counted.
	startFiles = 16

	// adminFiles are those of the socket for commands, and of one connection too many.
	adminFiles = 2 + admin.MaxCalls

	// auditEvery is how often the descriptors that are really open are counted, as
	// long as few are left.
	auditEvery = 10 * time.Second
)

// tellRoom says that every miner will be refused, or that there is room for fewer than
// miners.max, and what limit of open files would be enough.
func tellRoom(log *slog.Logger, c *config.Config, miners int, limit uint64, total int) {
	switch wanted := min(c.Miners.Max, netloop.MaxConnections); {
	case miners <= 0:
		log.Error("there is no room for miners: the limit of open files is too low; raise LimitNOFILE in the unit, or ulimit -n", "file_limit", limit)
	case miners < wanted:
		log.Warn("there is room for fewer miners than miners.max: the limit of open files is too low; raise LimitNOFILE in the unit, or ulimit -n, to file_limit_needed",
			"miners_max", c.Miners.Max, "room", miners, "file_limit", limit, "file_limit_needed", enoughFiles(c, wanted, limit-uint64(total)))
	}
}

// enoughFiles returns the lowest limit of open files that has room for so many miners,
// where others take standing of it.
func enoughFiles(c *config.Config, miners int, standing uint64) uint64 {
	total := sort.Search(64*netloop.MaxConnections, func(total int) bool {
		_, kept := links(c, total)
		return total-kept >= miners
	})
	return uint64(total) + standing
}

// unshared counts the descriptors that a process has before anything else is open.
func unshared() int {
	n, err := descriptors.CountOpen()
	if err != nil {
		return startFiles
	}
	return n
}

// standing is how many descriptors a configuration always has open, besides those of
// before.
func standing(c *config.Config, before, loops int) int {
	n := before + spareFiles + adminFiles + loops*loopFiles + len(c.Listeners)*netloop.PortFiles
	if c.HTTP.Address != "" {
		n += 1 + api.MaxConnections
	}
	if c.Store.URL != "" {
		n += storeFiles
	}
	return n
}

// links returns how many lanes may be opened on demand, for accounts, users, agents,
// or one miner each, and how many of total descriptors are kept for all links.
//
// Where miners bring links along, of 15 descriptors seven are for miners, seven for
// their links, and one for links that take another's place.
func links(c *config.Config, total int) (onDemand, kept int) {
	direct := slices.ContainsFunc(c.Pools, func(p config.Pool) bool { return p.Mode == config.ModeDirect })
	if c.Store.URL == "" && !c.Accounts.MultiUser && !direct {
		onDemand = max(1, min(total/16, agentLinks))
	} else {
		onDemand = max(1, min(total*7/15, upstream.MaxOnDemand))
	}
	return onDemand, onDemand + onDemand/7 + 3*fixedLinks(c) + quietLinks(c) // a link, its successor, and one that drains
}

// fixedLinks is how many links there always are for miners that belong to no account: as
// many for each goal of a route as for the whole [[pool]] list without routes.
func fixedLinks(c *config.Config) int {
	if len(c.Routes) == 0 {
		most := 1
		for i := range c.Pools {
			most = max(most, c.Pools[i].Links)
		}
		return most
	}
	all := 0
	for i := range c.Routes {
		for _, g := range c.Routes[i].Goals {
			most := 1
			for _, name := range g.Pools {
				if p := c.Pool(name); p != nil { // doctor counts for a broken file too
					most = max(most, p.Links)
				}
			}
			all += most
		}
	}
	return all
}

// quietLinks returns how many pools may have a quiet link at a time.
func quietLinks(c *config.Config) int {
	if !c.Audit.QuietLinks || c.Accounts.MultiUser {
		return 0
	}
	return max(0, min(len(c.Pools)-1, len(c.Pools)-len(c.Audit.Except))) // a lane is on one of them
}

// dialFiles is how many descriptors a link takes while it is dialled: all proxies are
// asked at once.
func dialFiles(c *config.Config) int {
	if n := len(c.Proxies.URLs); n > 0 {
		return n + dial.Files
	}
	return 0
}

// maxMiners is how many miners may come, where there are descriptors for so many.
func maxMiners(c *config.Config, room int) int {
	room = max(0, min(room, netloop.MaxConnections))
	if c.Miners.Max > 0 {
		return min(c.Miners.Max, room)
	}
	return room
}

// audit counts what is open as long as few descriptors are left, so that what nobody
// has asked for is not shared out.
func audit(ctx context.Context, files *descriptors.Budget, log *slog.Logger) {
	ticker := time.NewTicker(auditEvery)
	defer ticker.Stop()
	for before := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !files.Nearly() {
			continue
		}
		open, err := descriptors.CountOpen()
		if err != nil {
			return
		}
		others := files.Open(open)
		if others > before {
			log.Warn("unexpected file descriptors are open, which leaves less room for miners and links; raise LimitNOFILE", "others", others, "open", open)
		}
		before = others
	}
}
