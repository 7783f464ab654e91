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

// maxAgent is how many bytes of a miner's user agent are kept. The longest seen in the
// field has 40; a line could carry 4 KiB.
const maxAgent = 64

// Worker is one name's books. It outlives connections, and several miners may share
// it, on several loops. All methods may be called from any goroutine; a Worker stays
// usable as long as somebody holds it.
//
// One per miner: 8 more bytes here cost a farm of 10,000 miners 80 kB. So times are
// seconds, rejected shares are 32-bit counters (years at one a minute), and user
// agents are shared between workers.
type Worker struct {
	name string // never changes

	mu sync.Mutex

	// Fields that an accepted share touches: see Prefetch.
	mining    *mining
	seen      stamp // last sign of life
	lastShare stamp // last accepted one
	began     stamp // since when the window has held all of the worker's work
	window    window
	connects  uint32  // not touched, but it fits here
	work      float64 // accepted, in shares of difficulty 1
	accepted  uint64

	agent      agent                        // of the miner that came last, with its version bits
	miners     uint32                       // connected now
	mostMiners uint32                       // the most at the same time
	since      stamp                        // when it last went from no miner to one
	difficulty difficulty                   // last one set; 0 unknown
	rejected   [work.NumVerdicts - 1]uint32 // by verdict-1: accepted is separate
	address    addr                         // of the miner that came last
	dropped    bool                         // no longer in the registry; guarded by the registry's mutex
	keep       uint8                        // why it stays there without a miner: ordinary, remembered, expected
}

// Prefetch prefetches what Share touches, for a call that comes soon.
func (w *Worker) Prefetch() { work.Prefetch(w, int(unsafe.Offsetof(w.agent))) }

// Name returns the name that miners log in with.
func (w *Worker) Name() string { return w.name }

// Connected counts a miner that authorized under this name, from the address
// ("ip:port") and with the user agent that it reported; both may be empty. Call it
// once for each miner and name, and Disconnected once afterwards.
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
	w.regroup(w.accepted > 0)
}

// Disconnected counts the departure of a miner under this name, for a reason: its place in
// Options.CloseReasons.
func (w *Worker) Disconnected(now time.Time, reason uint8) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.miners > 0 {
		w.miners--
		w.mining.join(now, -1)
	}
	w.seen = stampOf(now)
	if w.isOne() {
		w.mining.ledger.lately.close(w, w.seen, w.address, reason)
	}
}

// Mining sets what the worker mines from now on: for an account ("" for none: the
// configuration's pools), at a pool, by its name in metrics, with an algorithm.
// Earlier work stays where it was counted. Call it when a miner has authorized, and
// again when it moves. It has no effect on Other, whose miners may each mine something
// else.
func (w *Worker) Mining(account, pool, algorithm string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isOne() {
		key := w.mining.key
		key[byAccount], key[byPool], key[byAlgorithm] = account, pool, algorithm
		w.relabel(key)
	}
}

// Follows is Mining for a worker whose pool has changed: it has no effect on one that mines
// for another account.
func (w *Worker) Follows(account, pool, algorithm string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isOne() && w.mining.key[byAccount] == account {
		key := w.mining.key
		key[byPool], key[byAlgorithm] = pool, algorithm
		w.relabel(key)
	}
}

// CameBy sets the listener, by its address, that the worker's latest miner connected to.
// It has no effect on Other.
func (w *Worker) CameBy(listener string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isOne() {
		key := w.mining.key
		key[byListener] = listener
		w.relabel(key)
	}
}

// CameAlong is CameBy for a miner that another process has handed over: it has no effect
// if the listener is known.
func (w *Worker) CameAlong(listener string) {
	w.mu.Lock()
	known := w.mining != nil && w.mining.key[byListener] != ""
	w.mu.Unlock()
	if !known {
		w.CameBy(listener)
	}
}

// isOne reports whether all of the worker's miners mine the same: those of Other do not,
// and no book has the zero Worker. The caller holds w.mu.
func (w *Worker) isOne() bool { return w.name != Other && w.mining != nil }

