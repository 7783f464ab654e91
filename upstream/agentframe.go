package upstream

import (
	"errors"
	"maps"
	"slices"
	"time"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/work"
)

// What an agent pool sends between lines.

// frameTimeout bounds the wait for the rest of a frame: a pool writes each in
// one piece, and a lost packet has been sent again several times by then. One
// that stops inside a frame is gone, or has miscounted, and then all that
// follows would be read wrong.
const frameTimeout = 10 * time.Second

var (
	errHalfFrame = errors.New("the pool sent half a frame, but not the rest in time")
	errFrame     = errors.New("a frame whose length does not match its command")
	errNotSent   = errors.New("a verdict on a share that was never sent, or that already has one")
)

// step takes lines, and the frames between them.
func (a *agentDialect) step() error {
	for !a.paused {
		for !a.stream.inLine() && len(a.stream.pending) > 0 && codec.Padding(a.stream.pending[0]) {
			a.stream.skip(1)
		}
		next := a.nextLine
		switch pending := a.stream.pending; {
		case len(pending) == 0:
			return nil
		case !a.stream.inLine() && pending[0] == agent.Magic:
			next = a.nextFrame
		}
		if ok, err := next(); !ok || err != nil {
			return err
		}
	}
	return nil
}

// nextFrame takes the frame that the stream is at, if it is whole.
func (a *agentDialect) nextFrame() (ok bool, err error) {
	f, n, err := agent.NextFrame(a.stream.pending)
	if err != nil {
		a.book.Malformed.Add(1)
		return false, err
	}
	if n == 0 {
		if a.wholeBy.IsZero() {
			a.wholeBy = a.now.Add(frameTimeout)
			if !a.deadline.IsZero() && a.deadline.Before(a.wholeBy) {
				a.wholeBy = a.deadline
			}
		}
		return false, nil
	}
	a.stream.skip(n)
	a.book.BytesDown.Add(uint64(n))
	a.wholeBy = time.Time{}
	a.link.tap().Add(a.now, false, f)
	return true, a.frame(f)
}

// frame handles a frame. Those that are not what they should be are counted and
// passed over: their ends are known all the same. Too many in a row are too
// much, but for commands that we do not know, which a pool newer than we may have,
// and for sessions that we do not know, which do no harm.
func (a *agentDialect) frame(f agent.Frame) error {
	switch f.Command() {
	case agent.SetDifficulty:
		exponent, sids, ok := f.SetDifficulty(a.scratch[:0])
		a.scratch = sids
		if !ok {
			return a.garbled(errFrame)
		}
		if !a.setOwn(exponent, sids) {
			a.book.Malformed.Add(1)
			return nil
		}
	case agent.SubmitResponse:
		index, status, ok := f.SubmitResponse()
		if !ok {
			return a.garbled(errFrame)
		}
		if !a.answered(index, status) {
			return a.garbled(errNotSent)
		}
	default:
		a.book.Malformed.Add(1)
		return nil
	}
	a.lines.malformed = 0
	return nil
}

// setOwn sets the difficulty of workers for the jobs that follow; false when one
// was never registered on this connection. Those that are not registered any
// more are passed over without a word: the pool can't know yet that they left.
func (a *agentDialect) setOwn(exponent uint8, sids []uint16) (ok bool) {
	a.forget()
	ok = !slices.ContainsFunc(sids, func(s uint16) bool { return !a.known.has(s) })
	sids = slices.DeleteFunc(sids, func(s uint16) bool { return a.registered[s] == nil })
	a.own = a.own.With(exponent, sids)
	return ok
}

// forget takes from own what unregistered workers had.
func (a *agentDialect) forget() {
	if len(a.dropped) > 0 {
		a.own = a.own.Without(slices.Collect(maps.Keys(a.dropped)))
		clear(a.dropped)
	}
}

// answered gives the share that is number index on the connection its verdict;
// false when there is no such share without one. The window of ids is shorter
// than an index, so that there is one id at most.
func (a *agentDialect) answered(index uint16, status agent.Status) bool {
	wasFull := a.flight.room() <= 0
	low := a.flight.low
	s, ok := a.flight.answer(low + uint64(index-uint16(low)))
	if !ok {
		return false
	}
	v := verdictOfStatus(status)
	own := a.health.note(&s.share, v)
	a.stirred = a.landed(&s) || wasFull || a.stirred
	a.settled(&s, v, codec.PoolError{Code: status.Code(), Text: status.Text()}, own)
	return true
}

// verdictOfStatus reads a pool's answer to a share.
func verdictOfStatus(s agent.Status) work.Verdict {
	if s.Accepted() {
		return work.Accepted
	}
	switch s {
	case agent.StaleOrUnknownJob, agent.Stale:
		return work.Stale
	case agent.UnknownJob:
		return work.UnknownJob
	case agent.Duplicate:
		return work.Duplicate
	case agent.LowDifficulty:
		return work.LowDifficulty
	case agent.Unauthorized, agent.InvalidUser:
		return work.Unauthorized
	case agent.TimeTooOld, agent.TimeTooNew:
		return work.BadTime
	case agent.IllegalVersion:
		return work.BadVersion
	}
	return work.PoolRejected
}
