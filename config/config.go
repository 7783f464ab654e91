package config

import "time"

// Config is one configuration file, complete: every key has its value, from
// the file or by default. It is immutable after Load and may be read from any
// goroutine. docs/configuration.md says the same for those who run farmproxy;
// a test holds the two together.
type Config struct {
	// StateDir is an absolute directory in which farmproxy remembers over
	// restarts what pools offer. Empty: systemd's $STATE_DIRECTORY; where that
	// is not set either, nothing is remembered.
	StateDir string `toml:"state_dir"`

	Listeners  []Listener `toml:"listener"` // 1..MaxListeners
	Pools      []Pool     `toml:"pool"`     // in order of preference, 1..MaxPools; none: only accounts of Store are served
	Miners     Miners     `toml:"miners"`
	Difficulty Difficulty `toml:"difficulty"`
	Failover   Failover   `toml:"failover"`
	Store      Store      `toml:"store"`
	Accounts   Accounts   `toml:"accounts"`
	Proxies    Proxies    `toml:"proxies"`
	HTTP       HTTP       `toml:"http"`
	Metrics    Metrics    `toml:"metrics"`
	Log        Log        `toml:"log"`
}

// Listener is one port that miners connect to.
type Listener struct {
	// Address is host:port. An empty host is every address of the machine,
	// port 0 any free port.
	Address string `toml:"address"`

	// ProxyProtocol are the addresses of balancers, single ones or networks, that
	// must send a PROXY header (version 1 or 2) before a miner's first byte; no
	// other may. None: one on this machine may. See Balancers.
	ProxyProtocol []string `toml:"proxy_protocol"`
}

// Pool is one upstream endpoint.
type Pool struct {
	Name              string  `toml:"name"`               // in metrics and logs, unique; default host:port of URL
	URL               string  `toml:"url"`                // host:port behind stratum+tcp://, stratum+tls://, agent+tcp:// or agent+tls://
	User              string  `toml:"user"`               // what the pool knows the farm as; "" with Accounts.MultiUser
	Password          Secret  `toml:"password"`           // default "x", which nearly every pool takes
	Algorithm         string  `toml:"algorithm"`          // what is mined there, in lower case; the same for all pools
	Unchecked         bool    `toml:"unchecked"`          // Algorithm is none that farmproxy knows, and meant so
	Mode              string  `toml:"mode"`               // ModeAggregate or ModeDirect
	Workers           string  `toml:"workers"`            // WorkersAggregate or WorkersPass
	Links             int     `toml:"links"`              // connections kept open while miners are there, 1..MaxLinks; more are added every 65,536 miners
	SuggestDifficulty float64 `toml:"suggest_difficulty"` // sent before authorize; 0 sends nothing
	FixedWorker       string  `toml:"fixed_worker"`       // what the pool knows every worker as; "": as what it is
	UserAgent         string  `toml:"user_agent"`         // sent in subscribe; empty is farmproxy/<version>, or AgentUserAgent
	TLSInsecure       bool    `toml:"tls_insecure"`       // accept any certificate
	TLSFingerprint    string  `toml:"tls_fingerprint"`    // SHA-256 of the pool's certificate (DER), hex with or without colons; pins it; empty verifies by the system's authorities
}

// How workers appear at a pool (Pool.Workers).
const (
	WorkersAggregate = "aggregate" // all shares under the pool's user
	WorkersPass      = "pass"      // each worker authorized as user.worker
)

// How miners share connections to a pool (Pool.Mode).
const (
	ModeAggregate = "aggregate" // up to 65,536 miners on each
	ModeDirect    = "direct"    // one for each miner, for pools that want it so
)

// Miners are the limits on, and the manner towards, downstream connections.
type Miners struct {
	Max              int           `toml:"max"`               // miners at once; 0 is what RLIMIT_NOFILE leaves room for
	Loops            int           `toml:"loops"`             // event loops; 0 is one for each CPU
	SubscribeTimeout time.Duration `toml:"subscribe_timeout"` // from connect to mining.subscribe
	AuthorizeTimeout time.Duration `toml:"authorize_timeout"` // from connect to mining.authorize
	MalformedLimit   int           `toml:"malformed_limit"`   // malformed messages before a miner is closed
	ResumeWindow     time.Duration `toml:"resume_window"`     // how long a session id can be resumed after a disconnect; 0 never
	Keepalive        time.Duration `toml:"keepalive"`         // the last job is sent again after that much silence
	Answer           string        `toml:"answer"`            // AnswerPool or AnswerLocal
	WorkerName       string        `toml:"worker_name"`       // of {ip1} to {ip4}: the worker's name by the miner's address; "": by its login

	// ReconnectLostRolling sends client.reconnect, at most once in 10 minutes, to
	// a miner that handed in more than 100 shares with version rolling and then
	// one without.
	ReconnectLostRolling bool `toml:"reconnect_lost_rolling"`
}

