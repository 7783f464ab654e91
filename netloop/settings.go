package netloop

import (
	"fmt"
	"time"

	"farmproxy/guard"
	"farmproxy/session"
)

// Settings say how miners are served. They may change at any time (Server.Configure), so
// nothing keeps a copy: read the current ones when needed.
type Settings struct {
	Listeners []Listener // those listed are open, all others closed; who came by one that is closed stays

	MaxMiners    int // simultaneous connections, up to MaxConnections
	Terms        session.Terms
	WorkerName   string        // template that names workers by their miner's address, see workerName; "": by what the miner sends
	Keepalive    time.Duration // the last job is sent again after this much silence
	MinerEnds    bool          // the log has a line at each miner's end, at info; otherwise at debug
	Limits       Limits
	Guard        guard.Settings // limits of addresses, and bans
	ResumeWindow time.Duration  // how long a disconnected miner's session is kept; 0: not at all
}

// Limits are how much one connection may send per second, on average over some seconds.
// An agent may send as much, and one message and share more for each of its miners. 0: no
// limit.
type Limits struct {
	Messages int
	Shares   int
	Invalid  int // shares that are neither accepted nor late
	Logins   int // refused ones, in all
}

// settings are parsed Settings. Immutable.
type settings struct {
	Settings
	names workerName
}

// Configure applies new settings to all miners, including those already connected.
// Miners beyond MaxMiners are not disconnected, but no more are admitted. Any goroutine
// but an event loop. If WorkerName can't be parsed, or an address can't be listened on,
// it fails and changes nothing.
func (s *Server) Configure(o Settings) error {
	names, err := parseWorkerName(o.WorkerName)
	if err != nil {
		return fmt.Errorf("miners.worker_name = %q: %w", o.WorkerName, err)
	}
	return s.ports.change(o.Listeners, func() {
		s.settings.Store(&settings{o, names})
		s.guard.Configure(o.Guard)
	})
}
