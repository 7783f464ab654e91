package config

import (
	"time"

	"farmproxy/wish"
)

// Bounds on configured values. Each is beyond any sensible choice, so that a slip of
// the keyboard is reported and not obeyed.
const (
	MaxListeners = 64 // an event loop polls them all

	MaxRoutes = MaxListeners // a route without a listener serves nobody
	MaxGoals  = MaxPools     // of a route: each goal has a pool of its own, or it could be one with another

	MaxPeriods = 64 // of a goal: more than twice an hour of a day, or the hours of two kinds of days

	maxNetworks = 64 // in one list: each connection is compared with all
	MaxPools    = 64 // each is probed and remembered
	MaxLinks    = 64 // per pool; pools treat more from one address as an attack
	MaxHosts    = 64 // names of one reverse proxy
	MaxProxies  = 16 // each dial of a link opens a connection to all of them

	maxMiners     = 10_000_000 // memory runs out long before
	maxLoops      = 256        // gnet numbers its loops with a byte
	maxMalformed  = 1_000_000
	maxDifficulty = 1 << 53 // a float holds every whole number up to here
	maxShareRate  = 6000    // 100 a second from one miner: only test rigs do that
	maxHost       = 253     // a DNS name
	maxLabel      = 63      // a part between two dots in it
	maxText       = 128     // a user, a name, an agent: firmware and pools truncate longer ones
	maxWorkerName = 64      // together with the account before it, it must fit a name too
	maxPassword   = 256
	maxProxyUser  = 255       // SOCKS5 counts it with a byte
	maxAlgorithm  = 32        // as in the store: it appears in metrics
	maxSocket     = 100       // a Unix socket's path: the kernel takes 107 bytes, and it has a longer name while it is made
	maxSegment    = 10_240    // megabytes of the share log in one file
	maxKeep       = 100 << 20 // megabytes of all of them: 100 TB
	maxWeight     = wish.MaxWeight
	maxRate       = 1_000_000 // registrations a minute: more than any database takes

	maxPerSecond = 10_000  // of one connection: more would not be counted
	maxAttempts  = 250     // counted in a byte
	maxPerMinute = 100_000 // that get an address banned

	minTimeout = time.Second      // below, an honest miner on a slow line is cut off
	maxTimeout = time.Hour        // above, a scanner keeps its socket
	minRotate  = 10 * time.Second // more files help nobody
	maxPause   = 24 * time.Hour   // longer than any outage worth waiting for by the clock; beyond that there is "forever"

	minRemember    = time.Minute    // below, names that reconnect lose their counters
	minKept        = day            // a page shows the last 24 hours
	maxWorkerSteps = 31 * day       // 10,000 workers take 5 MB a day
	maxWorkerHours = 2 * 365 * day  // and half a MB
	maxMinutes     = 365 * day      // those of a farm are few
	maxHours       = 10 * 365 * day // ten years

	maxChannels   = 16  // each has a goroutine
	maxRecipients = 16  // of one channel: each gets a letter of its own
	maxSecret     = 512 // of a channel

	maxCoolDown  = 7 * day // what nobody hears of for a week is no alert
	maxThreshold = 3650    // days of a certificate, or seconds

	minExpire = time.Hour             // as in the store: other machines may not have reported yet what they have seen
	maxExpire = 10 * 8760 * time.Hour // ten years
)
