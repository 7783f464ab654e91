package config

import "time"

// Bounds on what may be configured. Each is beyond any sensible choice, and
// there so that a slip of the keyboard is told and not obeyed.
const (
	MaxListeners = 64 // an event loop polls them all

	maxBalancers = 64 // of a listener: each connection is compared with all
	MaxPools     = 64 // each is probed, and remembered
	MaxLinks     = 64 // of one pool; pools take more from one address as an attack
	MaxHosts     = 64 // names of one reverse proxy
	MaxProxies   = 16 // each link that is dialled opens a connection to all of them

	maxMiners     = 10_000_000 // memory would be the limit long before
	maxLoops      = 256        // gnet numbers its loops with a byte
	maxMalformed  = 1_000_000
	maxDifficulty = 1 << 53 // a float holds every whole number up to here
	maxShareRate  = 6000    // 100 a second from one miner: test rigs only
	maxHost       = 253     // of a name, as DNS has it
	maxLabel      = 63      // of what stands between two dots in it
	maxText       = 128     // of a user, a name, an agent: firmware and pools cut what is longer
	maxWorkerName = 64      // with the account before it, it has to be a name too
	maxPassword   = 256
	maxProxyUser  = 255       // SOCKS5 counts it with a byte
	maxAlgorithm  = 32        // as in the store: it gets into metrics
	maxRate       = 1_000_000 // registrations a minute: more than any database takes

	minTimeout = time.Second    // below, an honest miner on a slow line is cut off
	maxTimeout = time.Hour      // above, a scanner keeps its socket
	maxPause   = 24 * time.Hour // longer than any outage that is waited for with a number; there is "forever"

	minExpire = time.Hour             // as in the store: other boxes may not have told yet what they have seen
	maxExpire = 10 * 8760 * time.Hour // ten years
)
