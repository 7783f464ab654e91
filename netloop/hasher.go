package netloop

import (
	"runtime"
	"sync"

	"farmproxy/session"
	"farmproxy/upstream"
	"farmproxy/work"
)

const (
	// maxHashes is how many shares may wait for a slow hash: scrypt takes 0.5 ms, so
	// one core clears them in half a second. Beyond that, a share of the connection
	// with the most is refused: see turns.
	maxHashes = 1024

	// keptLine and maxSpareLines limit the empty lines kept for reuse, so that a share
	// allocates nothing: 256 lines of 4 shares take 0.3 MB.
	keptLine      = 4
	maxSpareLines = 256
)

// hasher hashes shares of slow algorithms on its own goroutines, so that no event loop
// blocks on them. They start with the first such share: most farms never have one.
type hasher struct {
	begin func()
	done  func(h *hashed) // tells the loop; any goroutine
	wg    sync.WaitGroup

	mu      sync.Mutex
	waiting turns
	some    sync.Cond // on mu: a share waits, or stopped is set
	stopped bool
}

// hashed is a share on its way there and back.
type hashed struct {
	cookie  upstream.Cookie
	worker  worker
	share   [1]session.Candidate
	tooMany bool // returned without a hash: its miner has too many waiting
}

// ready prepares for n goroutines; done may be called on any of them, and by callers
// of hash.
func (h *hasher) ready(n int, done func(*hashed)) {
	h.done = done
	h.waiting = newTurns(maxHashes)
	h.some.L = &h.mu
	h.begin = sync.OnceFunc(func() {
		// A resting loop keeps its runtime processor.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
		for range n {
			h.wg.Go(h.work)
		}
	})
}

// work hashes until stop.
func (h *hasher) work() {
	var checker work.Checker
	for x, ok := h.next(); ok; x, ok = h.next() {
		session.FindHashes(&checker, x.share[:])
		h.done(&x)
	}
}

// next waits for a share; false: the hasher stops, and nobody wants to know what became of
// those that are left.
func (h *hasher) next() (x hashed, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.stopped {
		if x, ok = h.waiting.take(); ok {
			return x, true
		}
		h.some.Wait()
	}
	return x, false
}

// hash queues a share; false if its miner has too many waiting. Another miner's share
// may give way for it, and returns to its loop marked tooMany.
func (h *hasher) hash(cookie upstream.Cookie, w worker, c *session.Candidate) bool {
	h.begin()
	x := hashed{cookie: cookie, worker: w, share: [1]session.Candidate{*c}}
	h.mu.Lock()
	refused, gaveWay, ok := h.waiting.put(&x)
	h.some.Signal()
	h.mu.Unlock()
	if gaveWay {
		refused.tooMany = true
		h.done(&refused)
	}
	return ok
}

// stop ends the goroutines. All loops must have ended.
func (h *hasher) stop() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	h.some.Broadcast()
	h.wg.Wait()
}
