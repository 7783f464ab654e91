package stats

import (
	"sync/atomic"

	"farmproxy/work"
)

// Loop holds one event loop's counts. Only that loop writes it, so its adds never
// contend; a scrape sums all loops. Each Loop is its own allocation, larger than a
// cache line.
type Loop struct {
	Miners      atomic.Int64  // connected now, directly or through an agent
	Subscribed  atomic.Int64  // of these, subscribed
	Authorized  atomic.Int64  // of these, with at least one authorized worker
	Agents      atomic.Int64  // agents connected now; their miners count as miners
	Opened      atomic.Uint64 // connections accepted, refused ones included
	Resumed     atomic.Uint64 // subscribes that resumed a session
	LostRolling atomic.Uint64 // miners told to reconnect because they had lost version rolling
	UsersNoRoom atomic.Uint64 // logins refused because there are too many new users
	UsersCrowd  atomic.Uint64 // the same, from one address
	Messages    atomic.Uint64 // lines and frames decoded
	Malformed   atomic.Uint64 // lines, messages or frames that were malformed
	Notifies    atomic.Uint64 // mining.notify written
	BytesIn     atomic.Uint64 // from miners
	BytesOut    atomic.Uint64 // to miners

	Closed   []atomic.Uint64                 // by close reason, the index into Options.CloseReasons
	Verdicts [work.NumVerdicts]atomic.Uint64 // as told to miners
	Work     [work.NumVerdicts]atomicFloat   // the same, in shares of difficulty 1: see Worker.Share

	_ [cacheLine]byte // so that no other loop's counters share the last line
}

// cacheLine is the usual size of a cache line, in bytes.
const cacheLine = 64

// totals is the sum of all loops.
type totals struct {
	miners, subscribed, authorized int64
	agents                         int64
	opened, resumed, lostRolling   uint64
	usersNoRoom, usersCrowd        uint64
	messages, malformed, notifies  uint64
	bytesIn, bytesOut              uint64
	closed                         []uint64 // by close reason
	shares                         Shares
	work                           Work
}

// totals sums the loops. The sums are not a snapshot of one instant, but each counter
// is, and none decreases.
func (b *Book) totals() totals {
	t := totals{closed: make([]uint64, len(b.options.CloseReasons))}
	for _, l := range b.loops {
		t.miners += l.Miners.Load()
		t.subscribed += l.Subscribed.Load()
		t.authorized += l.Authorized.Load()
		t.agents += l.Agents.Load()
		t.opened += l.Opened.Load()
		t.resumed += l.Resumed.Load()
		t.usersNoRoom += l.UsersNoRoom.Load()
		t.usersCrowd += l.UsersCrowd.Load()
		t.lostRolling += l.LostRolling.Load()
		t.messages += l.Messages.Load()
		t.malformed += l.Malformed.Load()
		t.notifies += l.Notifies.Load()
		t.bytesIn += l.BytesIn.Load()
		t.bytesOut += l.BytesOut.Load()
		for i := range l.Closed {
			t.closed[i] += l.Closed[i].Load()
		}
		for v := range l.Verdicts {
			t.shares[v] += l.Verdicts[v].Load()
			t.work[v] += l.Work[v].Load()
		}
	}
	return t
}
