package alert

import (
	"slices"
	"strings"
	"time"
)

// Severity says how soon somebody has to look.
type Severity string

const (
	Page   Severity = "page"   // now
	Ticket Severity = "ticket" // today; it waits for the end of quiet hours
)

// Rule is something that may be wrong with a farm.
type Rule struct {
	Name      string // in the configuration, the API and metrics
	Severity  Severity
	For       time.Duration // how long it has to hold before it is an alert, and to be over before the alert is
	Threshold float64       // 0: it has none
	Unit      string        // of the threshold
	What      string        // it holds, for documentation; %g is the threshold
	Do        string        // what to do about it

	soon  bool // a page says it as soon as it holds
	dated bool // the text says since when
	find  func(*look) []finding
	over  func(k *look, subject string) string // says that it is over
}

// Prometheus returns the name of the same rule in monitoring/rules.yml.
func (r *Rule) Prometheus() string {
	var b strings.Builder
	b.WriteString("Farmproxy")
	for word := range strings.SplitSeq(r.Name, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// Names of rules that others know.
const (
	notReady = "not_ready"
	poolLate = "pool_late"
	clockSet = "clock_set"
)

// Rules are all rules, the worst first.
var Rules = []Rule{
	{
		Name: notReady, Severity: Page, For: time.Minute,
		What: "miners get no work", Do: "farmproxy status and farmproxy pools say why: no pool works, or the database is away.",
		soon: true, find: findNotReady, over: always("Miners get work again"),
	},
	{
		Name: "hashrate_low", Severity: Page, For: 10 * time.Minute, Threshold: 0.9, Unit: "of its usual hash rate",
		What: "the farm hashes less than %g of its usual hash rate", Do: "The page says which groups are missing.",
		find: findHashRate, over: always("The farm's hash rate is as usual"),
	},
	{
		Name: "group_down", Severity: Page, For: 3 * time.Minute,
		What: "all workers of a group are down or silent", Do: "Look at that hall or rack: power, network.",
		soon: true, dated: true, find: findGroupsDown, over: overGroupDown,
	},
	{
		Name: "group_hashrate_low", Severity: Page, For: 10 * time.Minute, Threshold: 0.7, Unit: "of its usual hash rate",
		What: "a group hashes less than %g of its usual hash rate", Do: "Look at that hall or rack: power, network, heat.",
		find: findGroupHashRates, over: about("The hash rate of group %s is as usual"),
	},
	{
		Name: "full", Severity: Page, For: time.Minute,
		What: "there is no room for more miners", Do: "Raise LimitNOFILE, or miners.max (docs/operations.md, Sizing).",
		soon: true, find: findFull, over: always("There is room for more miners"),
	},
	{
		Name: "pool_down", Severity: Ticket, For: 2 * time.Minute,
		What: "a pool is down", Do: "farmproxy pools says why; miners work at the next pool of the list.",
		soon: true, find: findPoolsDown, over: aboutPool("Pool %s is up again"),
	},
	{
		Name: "workers_down", Severity: Ticket, For: 5 * time.Minute, Threshold: 0.05, Unit: "of the farm's workers",
		What: "more than %g of the farm's workers are down or silent", Do: "The page lists them, by group and since when. What is gone for good is removed from the roster.",
		soon: true, dated: true, find: findWorkersDown, over: overWorkersDown,
	},
	{
		Name: "workers_slow", Severity: Ticket, For: 15 * time.Minute, Threshold: 0.05, Unit: "of the farm's workers",
		What: "more than %g of the farm's workers hash less than half of their own usual", Do: "The heat map of the page shows them: heat, power, firmware.",
		find: findWorkersSlow, over: always("Workers hash as usual"),
	},
	{
		Name: "rejects", Severity: Ticket, For: 10 * time.Minute, Threshold: 0.02, Unit: "of the shares of 10 minutes",
		What: "a pool rejects more than %g of the shares of 10 minutes", Do: "farmproxy_pool_shares_total has the reasons, docs/pools.md what they mean.",
		find: findRejects, over: aboutPool("Pool %s accepts shares as it should"),
	},
	{
		Name: poolLate, Severity: Ticket, For: 10 * time.Minute, Threshold: 2, Unit: "seconds",
		What: "a pool tells of most new blocks of 6 hours more than %g s after the first pool", Do: "Shares for old blocks are worth nothing: compare the pools (docs/pools.md).",
		find: findLatePools, over: aboutPool("Pool %s tells of new blocks in time"),
	},
	{
		Name: "fewer_version_bits", Severity: Ticket, For: time.Minute,
		What: "a pool granted fewer version bits than before, within 30 minutes", Do: "Miners that need them lose hash rate: ask the pool, or prefer another one.",
		find: findFewerBits, over: aboutPool("Pool %s has not reduced the version bits for half an hour"),
	},
	{
		Name: "unlisted_pool", Severity: Page, For: time.Minute,
		What: "a pool is in use whose host is not in alerts.known_pools", Do: "farmproxy pools and GET /api/v1/users say who brought it; if it is right, add its host to alerts.known_pools.",
		find: findUnlistedPools, over: about("Pool %s is not in use any more, or listed"),
	},
	{
		Name: "unlisted_worker", Severity: Ticket, For: time.Minute,
		What: "a worker mines that is not on the roster's list, and there is a list", Do: "If it is yours, list it: POST /api/v1/roster. If not, its address is on the page.",
		find: findUnlistedWorkers, over: always("All workers that mine are listed"),
	},
	{
		Name: "descriptors", Severity: Ticket, For: 5 * time.Minute, Threshold: 0.95, Unit: "of the limit",
		What: "farmproxy has more than %g of its file descriptors open", Do: "Raise LimitNOFILE (docs/operations.md, Sizing).",
		find: findDescriptors, over: always("There are file descriptors again"),
	},
	{
		Name: "disk", Severity: Ticket, For: 5 * time.Minute, Threshold: 0.05, Unit: "of its size",
		What: "a disk that farmproxy writes to has less than %g of its size free, or less than 100 MB", Do: "Make room: what can't be written is missing from the history and the share log.",
		find: findDisks, over: about("The disk of %s has room again"),
	},
	{
		Name: "certificate_ends", Severity: Ticket, For: time.Hour, Threshold: 14, Unit: "days",
		What: "a certificate that farmproxy or a pool shows ends within %g days",
		Do:   "farmproxy's own: write the new files over the old ones, it takes them by itself. A pool's is the pool's to renew: tell the pool, and have a backup pool (docs/security.md).",
		find: findCertificates, over: overCertificate,
	},
	{
		Name: "reload_failed", Severity: Ticket, For: time.Minute,
		What: "the configuration file is broken", Do: "farmproxy check -c FILE lists what is wrong; the old one is in use.",
		find: findReload, over: always("The configuration was loaded"),
	},
	{
		Name: "store_down", Severity: Ticket, For: 5 * time.Minute,
		What: "the database of accounts is away", Do: "/readyz and the log say why; known accounts are served meanwhile.",
		find: findStore, over: always("The database is back"),
	},
	{
		Name: "history_down", Severity: Ticket, For: 15 * time.Minute,
		What: "the history is not written", Do: "The log says why: a full disk, or a damaged file.",
		find: findHistory, over: always("The history is written again"),
	},
	{
		Name: clockSet, Severity: Ticket, Threshold: 10, Unit: "seconds",
		What: "the clock was set by more than %g s, within an hour", Do: "chronyc tracking or timedatectl says who did; the history of that time is at the wrong place.",
		find: findClockSet, over: always("The clock has not been set for an hour"),
	},
	{
		Name: "clock_unsynchronized", Severity: Ticket, For: time.Hour,
		What: "nothing keeps the clock right", Do: "timedatectl set-ntp true, or install chrony.",
		find: findClock, over: always("The clock is synchronized"),
	},
}

// ByName returns the rule of a name; nil: there is none.
func ByName(name string) *Rule {
	for i := range Rules {
		if Rules[i].Name == name {
			return &Rules[i]
		}
	}
	return nil
}

// always says the same.
func always(text string) func(*look, string) string {
	return func(*look, string) string { return text }
}

// about says it of the subject.
func about(format string) func(*look, string) string {
	return func(_ *look, subject string) string { return strings.ReplaceAll(format, "%s", subject) }
}

// aboutPool is about, for a pool: it may have been removed instead.
func aboutPool(format string) func(*look, string) string {
	return func(k *look, name string) string {
		if !slices.ContainsFunc(k.Pools, func(p Pool) bool { return p.Name == name }) {
			return "Pool " + name + " was removed"
		}
		return about(format)(k, name)
	}
}
