package netloop

import (
	"fmt"
	"time"

	"farmproxy/session"
)

// Settings say how miners are served. They may change at any time (Server.Configure), so
// nothing keeps a copy: whoever needs one reads the last.
type Settings struct {
	MaxMiners    int // connections at once, up to MaxConnections
	Terms        session.Terms
	WorkerName   string        // names workers by their miner's address, see workerName; "": by what the miner says
	Keepalive    time.Duration // the last job is sent again after that much silence
	ResumeWindow time.Duration // how long a disconnected miner's session is kept; 0 not at all
	Hold         time.Duration // how long miners are kept without any pool; 0 for ever
}

// settings are Settings, read. Immutable.
type settings struct {
	Settings
	names workerName
}

// Configure has miners served so from now on: those that are there, too. More than
// MaxMiners are not disconnected, but nobody is added. Any goroutine. It fails, and
// changes nothing, when WorkerName can't be read.
func (s *Server) Configure(o Settings) error {
	names, err := parseWorkerName(o.WorkerName)
	if err != nil {
		return fmt.Errorf("miners.worker_name = %q: %w", o.WorkerName, err)
	}
	s.settings.Store(&settings{o, names})
	return nil
}
