package netloop

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"farmproxy/session"
)

// closeLogEvery is the least time between two log entries of one reason for closing
// miners: a scanner or broken firmware must not fill the disk.
const closeLogEvery = 5 * time.Second

// closeLog logs closed miners: for each reason the first, then one every
// closeLogEvery, with the number skipped in between.
type closeLog struct {
	log *slog.Logger
	mu  sync.Mutex
	by  [session.NumReasons]struct {
		last    time.Time
		skipped int
	}
}

// note logs that a miner was closed. cause may be nil.
func (c *closeLog) note(reason session.Reason, address string, cause error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.by[reason]
	if now.Sub(r.last) < closeLogEvery {
		r.skipped++
		return
	}
	more := []any{"reason", reason.String(), "address", address, "more_before", r.skipped}
	if cause != nil {
		more = append(more, "cause", cause.Error())
	}
	if try := advice[reason]; try != "" {
		more = append(more, "try", try)
	}
	c.log.Info("miner closed", more...)
	r.last, r.skipped = now, 0
}

// fullLogEvery is how often the log says that farmproxy is full.
const fullLogEvery = time.Minute

// fullLog says that farmproxy is full: at the first miner that it refuses, then once
// every fullLogEvery as long as it refuses others, with how many they were.
type fullLog struct {
	log     *slog.Logger
	mu      sync.Mutex
	told    time.Time
	refused int     // since then
	address address // of the last one
	most    int     // miners that there is room for
}

// note counts a refused miner.
func (f *fullLog) note(from address, most int, now time.Time) {
	f.mu.Lock()
	f.refused++
	f.address, f.most = from, most
	f.mu.Unlock()
	f.tell(now)
}

// tell logs the refused miners that were not logged yet, if it is time to.
func (f *fullLog) tell(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused == 0 || now.Sub(f.told) < fullLogEvery {
		return
	}
	f.log.Warn("farmproxy is full: it refuses miners; raise LimitNOFILE in the unit, and miners.max if it is set, or run another farmproxy beside",
		"refused", f.refused, "last_address", f.address.String(), "miners_max", f.most)
	f.told, f.refused = now, 0
}

// advice is what to do about miners that are closed for a reason, where it is known.
var advice = map[session.Reason]string{
	session.NotTLS:        "this port is for TLS: stratum+ssl:// (or stratum+tls://) in the miner's URL, or a listener without tls for miners that have none",
	session.UnexpectedTLS: "this port is not for TLS: stratum+tcp:// in the miner's URL, or tls in the [[listener]]",
}

// gnetLog passes on gnet's own messages. Its errors are about single sockets: worth a
// debug line.
type gnetLog struct{ log *slog.Logger }

func (g gnetLog) Debugf(format string, args ...any) {}
func (g gnetLog) Infof(format string, args ...any) {
	g.log.Debug("gnet: " + fmt.Sprintf(format, args...))
}
func (g gnetLog) Warnf(format string, args ...any) {
	g.log.Debug("gnet: " + fmt.Sprintf(format, args...))
}
func (g gnetLog) Errorf(format string, args ...any) {
	g.log.Debug("gnet: " + fmt.Sprintf(format, args...))
}
func (g gnetLog) Fatalf(format string, args ...any) {
	g.log.Error("gnet: " + fmt.Sprintf(format, args...))
}
