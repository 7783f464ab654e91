package stats

import (
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
	"unique"
	"unsafe"

	"farmproxy/work"
)

// maxAgent is how much of a miner's user agent is kept, in bytes. The longest
// seen in the field has 40; a line could carry 4 KiB.
const maxAgent = 64

// Worker is one name's books. It outlives connections, and several miners may
// share it, on several loops. All methods may be called from any goroutine; a
// Worker stays usable for as long as somebody holds it.
//
// There are as many of these as miners: a field more costs a farm of 10,000
// 80 kB for each 8 bytes. So times are seconds, refused shares are 32-bit
// counters (years at one a minute), and user agents are shared between workers.
type Worker struct {
	name string // never changes

	mu sync.Mutex

	// What an accepted share takes: see Prefetch.
	mining    *mining
	seen      stamp // last sign of life
	lastShare stamp // last accepted one
	began     stamp // since when the window holds all of the worker's work
	window    window
	work      float64 // accepted, in shares of difficulty 1
	accepted  uint64

	dropped    bool   // no longer in the registry; guarded by the registry's mutex
	address    addr   // of the miner that came last
	agent      agent  // of the miner that came last
	miners     uint32 // connected now
	mostMiners uint32 // the most at one time
	connects   uint32
	since      stamp                        // begin of the present presence
	difficulty float64                      // last one set; 0 unknown
	rejected   [work.NumVerdicts - 1]uint32 // by verdict-1: accepted has its own
}

// Prefetch makes what Share takes ready, for a call that comes soon.
func (w *Worker) Prefetch() { work.Prefetch(w, int(unsafe.Offsetof(w.dropped))) }

// Name returns the name that miners log in with.
func (w *Worker) Name() string { return w.name }

// Connected counts a miner that authorized under this name, from the address
// ("ip:port") and with the user agent that it gave; both may be empty. One call
// for each miner and name, and one of Disconnected after it.
func (w *Worker) Connected(now time.Time, address, userAgent string) {
	a, g := makeAddr(address), makeAgent(userAgent)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.connects++
	w.miners++
	w.mostMiners = max(w.mostMiners, w.miners)
	if w.miners == 1 {
		w.since = stampOf(now)
	}
	w.seen, w.address, w.agent = stampOf(now), a, g
	w.begin(now)
	w.mining.join(now, 1)
}

// Disconnected counts that a miner under this name has gone.
func (w *Worker) Disconnected(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.miners > 0 {
		w.miners--
		w.mining.join(now, -1)
	}
	w.seen = stampOf(now)
}

// Mining notes what the worker mines from now on: for an account ("" for none:
// the configuration's pools), at a pool, by its name in metrics, with an
// algorithm. What it has done so far stays where it was counted. To be called
// when a miner has authorized, and again when it moves. It is not kept for
// Other, whose miners may each mine something else.
func (w *Worker) Mining(account, pool, algorithm string) {
	key := miningKey{byAccount: account, byPool: pool, byAlgorithm: algorithm}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.name == Other || w.mining == nil {
		return
	}
	now := w.seen.time()
	old := w.mining
	w.mining = old.ledger.get(key, now) // the same key may lead elsewhere now: accounts are forgotten
	if w.mining == old {
		return
	}
	old.join(now, -int(w.miners))
	w.mining.join(now, int(w.miners))
}

// Share counts a share, with the verdict that the miner is told. loop is the
// event loop that calls, as in Book.Loop. The difficulty is in shares of
// difficulty 1, each work.HashesPerShare hashes: what a pool calls difficulty,
// divided by the algorithm's divider. It allocates once for each loop that an
// account, a pool or an algorithm has shares on.
func (w *Worker) Share(loop int, now time.Time, v work.Verdict, difficulty float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mining.share(loop, now, v, difficulty)
	w.seen = stampOf(now)
	if v != work.Accepted {
		w.rejected[v-1]++
		return
	}
	if w.began == 0 {
		w.begin(now)
	}
	w.accepted++
	w.work += difficulty
	w.lastShare = w.seen
	w.window.add(now, difficulty)
}

// SetDifficulty notes the difficulty that the worker's miners have from now on.
// It is not kept for Other: what suits one of them says nothing about the next.
func (w *Worker) SetDifficulty(d float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.name != Other {
		w.difficulty = d
	}
}

// Difficulty returns the last difficulty set, for a miner that comes back; 0 if
// none ever was.
func (w *Worker) Difficulty() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.difficulty
}

// begin lets the hash rate start afresh, where nothing was done for as long as
// the window reaches back: a worker that returns after an hour is right at
// once, one that was away for a minute is shown with that minute missing.
func (w *Worker) begin(now time.Time) {
	if w.window.sum(now) == 0 {
		w.began = stampOf(now)
	}
}

// hashRate returns H/s over the last five minutes.
func (w *Worker) hashRate(now time.Time) float64 {
	return w.window.hashRate(now, w.began.time())
}

// touch keeps the worker from being forgotten.
func (w *Worker) touch(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = stampOf(now)
}

// addr is netip.AddrPort without its zone and padding.
type addr struct {
	ip   [16]byte
	port uint16
}

// makeAddr returns the zero addr for what is not "ip:port".
func makeAddr(s string) addr {
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return addr{}
	}
	return addr{ip: a.Addr().As16(), port: a.Port()}
}

// String returns "ip:port", or "" for the zero addr.
func (a addr) String() string {
	if a == (addr{}) {
		return ""
	}
	return netip.AddrPortFrom(netip.AddrFrom16(a.ip).Unmap(), a.port).String()
}

// agent is a user agent. A farm has few different ones, so each is held once;
// there are never more than workers.
type agent struct{ unique.Handle[string] }

var noAgent agent

func makeAgent(s string) agent {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for cut := min(len(s), maxAgent); ; cut-- {
		if cut == len(s) || utf8.RuneStart(s[cut]) {
			s = s[:cut]
			break
		}
	}
	if s == "" {
		return noAgent
	}
	return agent{unique.Make(s)}
}

// String returns "" where no agent is known.
func (a agent) String() string {
	if a == noAgent {
		return ""
	}
	return a.Value()
}
