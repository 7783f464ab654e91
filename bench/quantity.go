package bench

// quantity is something that is measured, and what it may come to. The budgets
// are the design's: for a machine of 2 cores, at 10,000 miners.
type quantity struct {
	name    string
	unit    Unit
	ratio   float64 // at most so many times the floor; 0: no such budget
	bounded bool    // at most ...
	most    float64 // ... so much
}

// Keys of quantities.
const (
	keyRSS         = "rss"
	keyRSSMore     = "rss_per_further_miner"
	keyShare       = "cpu_share"
	keyShareFast   = "cpu_share_fast"
	keyP99         = "share_p99"
	keyP99Fast     = "share_p99_fast"
	keyReached     = "rate_reached"
	keyNotify      = "cpu_notify"
	keyLast        = "notify_last"
	keyConnect     = "connect"
	keyAllocShare  = "allocs_share"
	keyAllocNotify = "allocs_notify"
	keyIdle        = "cpu_idle"
	keyStart       = "start"
	keyRSSLong     = "rss_long"
	keyGrowth      = "rss_growth"
)

// tableOrder is that of rows.
var tableOrder = []string{
	keyRSS, keyRSSMore, keyRSSLong, keyGrowth, keyShare, keyP99, keyShareFast, keyP99Fast, keyReached,
	keyNotify, keyLast, keyConnect, keyAllocShare, keyAllocNotify, keyIdle, keyStart,
}

var quantities = map[string]quantity{
	keyRSS:         {name: "memory, all authorized and one job", unit: inBytes, bounded: true, most: 32 << 20},
	keyRSSMore:     {name: "memory a further miner", unit: inBytes, bounded: true, most: 1.2 * (1 << 10)},
	keyRSSLong:     {name: "memory, at the end of a long load", unit: inBytes},
	keyGrowth:      {name: "growth of memory over a long load", unit: inFractions, bounded: true, most: 0.10},
	keyShare:       {name: "processor time a share", unit: inSeconds, ratio: 1.25},
	keyP99:         {name: "round trip of a share, 99 %", unit: inSeconds},
	keyShareFast:   {name: "processor time a share, fast", unit: inSeconds, ratio: 1.25},
	keyP99Fast:     {name: "round trip of a share, 99 %, fast", unit: inSeconds, bounded: true, most: 20e-3},
	keyReached:     {name: "shares a second, reached", unit: inPerSecond},
	keyNotify:      {name: "processor time a notify", unit: inSeconds, ratio: 1.25},
	keyLast:        {name: "job, emission to the last miner", unit: inSeconds, ratio: 1.15},
	keyConnect:     {name: "all connected, authorized, with a job", unit: inSeconds, ratio: 1.5},
	keyAllocShare:  {name: "allocations a share", unit: inAllocations, bounded: true, most: 0},
	keyAllocNotify: {name: "allocations a notify and miner", unit: inAllocations, bounded: true, most: 0},
	keyIdle:        {name: "processor, idle but for a job now and then", unit: inFractions, bounded: true, most: 0.02},
	keyStart:       {name: "start to listening", unit: inSeconds, bounded: true, most: 200e-3},
}
