package session

// Reason is why a miner's connection ended. The names are the values of the `reason`
// label of farmproxy_connections_closed_total, and appear in the log.
type Reason uint8

const (
	MinerLeft          Reason = iota // the miner closed, or the network did
	NotStratum                       // the first byte of a line is not '{': HTTP, noise
	LineTooLong                      // more than codec.MaxMinerLine without a newline
	TooDeep                          // JSON nested beyond codec.MaxDepth
	TooManyMalformed                 // Terms.MalformedLimit
	SubscribeTimeout                 // no mining.subscribe in time
	AuthorizeTimeout                 // no mining.authorize in time
	TooSlow                          // does not read what is sent to it
	Full                             // no room for another miner
	NoPool                           // no pool for longer than failover.hold
	AccountGone                      // its account was deleted
	ExtranonceTooSmall               // the pool leaves less extranonce than this miner was promised
	BadFrame                         // an agent's frame of an impossible length
	ExtranonceChanged                // an agent's extranonce1 is no longer the pool's: it reconnects for another
	SharesRefused                    // the pool refuses its shares again and again, and accepts others'
	ProxyHeader                      // its PROXY header is malformed, missing, or not trusted from its address
	NoShare                          // it held a link without an accepted share, and another miner needed the link
	TransportFailed                  // its transport failed: a handshake, a record
	NotTLS                           // its listener is for TLS, and its first bytes are not
	UnexpectedTLS                    // its listener is not for TLS, and its first bytes are
	HandshakeTimeout                 // no end of its transport's handshake in time, or it gave way to others
	LameDuck                         // farmproxy takes no more miners, and lets this one go before it ends
	Denied                           // its address may not connect to its listener
	Banned                           // its address is banned
	TooManyConnections               // of its address
	ConnectFlood                     // its address opens connections too fast
	MessageFlood                     // more messages than Limits.Messages
	ShareFlood                       // more shares than Limits.Shares
	InvalidFlood                     // more invalid shares than Limits.Invalid
	TooManyLogins                    // more refused logins than Limits.Logins
	NotHandedOver                    // it could not be handed over to the new process, as TLS can't
	Shutdown                         // farmproxy is stopping

	NumReasons = int(Shutdown) + 1
)

var reasons = [NumReasons]string{
	MinerLeft:          "miner_left",
	NotStratum:         "not_stratum",
	LineTooLong:        "line_too_long",
	TooDeep:            "too_deep",
	TooManyMalformed:   "too_many_malformed",
	SubscribeTimeout:   "subscribe_timeout",
	AuthorizeTimeout:   "authorize_timeout",
	TooSlow:            "too_slow",
	Full:               "full",
	NoPool:             "no_pool",
	AccountGone:        "account_gone",
	ExtranonceTooSmall: "extranonce_too_small",
	BadFrame:           "bad_frame",
	ExtranonceChanged:  "extranonce_changed",
	SharesRefused:      "shares_refused",
	ProxyHeader:        "proxy_header",
	NoShare:            "no_share",
	TransportFailed:    "transport_failed",
	NotTLS:             "not_tls",
	UnexpectedTLS:      "unexpected_tls",
	HandshakeTimeout:   "handshake_timeout",
	LameDuck:           "lame_duck",
	Denied:             "denied",
	Banned:             "banned",
	TooManyConnections: "too_many_connections",
	ConnectFlood:       "connect_flood",
	MessageFlood:       "message_flood",
	ShareFlood:         "share_flood",
	InvalidFlood:       "invalid_flood",
	TooManyLogins:      "too_many_logins",
	NotHandedOver:      "not_handed_over",
	Shutdown:           "shutdown",
}

// String returns the reason's name in metrics and logs.
func (r Reason) String() string { return reasons[r] }

// Reasons returns the names of all reasons, in their order.
func Reasons() []string { return reasons[:] }
