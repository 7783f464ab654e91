package upstream

import (
	"errors"
	"fmt"
	"time"

	"farmproxy/codec"
)

const (
	// stepTimeout bounds each step of the handshake, and the wait for the first
	// job. Pools that look an account up in a database take seconds.
	stepTimeout = 15 * time.Second

	// configureTimeout bounds the wait for version rolling: old pools do not
	// answer mining.configure at all.
	configureTimeout = 5 * time.Second

	// maxMalformed is how many lines, or frames, in a row may be malformed.
	maxMalformed = 10

	// maxSaid bounds the messages that wait to be written, which are answers to what
	// a pool asks: one that asks that often and does not read gets no more. A read
	// has fewer questions.
	maxSaid = 256
)

// protocol is one side of what a link and its pool say to each other, as a state
// machine: bytes and the time go in, bytes come out, and the link is told of jobs and
// verdicts (offer, settle). It does not wait, has no clock, no socket and no lock.
//
//	Begin ──> Pending ──> Step, Tick ... ──> paused: there is a job
//	            goOn ──> Step, Tick, Pending ... ──> end
//
// One driver at a time calls it: see link.
//
// How it is said is the dialect's; what is the same in all of them is here: the order
// of things, messages and jobs (messages.go, jobs.go), the shares that are on their way
// (shares.go), requests that a pool need not know (optional.go), its difficulty
// (difficulty.go).
type protocol struct {
	*assignment
	link    *link
	health  *health
	dialect dialect

	now      time.Time // of the call that is under way
	phase    phase
	deadline time.Time // of what is waited for; zero: none
	wholeBy  time.Time // when a frame that has begun has to be whole; zero: none has
	waits    bool      // the first job is there, its difficulty is not
	paused   bool      // nothing more is read until goOn
	stirred  bool      // there may be something to be written
	said     [][]byte  // messages to be written, each by itself
	unsent   []byte    // to be written first: the process before this one could not any more

	stream stream
	lines  lines
	asking
	pricing
	messages
	jobState
	shares
}

// phase is how far a link has come.
type phase uint8

const (
	shaking   phase = iota // hands: the dialect's matter
	awaiting               // the first job
	outliving              // of a trial: does the pool bear what it was asked?
	working
)

func newProtocol(k *link) *protocol {
	p := &protocol{assignment: k.assignment, link: k, health: &k.health}
	p.lines.decoder = codec.NewDecoder()
	p.difficulty = 1 // what holds until the pool says otherwise
	p.visible = ^uint32(0)
	p.dialect = dialects[p.pool.Dialect].speak(p)
	return p
}

// Begin begins the handshake.
func (p *protocol) Begin(now time.Time) error {
	p.now = now
	return p.dialect.begin()
}

// Step takes what the pool sent; data is the caller's again afterwards. An error ends
// the link.
func (p *protocol) Step(now time.Time, data []byte) error {
	p.now = now
	p.stream.feed(data)
	err := p.dialect.step()
	p.stream.keep()
	p.deliver()
	return err
}

// Tick does what is due by time. It is to be called when it is due, and every second
// or so.
func (p *protocol) Tick(now time.Time) error {
	p.now = now
	if passed(p.wholeBy, now) {
		p.book.Malformed.Add(1)
		return errHalfFrame
	}
	if passed(p.deadline, now) {
		if err := p.late(); err != nil {
			return err
		}
	}
	if p.up() {
		p.expire()
	}
	return nil
}

// Pending appends what is to be written next; nothing: there is no more for now. That
// it is called again says that what it appended before was written.
func (p *protocol) Pending(now time.Time, dst []byte) []byte {
	p.now = now
	p.dialect.sent()
	if len(p.unsent) > 0 {
		dst, p.unsent = append(dst, p.unsent...), nil
		return dst // and was counted
	}
	before := len(dst)
	if len(p.said) > 0 {
		dst = append(dst, p.said[0]...)
		if p.said = p.said[1:]; len(p.said) == 0 {
			p.said = nil
		}
	} else if p.link.active.Load() {
		dst = p.batches(dst)
	}
	p.book.BytesUp.Add(uint64(len(dst) - before))
	if len(dst) > before {
		p.link.tap().Add(now, true, dst[before:])
	}
	return dst
}

