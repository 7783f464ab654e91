package netloop

import (
	"sync"

	"farmproxy/session"
	"farmproxy/upstream"
)

// maxHashes is how many shares may wait for a slow hash: scrypt takes 0.5 ms,
// so that a core has them done in half a second. Beyond, shares are refused:
// a miner that floods must not hold up the others' answers.
const maxHashes = 1024

// hasher hashes shares of slow algorithms on goroutines of its own, so that no
// event loop stands still for them.
type hasher struct {
	queue chan hashed
	done  func(h hashed) // tells the loop; any goroutine
	wg    sync.WaitGroup
}

// hashed is a share on its way there and back.
type hashed struct {
	cookie    upstream.Cookie
	candidate session.Candidate
	hash      [32]byte
}

// start begins with n goroutines; they wait, at no cost, until there is a
// share for them.
func (h *hasher) start(n int, done func(hashed)) {
	h.queue, h.done = make(chan hashed, maxHashes), done
	for range n {
		h.wg.Go(func() {
			for x := range h.queue {
				x.hash = x.candidate.Job.Algorithm.Hash(x.candidate.Header[:])
				h.done(x)
			}
		})
	}
}

// hash takes a share; false when too many wait.
func (h *hasher) hash(cookie upstream.Cookie, c *session.Candidate) bool {
	select {
	case h.queue <- hashed{cookie: cookie, candidate: *c}:
		return true
	default:
		return false
	}
}

// stop ends the goroutines. No loop may run any more.
func (h *hasher) stop() {
	close(h.queue)
	h.wg.Wait()
}
