package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"time"
)

// optional is a set of requests that a link can do without. Some pools close the
// connection over one that they do not know: ckpool of 2017 over
// mining.configure, others over mining.extranonce.subscribe. But a pool that
// restarts, and a balancer in front of a dead one, close it at any request.
//
// One rule for all of them, and for all pools:
//
//   - The suspects of a closed connection are the requests to which the pool
//     has answered nothing, neither them nor a later one. The next link leaves
//     them out.
//   - As long as some are left out, a probe makes them every trialEvery. Once
//     the pool bears them, links make them again, and a link that could not ask
//     for version bits is replaced.
//   - The names of workers are left out in their own way: see names.go.
//   - A pool that does not answer mining.configure in time is asked on, and not
//     waited for but by that probe.
//   - A pool that ever granted version bits is always asked for them: it knows
//     mining.configure, so that is not why it closes, and without them miners
//     lose some of their efficiency.
type optional uint8

// In the order in which the handshake makes them.
const (
	askConfigure  optional = 1 << iota // mining.configure: version bits
	askResume                          // the old session, in mining.subscribe
	askSuggest                         // mining.suggest_difficulty
	askExtranonce                      // mining.extranonce.subscribe
)

// untried are the requests that a probe can't make: it has no session. Links
// make them again after trialEvery.
const untried = askResume

// everyRequest is all of them.
const everyRequest = askConfigure | askResume | askSuggest | askExtranonce

const (
	// trialEvery is how often a probe makes the requests that links leave out:
	// well within a minute, the pause that its start takes included.
	trialEvery = 45 * time.Second

	// suspectTime is how long after a request the end of the connection is put
	// down to it. Pools that close over one do so at once.
	suspectTime = 5 * time.Second
)

func (o optional) has(request optional) bool { return o&request != 0 }

// String lists the methods, for the log.
func (o optional) String() string {
	var list []string
	for i, method := range []string{"mining.configure", "mining.subscribe with a session", "mining.suggest_difficulty", "mining.extranonce.subscribe"} {
		if o.has(1 << i) {
			list = append(list, method)
		}
	}
	return strings.Join(list, ", ")
}

// answeredBy returns the requests that are no suspects any more once the request
// with that id has its answer: pools answer in the order in which they are asked.
func answeredBy(id uint64) (passed optional) {
	for request, at := range map[optional]uint64{
		askConfigure: configureID, askResume: subscribeID, askSuggest: suggestID, askExtranonce: extranonceID,
	} {
		if at <= id {
			passed |= request
		}
	}
	return passed
}

// leftOut is what an endpoint has of it. endpoint.mu guards it.
type leftOut struct {
	requests   optional
	told       optional  // what of it the operator knows of
	trial      time.Time // when a probe makes them, or links those that it can't make
	unanswered bool      // mining.configure got no answer in time: it is not waited for again
}

// skips returns the requests that a link leaves out.
func (e *endpoint) skips(now time.Time) optional {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !now.Before(e.leftOut.trial) {
		e.leftOut.requests &^= untried
	}
	return e.leftOut.requests
}

// trialDue reports that it is time to see whether the pool bears what is left
// out, and that it is the caller who sees to it.
func (e *endpoint) trialDue(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := &e.leftOut
	if now.Before(o.trial) {
		return false
	}
	o.requests &^= untried
	if o.requests == 0 && !o.unanswered {
		return false
	}
	o.trial = now.Add(trialEvery)
	return true
}

// closedOver leaves requests out from now on, and returns those of them that the
// operator has not heard of.
func (e *endpoint) closedOver(requests optional, now time.Time) (news optional) {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := &e.leftOut
	news = requests &^ o.told
	o.told |= requests
	o.requests |= requests
	o.trial = now.Add(trialEvery)
	return news
}

// bears notes that the pool has gone on after requests.
func (e *endpoint) bears(requests optional) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leftOut.requests &^= requests
	e.leftOut.told &^= requests
}

// givesBits reports that a link that asks for version bits is likely to get some.
func (p *pool) givesBits() bool {
	_, mask, known := p.state.get(p.URL)
	p.mu.Lock()
	defer p.mu.Unlock()
	return known && mask != 0 && !p.leftOut.requests.has(askConfigure) && !p.leftOut.unanswered
}

// waitsForBits reports that the answer to mining.configure is waited for.
func (e *endpoint) waitsForBits() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.leftOut.unanswered
}

// answersConfigure notes that the pool answered mining.configure.
func (e *endpoint) answersConfigure() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leftOut.unanswered = false
}

// ignoresConfigure notes that the pool did not answer mining.configure in time.
func (e *endpoint) ignoresConfigure(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leftOut.unanswered, e.leftOut.trial = true, now.Add(trialEvery)
}

// asking is what a protocol has of it.
type asking struct {
	skipped  optional  // what it leaves out; not changed once the link is up
	unheard  bool      // mining.configure had no answer in time; not changed once the link is up
	suspects optional  // made, and nothing was answered since
	made     time.Time // when the last one was
	closed   bool      // it was closed over suspects
}

// ask makes an optional request, unless it is left out.
func (p *protocol) ask(request optional, text []byte) {
	if !p.skipped.has(request) {
		p.suspects |= request
		p.made = p.now
		p.say(text)
	}
}

// heard notes that the request with that id was answered.
func (p *protocol) heard(id uint64) {
	if p.suspects == 0 {
		return
	}
	if passed := p.suspects & answeredBy(id); passed != 0 {
		p.suspects &^= passed
		p.pool.bears(passed)
	}
}

// blame finds out what the end of a link says of what it asked, or did not, and
// adds it to the reason.
func (p *protocol) blame(err error, now time.Time) error {
	if !hungUp(err) || p.proof {
		return err
	}
	suspects := p.suspects
	if now.Sub(p.made) >= suspectTime {
		suspects = 0
	}
	p.now = now
	p.dialect.closedOver()
	if suspects == 0 {
		return err
	}
	p.closed = true
	err = fmt.Errorf("after %v: %w", suspects, err)
	if p.pool.grantedBits() {
		suspects &^= askConfigure
	}
	if suspects == 0 {
		return err
	}
	if news := p.pool.closedOver(suspects, now); news != 0 {
		text := "the pool closes the connection over a request that it need not know: links leave it out until a probe finds that the pool bears it"
		if news.has(askConfigure) {
			text += "; miners cannot roll version bits there until then"
		}
		p.log.Log(context.Background(), p.level(slog.LevelWarn), text, "request", news, "probe_every", trialEvery)
	}
	return err
}

// hungUp reports that it was the other side that ended the connection.
func hungUp(err error) bool {
	for _, end := range []error{errHungUp, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// askAgain sees whether the pool bears by now what the lane's link had to leave
// out, and replaces a link whose miners have no version bits for it.
func (l *Lane) askAgain(ctx context.Context, now time.Time) {
	k := l.serving
	if k == nil {
		return
	}
	bitless := k.health.bitless && !k.health.rolling.Load()
	if k.health.leftOut&^untried == 0 && !bitless {
		return
	}
	if k.pool.trialDue(now) {
		l.goal.directory.run(func(ctx context.Context) { l.goal.probe(ctx, k.pool, true) })
		return
	}
	if bitless && k.pool.givesBits() && len(l.candidates) == 0 {
		if l.try(ctx, k.pool, now) {
			l.log.Log(ctx, l.level(slog.LevelInfo), "the pool grants version bits again: replacing its link", "pool", k.pool.Name)
		}
	}
}
