package upstream

import (
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

const (
	// maxBatch bounds how many shares go into one write: at 170 bytes each
	// (Stratum; an agent's have 15 to 23) that is 43 kB, less than a socket's
	// send buffer.
	maxBatch = 256

	// singleBatch is that where a link has one miner: a batch is kept for each.
	singleBatch = 4

	// answerTimeout is how long a share may be unanswered before it is given up,
	// or, where later ones are not answered either, the link is taken for dead: the
	// longest verdict seen from a live pool took 10 s.
	answerTimeout = 30 * time.Second
)

// noAnswer is what a miner is told of a share that the pool leaves unanswered,
// though it answers others.
const noAnswer = "The pool did not answer"

// shares are those that are between the lane's queue and their verdict.
type shares struct {
	again    []Share // to be sent before what the epoch has: they were held, or are sent once more
	batch    []Share // room for those that are being written
	flight   inflight
	verdicts []Verdict // not delivered yet
}

// batches appends shares until something is appended, or there are no more.
func (p *protocol) batches(dst []byte) []byte {
	for before := len(dst); ; {
		var more bool
		if dst, more = p.nextBatch(dst); !more || len(dst) > before {
			return dst
		}
	}
}

// nextBatch appends up to a batch of shares, and reports whether there are more.
// Where too many are in flight, or held, it takes none: the answer that makes
// room stirs the link.
func (p *protocol) nextBatch(dst []byte) (out []byte, more bool) {
	if p.batch == nil {
		size := maxBatch
		if p.lane.single() {
			size = singleBatch
		}
		p.batch = make([]Share, 0, size)
	}
	e := p.link.epoch.Load()
	var unsent []Share
	var resubmitted, submitted uint64

	out, room := p.dialect.precede(dst)
	room = max(0, min(cap(p.batch), p.flight.room(), room)) // a share may have taken two ids
	n := copy(p.batch[:room], p.again)
	if p.again = p.again[n:]; len(p.again) == 0 {
		p.again = nil
	}
	batch, rest := e.take(p.batch[:n], room-n)
	rest += len(p.again)
	for i := range batch {
		s := &batch[i]
		f := lost // it was held while the extranonce changed
		if s.Job.Epoch == e.id {
			out, f = p.dialect.share(out, s)
		}
		switch f {
		case inFlight:
			submitted++
			if s.resubmitted {
				resubmitted++
			}
		case lost:
			unsent = append(unsent, *s)
		}
	}
	out, more = p.dialect.follow(out, rest == 0)

	p.book.InFlight.Add(int64(submitted))
	p.book.Submitted.Add(submitted)
	p.book.Resubmitted.Add(resubmitted)
	p.lane.lose(unsent)
	return out, more || rest > 0 && len(batch) > 0
}

// sendAgain has a share written once more that was not accepted.
func (p *protocol) sendAgain(s *Share) {
	p.again = append(p.again, *s)
	p.book.InFlight.Add(-1)
	p.stirred = true
}

// settled counts what became of a share. own says that the refusal is the miner's own
// doing. The verdict is delivered with others, before the driver waits for more.
func (p *protocol) settled(s *sent, v work.Verdict, e codec.PoolError, own bool) {
	p.book.InFlight.Add(-1)
	p.book.Verdict(v, s.share.Job.Algorithm.Work(s.share.Job.DifficultyFor(s.share.Prefix)), p.now.Sub(s.at))
	p.verdicts = append(p.verdicts, s.share.verdict(v, e.Code, e.Text))
	p.verdicts[len(p.verdicts)-1].Own = own
	if len(p.verdicts) == maxBatch {
		p.deliver()
	}
}

// deliver returns verdicts to the miners. Many at a time: each time may wake
// every event loop.
func (p *protocol) deliver() {
	if len(p.verdicts) > 0 {
		p.lane.settle(p.verdicts...)
		clear(p.verdicts)
		p.verdicts = p.verdicts[:0]
	}
}

// expire gives up what the pool leaves unanswered for too long. A share that it has
// passed over, since it has answered later ones, is that share's loss alone; otherwise
// the pool answers nothing any more.
func (p *protocol) expire() {
	if p.dialect.expire() {
		p.stirred = true
	}
	for {
		id, passed, ok := p.flight.overdue(p.now.Add(-answerTimeout))
		if !ok {
			break
		}
		if !passed {
			if !p.health.unanswered.Swap(true) {
				p.lane.rouse()
			}
			break
		}
		s, _ := p.flight.remove(id)
		p.dialect.landed(&s)
		p.stirred = true
		v := work.Overloaded
		p.settled(&s, v, codec.PoolError{Code: v.Code(), Text: noAnswer}, false)
	}
	p.deliver()
}

// leave returns the shares that the end leaves behind, those that were sent first and
// marked so.
func (p *protocol) leave() []Share {
	list := p.flight.drain(nil)
	for i := range list {
		list[i].resubmitted = true
	}
	list = append(list, p.again...)
	p.again = nil
	return p.dialect.leave(list)
}
