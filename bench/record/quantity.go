package record

// quantity is something measured, and its budget. The budgets apply to a machine of 2
// cores, at 10,000 miners.
type quantity struct {
	name    string
	unit    Unit
	ratio   float64 // budget as a multiple of the floor; 0: none
	passed  float64 // budget as a multiple of HAProxy; 0: none
	bounded bool    // has a budget of ...
	most    float64 // ... at most this
}

// Keys of quantities.
const (
	KeyRSS         = "rss"
	KeyRSSMore     = "rss_per_further_miner"
	KeyShare       = "cpu_share"
	KeyShareFast   = "cpu_share_fast"
	KeyP50         = "share_p50"
	KeyP99         = "share_p99"
	KeyP50Fast     = "share_p50_fast"
	KeyP99Fast     = "share_p99_fast"
	KeyReached     = "rate_reached"
	KeyNotify      = "cpu_notify"
	KeyLast        = "notify_last"
	KeyConnect     = "connect"
	KeyAllocShare  = "allocs_share"
	KeyAllocNotify = "allocs_notify"
	KeyIdle        = "cpu_idle"
	KeyStart       = "start"
	KeyRSSLong     = "rss_long"
	KeyGrowth      = "rss_growth"
	KeyRapidLast   = "rapid_last"
	KeyRapidMissed = "rapid_missed"
	KeyRapidCPU    = "rapid_cpu"

	KeyPageBytes  = "page_bytes"
	KeyPagesBytes = "pages_bytes"
	KeyPageCPU    = "page_cpu"
	KeyPagesCPU   = "pages_cpu"
	KeyPageMemory = "page_rss"

	KeyTLSMemory    = "tls_rss_per_miner"
	KeyTLSHandshake = "tls_cpu_connect"
	KeyTLSConnect   = "tls_connect"
	KeyTLSShare     = "tls_cpu_share"
	KeyTLSP50       = "tls_share_p50"
	KeyTLSP99       = "tls_share_p99"
)

// TableOrder is the order of rows.
var TableOrder = []string{
	KeyRSS, KeyRSSMore, KeyRSSLong, KeyGrowth, KeyShare, KeyP50, KeyP99, KeyShareFast, KeyP50Fast, KeyP99Fast, KeyReached,
	KeyNotify, KeyLast, KeyRapidLast, KeyRapidMissed, KeyRapidCPU, KeyConnect, KeyAllocShare, KeyAllocNotify, KeyIdle, KeyStart,
	KeyTLSMemory, KeyTLSHandshake, KeyTLSConnect, KeyTLSShare, KeyTLSP50, KeyTLSP99,
	KeyPageBytes, KeyPagesBytes, KeyPageCPU, KeyPagesCPU, KeyPageMemory,
}

var quantities = map[string]quantity{
	KeyRSS:          {name: "memory, all authorized and one job", unit: inBytes, bounded: true, most: 32 << 20},
	KeyRSSMore:      {name: "memory a further miner", unit: inBytes, bounded: true, most: 1.2 * (1 << 10)},
	KeyRSSLong:      {name: "memory, at the end of a long load", unit: inBytes},
	KeyGrowth:       {name: "growth of memory over a long load", unit: inFractions, bounded: true, most: 0.10},
	KeyShare:        {name: "processor time a share", unit: inSeconds, passed: 1},
	KeyP50:          {name: "round trip of a share, median", unit: inSeconds, bounded: true, most: 3e-3},
	KeyP99:          {name: "round trip of a share, 99 %", unit: inSeconds, bounded: true, most: 8e-3},
	KeyShareFast:    {name: "processor time a share, fast", unit: inSeconds, ratio: 1.25},
	KeyP50Fast:      {name: "round trip of a share, median, fast", unit: inSeconds, bounded: true, most: 4e-3},
	KeyP99Fast:      {name: "round trip of a share, 99 %, fast", unit: inSeconds, bounded: true, most: 10e-3},
	KeyReached:      {name: "shares a second, reached", unit: inPerSecond},
	KeyNotify:       {name: "processor time a notify", unit: inSeconds, ratio: 1.25},
	KeyLast:         {name: "job, emission to the last miner", unit: inSeconds, ratio: 0.92},
	KeyRapidLast:    {name: "ten jobs a second: emission to the last miner", unit: inSeconds, bounded: true, most: 60e-3},
	KeyRapidMissed:  {name: "ten jobs a second: later than the next one", unit: inPerSecond, bounded: true, most: 0},
	KeyRapidCPU:     {name: "ten jobs a second: processor", unit: inFractions, bounded: true, most: 1},
	KeyConnect:      {name: "all connected, authorized, with a job", unit: inSeconds, ratio: 1.5},
	KeyAllocShare:   {name: "allocations a share", unit: inAllocations, bounded: true, most: 0},
	KeyAllocNotify:  {name: "allocations a notify and miner", unit: inAllocations, bounded: true, most: 0},
	KeyIdle:         {name: "processor, idle but for a job now and then", unit: inFractions, bounded: true, most: 0.02},
	KeyTLSMemory:    {name: "TLS: memory a miner", unit: inBytes, passed: 1},
	KeyTLSHandshake: {name: "TLS: processor time a connection, with its handshake", unit: inSeconds, passed: 1},
	KeyTLSConnect:   {name: "TLS: all connected, authorized, with a job", unit: inSeconds, passed: 1},
	KeyTLSShare:     {name: "TLS: processor time a share", unit: inSeconds, passed: 1},
	KeyTLSP50:       {name: "TLS: round trip of a share, median", unit: inSeconds},
	KeyTLSP99:       {name: "TLS: round trip of a share, 99 %", unit: inSeconds},
	KeyPageBytes:    {name: "an open page", unit: inBytesPerSecond, bounded: true, most: 50_000},
	KeyPagesBytes:   {name: "ten open pages, together", unit: inBytesPerSecond, bounded: true, most: 100_000},
	KeyPageCPU:      {name: "an open page: processor", unit: inFractions, bounded: true, most: 0.02},
	KeyPagesCPU:     {name: "ten open pages: processor", unit: inFractions, bounded: true, most: 0.04},
	KeyPageMemory:   {name: "memory, more with history and a page", unit: inBytes, bounded: true, most: 12 << 20},
	KeyStart:        {name: "start to listening", unit: inSeconds, bounded: true, most: 200e-3},
}
