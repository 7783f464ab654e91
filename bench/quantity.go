package bench

// quantity is something that is measured, and what it may come to. The budgets
// are the design's: for a machine of 2 cores, at 10,000 miners.
type quantity struct {
	name    string
	unit    Unit
	ratio   float64 // at most so many times the floor; 0: no such budget
	passed  float64 // at most so many times HAProxy; 0: no such budget
	bounded bool    // at most ...
	most    float64 // ... so much
}

// Keys of quantities.
const (
	keyRSS         = "rss"
	keyRSSMore     = "rss_per_further_miner"
	keyShare       = "cpu_share"
	keyShareFast   = "cpu_share_fast"
	keyP50         = "share_p50"
	keyP99         = "share_p99"
	keyP50Fast     = "share_p50_fast"
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
	keyRapidLast   = "rapid_last"
	keyRapidMissed = "rapid_missed"
	keyRapidCPU    = "rapid_cpu"
)

// tableOrder is that of rows.
var tableOrder = []string{
	keyRSS, keyRSSMore, keyRSSLong, keyGrowth, keyShare, keyP50, keyP99, keyShareFast, keyP50Fast, keyP99Fast, keyReached,
	keyNotify, keyLast, keyRapidLast, keyRapidMissed, keyRapidCPU, keyConnect, keyAllocShare, keyAllocNotify, keyIdle, keyStart,
}

var quantities = map[string]quantity{
	keyRSS:         {name: "memory, all authorized and one job", unit: inBytes, bounded: true, most: 32 << 20},
	keyRSSMore:     {name: "memory a further miner", unit: inBytes, bounded: true, most: 1.2 * (1 << 10)},
	keyRSSLong:     {name: "memory, at the end of a long load", unit: inBytes},
	keyGrowth:      {name: "growth of memory over a long load", unit: inFractions, bounded: true, most: 0.10},
	keyShare:       {name: "processor time a share", unit: inSeconds, passed: 1},
	keyP50:         {name: "round trip of a share, median", unit: inSeconds, bounded: true, most: 3e-3},
	keyP99:         {name: "round trip of a share, 99 %", unit: inSeconds, bounded: true, most: 8e-3},
	keyShareFast:   {name: "processor time a share, fast", unit: inSeconds, ratio: 1.25},
	keyP50Fast:     {name: "round trip of a share, median, fast", unit: inSeconds, bounded: true, most: 4e-3},
	keyP99Fast:     {name: "round trip of a share, 99 %, fast", unit: inSeconds, bounded: true, most: 10e-3},
	keyReached:     {name: "shares a second, reached", unit: inPerSecond},
	keyNotify:      {name: "processor time a notify", unit: inSeconds, ratio: 1.25},
	keyLast:        {name: "job, emission to the last miner", unit: inSeconds, ratio: 0.92},
	keyRapidLast:   {name: "ten jobs a second: emission to the last miner", unit: inSeconds, bounded: true, most: 60e-3},
	keyRapidMissed: {name: "ten jobs a second: later than the next one", unit: inPerSecond, bounded: true, most: 0},
	keyRapidCPU:    {name: "ten jobs a second: processor", unit: inFractions, bounded: true, most: 1},
	keyConnect:     {name: "all connected, authorized, with a job", unit: inSeconds, ratio: 1.5},
	keyAllocShare:  {name: "allocations a share", unit: inAllocations, bounded: true, most: 0},
	keyAllocNotify: {name: "allocations a notify and miner", unit: inAllocations, bounded: true, most: 0},
	keyIdle:        {name: "processor, idle but for a job now and then", unit: inFractions, bounded: true, most: 0.02},
	keyStart:       {name: "start to listening", unit: inSeconds, bounded: true, most: 200e-3},
}
