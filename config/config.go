package config

import "time"

// Config is one complete configuration file: every key has its value, from the file or
// by default. It is immutable after Load and may be read from any goroutine.
// docs/configuration.md says the same for operators; a test keeps the two in step.
type Config struct {
	// StateDir is the absolute directory in which farmproxy keeps, across restarts,
	// what pools offer. Empty: systemd's $STATE_DIRECTORY; if that is not set either,
	// nothing is kept.
	StateDir string `toml:"state_dir"`

	Listeners  []Listener `toml:"listener"` // 1..MaxListeners
	Pools      []Pool     `toml:"pool"`     // in order of preference, 1..MaxPools; if none, only accounts of Store are served
	Routes     []Route    `toml:"route"`    // up to MaxRoutes; if none, Pools serves all miners that belong to no account
	Miners     Miners     `toml:"miners"`
	Workers    Workers    `toml:"workers"`
	Limits     Limits     `toml:"limits"`
	Difficulty Difficulty `toml:"difficulty"`
	Failover   Failover   `toml:"failover"`
	Store      Store      `toml:"store"`
	Accounts   Accounts   `toml:"accounts"`
	Proxies    Proxies    `toml:"proxies"`
	HTTP       HTTP       `toml:"http"`
	Admin      Admin      `toml:"admin"`
	Metrics    Metrics    `toml:"metrics"`
	ShareLog   ShareLog   `toml:"share_log"`
	History    History    `toml:"history"`
	Audit      Audit      `toml:"audit"`
	Alerts     Alerts     `toml:"alerts"`
	Log        Log        `toml:"log"`
}

// Listener is one port that miners connect to.
type Listener struct {
	// Address is host:port. An empty host means every address of the machine, port 0
	// any free port.
	Address string `toml:"address"`

	// ProxyProtocol lists the addresses of load balancers, single ones or networks,
	// that must send a PROXY header (version 1 or 2) before a miner's first byte; no
	// one else may send one. Empty: a balancer on this machine may. See Balancers.
	ProxyProtocol []string `toml:"proxy_protocol"`

	// Allow and Deny list the addresses, single ones or networks, that may connect, and
	// that may not: with Allow only those in it, and none of Deny. See Networks.
	Allow []string `toml:"allow"`
	Deny  []string `toml:"deny"`

	TLS TLS `toml:"tls"` // what miners connect over

	Route string `toml:"route"` // the name of its miners' route; default the first of Routes; "" if there is none
}

// TLS says which certificate is shown to those that connect. Both files are in PEM, and
// are read again when they change. Without them there is no TLS.
type TLS struct {
	Cert string `toml:"cert"` // absolute path: the certificate, and those between it and its authority
	Key  string `toml:"key"`  // absolute path: its private key
}

// Pool is one upstream endpoint.
type Pool struct {
	Name              string  `toml:"name"`               // in metrics and logs, unique; default host:port of URL
	URL               string  `toml:"url"`                // host:port behind stratum+tcp://, stratum+tls://, agent+tcp:// or agent+tls://
	User              string  `toml:"user"`               // the farm's name at the pool; "" with Accounts.MultiUser
	Password          Secret  `toml:"password"`           // default "x", which nearly every pool takes
	Algorithm         string  `toml:"algorithm"`          // what is mined there, in lower case; the same for all pools
	Unchecked         bool    `toml:"unchecked"`          // Algorithm is one that farmproxy does not know, deliberately
	Mode              string  `toml:"mode"`               // ModeAggregate or ModeDirect
	Workers           string  `toml:"workers"`            // WorkersAggregate or WorkersPass
	Links             int     `toml:"links"`              // connections kept open while there are miners, 1..MaxLinks; one more is added per 65,536 miners
	SuggestDifficulty float64 `toml:"suggest_difficulty"` // sent before authorize; 0 sends nothing
	FixedWorker       string  `toml:"fixed_worker"`       // every worker's name at the pool; "": its own
	UserAgent         string  `toml:"user_agent"`         // sent in subscribe; empty is farmproxy/<version>, or AgentUserAgent
	TLSInsecure       bool    `toml:"tls_insecure"`       // accept any certificate
	TLSFingerprint    string  `toml:"tls_fingerprint"`    // SHA-256 of the pool's certificate (DER), hex with or without colons; pins the certificate; if empty, the system's authorities verify it
}

// How workers appear at a pool (Pool.Workers).
const (
	WorkersAggregate = "aggregate" // all shares under the pool's user
	WorkersPass      = "pass"      // each worker authorized as user.worker
)

// How miners share connections to a pool (Pool.Mode).
const (
	ModeAggregate = "aggregate" // up to 65,536 miners per connection
	ModeDirect    = "direct"    // one per miner, for pools that require it
)

// Route says how the work of a listener's miners is divided among pools: of those whose
// login belongs to no account.
type Route struct {
	Name  string `toml:"name"` // unique
	Goals []Goal `toml:"goal"` // 1..MaxGoals
}