// Who answers a share that is forwarded (Miners.Answer).
const (
	AnswerPool  = "pool"  // the miner gets the pool's verdict
	AnswerLocal = "local" // answered at once; the pool's verdict counts in the statistics only
)

// Difficulty is how the share rate of each miner is held.
type Difficulty struct {
	Start           float64 `toml:"start"`             // of a worker not seen before
	Min             float64 `toml:"min"`               // never below, unless the pool's own difficulty is
	Max             float64 `toml:"max"`               // never above; 0: only the pool's difficulty bounds it
	SharesPerMinute float64 `toml:"shares_per_minute"` // of each miner
}

// Failover is when pools are left and come back to.
type Failover struct {
	Hold        Hold          `toml:"hold"`         // how long miners are kept without any pool; 0 lets them go at once
	ReturnAfter time.Duration `toml:"return_after"` // how long a better pool must have been healthy; 0 returns at once
	ProbeEvery  time.Duration `toml:"probe_every"`  // how often pools not in use are probed
	Silence     time.Duration `toml:"silence"`      // no notify for that long is illness
	RejectRate  float64       `toml:"reject_rate"`  // fraction of rejected shares that is illness, 0..1; 0 never
	BackoffMax  time.Duration `toml:"backoff_max"`  // longest pause between attempts at one pool
}

// Store is where accounts, pools and algorithms are registered.
type Store struct {
	URL     Secret `toml:"url"`      // sqlite:///path or postgres://...; "": none. A Secret because it may hold a password
	KeyFile string `toml:"key_file"` // absolute; see Config.StoreKeyFile
}

// Accounts are the rules for what is in the store, and for accounts that are
// in none.
type Accounts struct {
	Expire    time.Duration `toml:"expire"`     // accounts without a miner for that long are deleted; 0 never
	MultiUser bool          `toml:"multi_user"` // a login's part before the first dot is the user at every [[pool]]
}

// Proxies are the ways to the pools that lead through another host.
type Proxies struct {
	URLs        []Secret `toml:"urls"`         // scheme://user:password@host:port, or ProxySystem; up to MaxProxies. Secrets because they may hold a password
	Direct      string   `toml:"direct"`       // DirectAfter, DirectBeside, DirectFirst or DirectNever
	TLSInsecure bool     `toml:"tls_insecure"` // accept any certificate of an https:// proxy
}

// ProxySystem in Proxies.URLs is the proxy that the environment names.
const ProxySystem = "system"

// When a pool is dialled directly although there are proxies (Proxies.Direct).
const (
	DirectAfter  = "after"  // when all proxies have failed
	DirectBeside = "beside" // with the proxies: the fastest way wins
	DirectFirst  = "first"  // before the proxies
	DirectNever  = "never"
)

// HTTP is where /metrics, health and the API are served.
type HTTP struct {
	Address                string   `toml:"address"`                  // host:port as in Listener; "" serves nothing
	TokenFile              string   `toml:"token_file"`               // absolute; "": no tokens, and then Address is on loopback
	Hosts                  []string `toml:"hosts"`                    // names of a reverse proxy on this machine, in lower case; answered besides loopback's
	RegistrationsPerMinute int      `toml:"registrations_per_minute"` // of each client address; 0: unlimited
}

// Metrics are which series /metrics has.
type Metrics struct {
	PerWorker   bool   `toml:"per_worker"`  // series of single workers and accounts
	Predecessor bool   `toml:"predecessor"` // the series of the account proxy as well
	Proxy       string `toml:"proxy"`       // their label proxy; default the first listener's address
}

// Log is how much is logged and in which shape.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn, error
	Format string `toml:"format"` // text or json
}
