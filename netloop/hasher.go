package netloop

import (
	"runtime"
	"sync"

	"farmproxy/session"
	"farmproxy/upstream"
	"farmproxy/work"
)

// maxHashes is how many shares may wait for a slow hash: scrypt takes 0.5 ms,
// so that a core has them done in half a second. Beyond, shares are refused:
// a miner that floods must not hold up the others' answers.
const maxHashes = 1024

// hasher hashes shares of slow algorithms on goroutines of its own, so that no
// event loop stands still for them. They begin with the first such share: their
// queue takes 0.6 MB, and most farms never have one.
type hasher struct {
	begin func()
	done  func(h hashed) // tells the loop; any goroutine
	queue chan hashed    // nil: not begun
	wg    sync.WaitGroup
}

// hashed is a share on its way there and back.
type hashed struct {
	cookie upstream.Cookie
	share  [1]session.Candidate
}

// ready prepares for n goroutines; done may be called on each of them.
func (h *hasher) ready(n int, done func(hashed)) {
	h.done = done
	h.begin = sync.OnceFunc(func() {
		// Loops keep their processors of the runtime's while they rest.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
		h.queue = make(chan hashed, maxHashes)
		for range n {
			h.wg.Go(func() {
				var checker work.Checker
				for x := range h.queue {
					session.FindHashes(&checker, x.share[:])
					h.done(x)
				}
			})
		}
	})
}

// hash takes a share; false when too many wait.
func (h *hasher) hash(cookie upstream.Cookie, c *session.Candidate) bool {
	h.begin()
	select {
	case h.queue <- hashed{cookie, [1]session.Candidate{*c}}:
		return true
	default:
		return false
	}
}

// stop ends the goroutines. No loop may run any more.
func (h *hasher) stop() {
	if h.queue != nil {
		close(h.queue)
	}
	h.wg.Wait()
}
