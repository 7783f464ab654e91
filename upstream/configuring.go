package upstream

import "time"

// configuring is how a pool takes mining.configure, which some pools of before
// BIP 310 do not know: ckpool of 2017 closes the connection over it, others
// just do not answer.
type configuring uint8

const (
	configureAsked      configuring = iota // ask, and wait for the answer
	configureUnanswered                    // ask, but do not wait: it did not answer last time
	configureShunned                       // do not ask: it closed the connection last time
	configureCleared                       // ask: it closes also when it is not asked, so that is not why
)

// shunFor is how long a pool that closed is not asked. It may have closed for
// another reason, or be upgraded; and without version rolling miners lose some
// of their efficiency.
const shunFor = time.Hour

// configuring returns how the pool is to be asked now.
func (e *endpoint) configuring(now time.Time) configuring {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.configure == configureShunned && !now.Before(e.askAgain) {
		e.configure = configureAsked
	}
	return e.configure
}

// configured notes how the pool took it.
func (e *endpoint) configured(how configuring, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.configure, e.askAgain = how, now.Add(shunFor)
}
