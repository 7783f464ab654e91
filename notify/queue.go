package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// maxWaiting bounds the messages that wait for a channel: a day of a farm where
	// something is wrong every 20 minutes. The oldest gives way: the newest say how it is
	// now.
	maxWaiting = 64

	// attemptTime bounds one attempt.
	attemptTime = 20 * time.Second

	// Attempts follow each other in twice the time, from first to last.
	firstPause = 5 * time.Second
	lastPause  = 5 * time.Minute

	// maxAge is how old a message gets before it is given up: what an alert says is no
	// news any more, and what holds still is on the page.
	maxAge = 12 * time.Hour

	// maxRefusals is how often a server may refuse a message: what is in the way may pass,
	// a firewall or an update, but a wrong token does not, and others wait behind it.
	maxRefusals = 3

	// maxRetryAfter bounds what a server may ask for.
	maxRetryAfter = time.Hour
)

// queue is a channel with what waits for it. One goroutine sends; the notifier's mutex guards
// the rest.
type queue struct {
	channel Channel
	sender  sender

	waiting  []*message // the first is being sent
	attempts int        // at the first, which failed
	refusals int        // of these
	next     time.Time  // when it is tried again

	sent, failed, lost uint64
	lastSent           time.Time // zero: nothing was yet
	failing            time.Time // since when all attempts have failed; zero: the last one did not
	trouble            string    // of the last attempt; "": none

	wake chan struct{} // there is something new
	stop context.CancelFunc
	done chan struct{} // closed when its goroutine has ended; nil: it has none
}

// ring wakes the goroutine.
func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// drop takes the first message off.
func (q *queue) drop() {
	q.waiting = q.waiting[1:]
	q.attempts, q.refusals, q.next = 0, 0, time.Time{}
}

// pause returns how long to wait after a failed attempt, the n-th.
func pause(n int, asked time.Duration) time.Duration {
	d := lastPause
	if n < 8 {
		d = min(lastPause, firstPause<<(n-1))
	}
	d += rand.N(d / 4) // farms that lost the same server come back one by one
	return max(d, min(asked, maxRetryAfter))
}

// fails notes a failed attempt at the first message, and returns why that is given up; "": it
// is not.
func (q *queue) fails(err error, now time.Time) (over string) {
	q.failed++
	q.attempts++
	q.trouble = err.Error()
	if q.failing.IsZero() {
		q.failing = now
	}
	asked := time.Duration(0)
	if f, ok := errors.AsType[*failure](err); ok {
		asked = f.after
		if f.refused {
			q.refusals++
		}
	}
	switch {
	case q.refusals >= maxRefusals:
		return "the server refuses it"
	case now.Sub(q.waiting[0].At) > maxAge:
		return "it is too old"
	}
	q.next = now.Add(pause(q.attempts, asked))
	return ""
}