func passed(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// due returns by when Tick is to be called, if nothing comes; zero: whenever.
func (p *protocol) due() time.Time {
	if !p.wholeBy.IsZero() {
		return p.wholeBy // which is never later
	}
	return p.deadline
}

// up reports that the link is up, or was.
func (p *protocol) up() bool { return p.phase == working }

// say has a message written, unless too many wait.
func (p *protocol) say(message []byte) {
	if len(p.said) < maxSaid {
		p.said = append(p.said, message)
		p.stirred = true
	}
}

// wait sets until when what comes next is waited for.
func (p *protocol) wait(d time.Duration) { p.deadline = p.now.Add(d) }

// late is called when what is waited for has not come in time.
func (p *protocol) late() error {
	switch p.phase {
	case shaking:
		return p.dialect.late()
	case awaiting:
		if !p.waits {
			return fmt.Errorf("no mining.notify within %v of mining.authorize", stepTimeout)
		}
		if err := p.assume(); err != nil {
			return err
		}
	case outliving:
		p.pool.bears(p.suspects)
		p.suspects = 0
	}
	p.advance()
	return nil
}

// shaken is called when the pool has authorized the user.
func (p *protocol) shaken() {
	if p.proof {
		p.paused = true
		return
	}
	p.phase = awaiting
	p.wait(stepTimeout)
	p.advance()
}

// advance looks whether what is waited for is there by now.
func (p *protocol) advance() {
	if p.phase == awaiting {
		if p.job == nil {
			if p.unpriced != nil && !p.waits {
				p.waits = true
				p.wait(difficultyTimeout)
			}
			return
		}
		p.phase = outliving
		p.deadline = p.made.Add(suspectTime)
	}
	if p.phase == outliving && (!p.trial || p.suspects == 0) {
		p.announce()
	}
}

// announce notes that the link is up: it has a job. Its driver tells the lane.
func (p *protocol) announce() {
	p.phase, p.paused = working, true
	p.deadline = time.Time{} // silence is the supervisor's to see
	p.pool.tried()
	p.pool.succeed(p.now)
	p.maskSaid = true
	if e := p.link.epoch.Load(); e != nil {
		p.learn(e.size)
	}
	p.health.leftOut = p.skipped
	p.health.bitless = p.unheard || p.skipped.has(askConfigure)
}

// goOn ends the pause that the first job makes.
func (p *protocol) goOn() { p.paused = false }

// take takes a line.
func (p *protocol) take(line []byte) error {
	p.book.BytesDown.Add(uint64(len(line)) + 1)
	p.link.tap().Add(p.now, false, line)
	m, err := p.lines.decode(line)
	switch {
	case err != nil:
		return p.garbled(err)
	case m == nil:
		return nil
	case m.Method != nil:
		err = p.notification(m)
	default:
		err = p.dialect.reply(m)
	}
	if err == nil {
		p.advance()
	}
	return err
}

// nextLine takes the stream's next line, if it is whole.
func (p *protocol) nextLine() (ok bool, err error) {
	line, tooLong, ok := p.stream.line()
	switch {
	case !ok && p.stream.endless():
		return false, errEndless
	case !ok:
		return false, nil
	case tooLong > 0:
		p.passOver(tooLong)
		return true, nil
	}
	return true, p.take(line)
}

// passOver counts a line that is too long. The pool may send one with each job,
// and the others are good: so it is said, now and then, and does no harm.
func (p *protocol) passOver(length int) {
	p.book.BytesDown.Add(uint64(length) + 1)
	p.book.Malformed.Add(1)
	if p.now.Sub(p.lines.longSaid) >= messagePause {
		p.lines.longSaid = p.now
		p.log.Warn("the pool sent a line that is too long; it was skipped; if no job arrives, use another port of the pool, or another pool", "bytes", length, "limit", codec.MaxPoolLine)
	}
}

var errEndless = fmt.Errorf("a line of more than %d MB without an end", maxPassed>>20)

// garbled counts a malformed line, message or frame; an error when it is enough. One
// that is no Stratum at all is enough by itself before the first job, when the port is of
// another kind, and among frames, whose begin nobody would find again.
func (p *protocol) garbled(err error) error {
	p.book.Malformed.Add(1)
	var e *codec.Error
	if errors.As(err, &e) && e.Fatal() && (p.job == nil || dialects[p.pool.Dialect].framed) {
		return fmt.Errorf("%w: does the url match the pool's port?", err)
	}
	if p.lines.malformed++; p.lines.malformed > maxMalformed {
		return errMalformed
	}
	if p.mayLog(malformed) {
		p.log.Warn("the pool sent something malformed", "problem", err)
	}
	return nil
}

// lines reads lines of JSON. Dialects that have such lines share it.
type lines struct {
	decoder   *codec.Decoder
	message   codec.Message
	malformed int       // in a row, lines and frames
	longSaid  time.Time // when it was last said that a line is too long
}

// decode reads a line; nil: it is empty. The message is valid until the next call,
// and as long as the line is.
func (l *lines) decode(line []byte) (*codec.Message, error) {
	if line = codec.Trim(line); len(line) == 0 {
		return nil, nil
	}
	if err := l.decoder.Decode(line, &l.message); err != nil {
		return nil, err
	}
	l.malformed = 0
	return &l.message, nil
}