// Goal is one part of a route: its share of the work, and the pools that get it.
type Goal struct {
	Name   string   `toml:"name"`   // unique in the route
	Weight float64  `toml:"weight"` // its part is this divided by the sum of the route's; 0: only by an order, or when all others are down
	Pools  []string `toml:"pools"`  // names of Pools, in order of preference: the first healthy one serves

	Schedule []Period `toml:"schedule"` // its weight at times
}

// Miners holds the limits on downstream connections, and how they are treated.
type Miners struct {
	Max              int           `toml:"max"`               // miners at once; 0: as many as RLIMIT_NOFILE leaves room for
	Loops            int           `toml:"loops"`             // event loops; 0: one per CPU
	SubscribeTimeout time.Duration `toml:"subscribe_timeout"` // from connect to mining.subscribe
	AuthorizeTimeout time.Duration `toml:"authorize_timeout"` // from connect to mining.authorize
	MalformedLimit   int           `toml:"malformed_limit"`   // malformed messages before a miner is disconnected
	ResumeWindow     time.Duration `toml:"resume_window"`     // how long a session id can be resumed after a disconnect; 0 never
	Keepalive        time.Duration `toml:"keepalive"`         // resend the last job after this much silence
	Answer           string        `toml:"answer"`            // AnswerPool or AnswerLocal
	WorkerName       string        `toml:"worker_name"`       // template with {ip1} to {ip4}: names the worker by the miner's address; "": by its login
	WorkerGroup      []string      `toml:"worker_group"`      // templates, see naming.Groups: the first that fits gives the worker's group; none: it has none

	// ReconnectLostRolling sends client.reconnect, at most once in 10 minutes, to a
	// miner that submitted more than 100 shares with version rolling and then one
	// without.
	ReconnectLostRolling bool `toml:"reconnect_lost_rolling"`
}

// Who answers a share that is forwarded (Miners.Answer).
const (
	AnswerPool  = "pool"  // the miner gets the pool's verdict
	AnswerLocal = "local" // answered at once; the pool's verdict counts in the statistics only
)

// Workers says how worker names are kept.
type Workers struct {
	Remember time.Duration `toml:"remember"` // one without a miner is listed as missing for so long
}

// Limits stop floods. The rates of connections are averages over a minute, those of
// messages and shares over four seconds. 0: no limit.
type Limits struct {
	Connections       int           `toml:"connections_per_address"`   // at a time
	Connects          int           `toml:"connects_per_second"`       // of one address
	Messages          int           `toml:"messages_per_second"`       // of one connection
	Shares            int           `toml:"shares_per_second"`         // of one connection
	InvalidShares     int           `toml:"invalid_shares_per_second"` // of one connection
	AuthorizeAttempts int           `toml:"authorize_attempts"`        // refused ones of one connection
	BanAfter          int           `toml:"ban_after"`                 // connections of an address closed as floods within a minute; 0 bans nobody
	BanTime           time.Duration `toml:"ban_time"`                  // how long a ban lasts
	Exempt            []string      `toml:"exempt"`                    // addresses and networks that are never limited by address, and never banned
}

// Difficulty sets the share rate that each miner is held to.
type Difficulty struct {
	Start           float64 `toml:"start"`             // for a worker not seen before
	Min             float64 `toml:"min"`               // never below this, unless the pool's own difficulty is
	Max             float64 `toml:"max"`               // never above this; 0: only the pool's difficulty limits it
	SharesPerMinute float64 `toml:"shares_per_minute"` // per miner
}

// Failover says when pools are abandoned and returned to.
type Failover struct {
	Hold        Hold          `toml:"hold"`         // how long miners are kept without any pool; 0 disconnects them at once
	ReturnAfter time.Duration `toml:"return_after"` // how long a better pool must have been healthy; 0 returns at once
	ProbeEvery  time.Duration `toml:"probe_every"`  // how often pools not in use are probed
	Silence     time.Duration `toml:"silence"`      // no notify for this long means the pool is ill
	RejectRate  float64       `toml:"reject_rate"`  // fraction of rejected shares that means the pool is ill, 0..1; 0 never
	BackoffMax  time.Duration `toml:"backoff_max"`  // longest pause between attempts at one pool
}

// Store says where accounts, pools and algorithms are registered.
type Store struct {
	URL     Secret `toml:"url"`      // sqlite:///path or postgres://...; "": no store. A Secret because it may contain a password
	KeyFile string `toml:"key_file"` // absolute; see Config.StoreKeyFile
}

// Accounts are the rules for accounts in the store, and for those in none.
type Accounts struct {
	Expire    time.Duration `toml:"expire"`     // accounts without a miner for this long are deleted; 0 never
	MultiUser bool          `toml:"multi_user"` // a login's part before the first dot is the user at every [[pool]]
}

// Proxies are the indirect ways to the pools.
type Proxies struct {
	URLs        []Secret `toml:"urls"`         // scheme://user:password@host:port, or ProxySystem; up to MaxProxies. Secrets because they may contain a password
	Direct      string   `toml:"direct"`       // DirectAfter, DirectBeside, DirectFirst or DirectNever
	TLSInsecure bool     `toml:"tls_insecure"` // accept any certificate of an https:// proxy
}

// ProxySystem in Proxies.URLs is the proxy that the environment names.
const ProxySystem = "system"

