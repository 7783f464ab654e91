package upstream

import (
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/work"
)

// health is how a link's pool does: its driver writes it down, its lane's supervisor
// reads it. Any goroutine may call its methods.
type health struct {
	notify     atomic.Int64 // when the last job came, since assignment.started
	rolling    atomic.Bool  // version rolling was granted
	bitless    bool         // it came up without having been granted version bits; set before it is up
	leftOut    optional     // the requests that it did not make; set before it is up
	unanswered atomic.Bool  // the pool answers no shares any more

	mu      sync.Mutex
	rejects rejects
	moveAt  time.Time // client.reconnect; zero: none
	moveTo  string
}

// note adds the verdict on a share to the rejects.
func (h *health) note(s *Share, v work.Verdict) (own bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rejects.note(s, v)
}

// rejected reports that the pool rejects more than the given fraction of what the
// lane's miners send.
func (h *health) rejected(rate float64, members int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rejects.members = members
	return h.rejects.above(rate)
}

// forget drops what is held against the pool for a miner that has left.
func (h *health) forget(p Prefix) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rejects.forget(p)
}

// move notes that the pool asks to reconnect elsewhere.
func (h *health) move(to string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moveTo, h.moveAt = to, at
}

// moves returns where the pool asks to reconnect to, and whether it is time; "": it
// does not.
func (h *health) moves(now time.Time) (to string, due bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.moveTo, h.moveTo != "" && !now.Before(h.moveAt)
}

// moveDue reports that a client.reconnect is to be followed now.
func (k *link) moveDue(now time.Time) bool {
	_, due := k.health.moves(now)
	return due
}

// silent reports that no job has come for d.
func (k *link) silent(now time.Time, d time.Duration) bool {
	return now.Sub(k.started)-time.Duration(k.health.notify.Load()) >= d
}