// relabel has the worker and its miners count under a key from now on. The caller holds
// w.mu.
func (w *Worker) relabel(key miningKey) {
	old, now := w.mining, w.seen.time()
	w.mining = old.ledger.get(key, now) // the same key may lead elsewhere now: accounts are forgotten
	if w.mining == old {
		return
	}
	if pool := old.totals[byPool]; pool != w.mining.totals[byPool] {
		w.leaves(pool, now)
	}
	old.join(now, -int(w.miners))
	w.mining.join(now, int(w.miners))
}

// Share counts a share with the verdict that the miner is told. loop is the calling
// event loop, as in Book.Loop. The difficulty is in shares of difficulty 1, each
// work.HashesPerShare hashes: the pool's difficulty divided by the algorithm's
// divider. It allocates once for each loop on which an account, a pool, an algorithm or
// a group has shares.
func (w *Worker) Share(loop int, now time.Time, v work.Verdict, difficulty float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = stampOf(now)
	if v == work.Accepted && w.accepted == 0 && w.mining.crowdedOut() {
		w.regroup(true)
	}
	w.mining.share(loop, now, v, difficulty)
	if v != work.Accepted {
		w.rejected[v-1]++
		if w.isOne() {
			w.mining.ledger.lately.refuse(w, w.seen, v, difficulty)
		}
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

// SetDifficulty sets the difficulty that the worker's miners have from now on. It has
// no effect on Other: what suits one of its miners says nothing about the next.
func (w *Worker) SetDifficulty(d float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.name != Other {
		w.difficulty = difficulty(d)
	}
}

// SetVersionMask sets the version bits that the miner that connected last may roll from
// now on; 0: none.
func (w *Worker) SetVersionMask(mask uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.agent.software(); s.mask != mask {
		w.agent = agentOf(software{s.name, mask})
	}
}

// Difficulty returns the last difficulty set, for a miner that comes back; 0 if
// none ever was.
func (w *Worker) Difficulty() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.difficulty.value()
}

// begin restarts the hash rate if nothing was done for the length of the window: a
// worker that returns after an hour has the right rate at once, one that was away for
// a minute is shown with that minute missing.
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

// makeAddr returns the zero addr if s is not "ip:port".
func makeAddr(s string) addr {
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return addr{}
	}
	return addr{ip: a.Addr().As16(), port: a.Port()}
}

// String returns "ip:port", or "" for the zero addr.
func (a addr) String() string { return AddressText(a.addrPort()) }

// addrPort returns the zero AddrPort for the zero addr.
func (a addr) addrPort() netip.AddrPort { return netip.AddrPortFrom(a.addr(), a.port) }

// AddressText returns "ip:port", or "" for an address that is not known.
func AddressText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// addr returns the IP address, with IPv4 unmapped; the zero Addr for the zero addr.
func (a addr) addr() netip.Addr {
	if a == (addr{}) {
		return netip.Addr{}
	}
	return netip.AddrFrom16(a.ip).Unmap()
}

// agent is a user agent, and the version bits that it may roll. A farm has few different
// ones, so each is stored once; there are never more than workers.
type agent struct{ unique.Handle[software] }

// software is what an agent stands for.
type software struct {
	name string
	mask uint32
}

var noAgent agent

func makeAgent(s string) agent {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for cut := min(len(s), maxAgent); ; cut-- {
		if cut == len(s) || utf8.RuneStart(s[cut]) {
			s = s[:cut]
			break
		}
	}
	return agentOf(software{name: s})
}

func agentOf(s software) agent {
	if s == (software{}) {
		return noAgent
	}
	return agent{unique.Make(s)}
}

// software returns the zero value if nothing is known.
func (a agent) software() software {
	if a == noAgent {
		return software{}
	}
	return a.Value()
}

// String returns "" if no agent is known.
func (a agent) String() string { return a.software().name }