// When a pool is dialled directly although there are proxies (Proxies.Direct).
const (
	DirectAfter  = "after"  // after all proxies have failed
	DirectBeside = "beside" // together with the proxies: the fastest way wins
	DirectFirst  = "first"  // before the proxies
	DirectNever  = "never"
)

// HTTP says where /metrics, health and the API are served.
type HTTP struct {
	Address                string   `toml:"address"`    // host:port as in Listener; "" turns it off
	TokenFile              string   `toml:"token_file"` // absolute; "": no tokens, and Address must be on loopback
	TLS                    TLS      `toml:"tls"`
	Hosts                  []string `toml:"hosts"`                    // names of a reverse proxy on this machine, in lower case; accepted besides loopback's
	RegistrationsPerMinute int      `toml:"registrations_per_minute"` // per client address; 0: unlimited
}

// Admin says where commands for the running farmproxy are taken.
type Admin struct {
	Socket string `toml:"socket"` // absolute path of a Unix socket; see Config.AdminSocket
}

// Metrics says which series /metrics has.
type Metrics struct {
	PerWorker   bool   `toml:"per_worker"`  // series per worker and per account
	Predecessor bool   `toml:"predecessor"` // also the series of the account proxy
	Proxy       string `toml:"proxy"`       // the value of their label proxy; default: the first listener's address
}

// History says for how long what is remembered, in StateDir. The times are of recording:
// while farmproxy is off nothing ages.
type History struct {
	Enabled     bool          `toml:"enabled"`      // if not, nothing is remembered over a restart
	WorkerSteps time.Duration `toml:"worker_steps"` // each worker's steps of 5 minutes
	WorkerHours time.Duration `toml:"worker_hours"` // each worker's hours
	Minutes     time.Duration `toml:"minutes"`      // minutes of the farm, its pools and groups
	Hours       time.Duration `toml:"hours"`        // hours of the same
	Events      time.Duration `toml:"events"`
}

// ShareLog says where a line for each share is kept.
type ShareLog struct {
	Dir              string        `toml:"dir"`               // absolute; "": nowhere
	Format           string        `toml:"format"`            // FormatJSON or FormatCSV
	SegmentMegabytes int           `toml:"segment_megabytes"` // of a compressed file, from which on there is another one
	RotateEvery      time.Duration `toml:"rotate_every"`      // the same, by age
	KeepMegabytes    int           `toml:"keep_megabytes"`    // of all files, beyond which the oldest are deleted; 0: never
}

// How a share is written (ShareLog.Format).
const (
	FormatJSON = "json" // JSON lines
	FormatCSV  = "csv"  // with a head in each file
)

// Audit says which pools are compared while no miner works for them.
type Audit struct {
	QuietLinks bool     `toml:"quiet_links"` // a link to each pool that hears its jobs and hands nothing in
	Except     []string `toml:"except"`      // names of pools that get none
}

// Alerts says when an operator is told that something is wrong.
type Alerts struct {
	Enabled    bool          `toml:"enabled"`     // if not, nobody is told; pages say what is wrong all the same
	Site       string        `toml:"site"`        // what messages call this box; "": its host name
	CoolDown   time.Duration `toml:"cool_down"`   // after a message about an alert, the next one about the same; 0: whenever it comes back
	QuietFrom  string        `toml:"quiet_from"`  // "22:00": from then on tickets wait; "": they never do
	QuietTo    string        `toml:"quiet_to"`    // "06:00": until then; not after QuietFrom: on the next day
	Zone       string        `toml:"zone"`        // of the IANA database, of all times here and in messages; "": the machine's
	KnownPools []string      `toml:"known_pools"` // host names: a pool in use whose host is none of them is an alert; none: all are known

	ReportDaily  string `toml:"report_daily"`  // "07:00": when the report of the day before is sent; "": never
	ReportWeekly string `toml:"report_weekly"` // "mon 07:00": when that of the week before is; "": never

	Channels     []Channel     `toml:"channel"`     // up to maxChannels; none: nobody is told
	Rules        []AlertRule   `toml:"rule"`        // that are other than by default
	Curtailments []Curtailment `toml:"curtailment"` // when miners are off on purpose
}

// AlertRule is how a rule of package alert is other than by default.
type AlertRule struct {
	Name      string        `toml:"name"` // of the rule
	Enabled   bool          `toml:"enabled"`
	For       time.Duration `toml:"for"`       // how long it has to hold
	Threshold float64       `toml:"threshold"` // in the rule's unit
	CoolDown  time.Duration `toml:"cool_down"` // default: that of Alerts
}

// Curtailment is when the miners of a group are off on purpose.
type Curtailment struct {
	Days  string `toml:"days"`  // "mon-fri", "sat,sun"; "": every day
	From  string `toml:"from"`  // "17:00"
	To    string `toml:"to"`    // "20:00"; not after From: on the next day
	Group string `toml:"group"` // "": all miners
}

// Log says how much is logged, and in which format.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn, error
	Format string `toml:"format"` // text or json

	MinerEnds bool `toml:"miner_ends"` // a line at each miner's end, at info instead of debug
}
