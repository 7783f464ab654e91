package handover

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// prepareTime is how long the new process may take until it could serve: it reads
	// its configuration, opens the database, and dials the links that can't be handed
	// over. Meanwhile the old one serves.
	prepareTime = 60 * time.Second

	// frozenTime is how long everything may stand still before the old process goes on:
	// no miner closes its connection over so short a silence.
	frozenTime = 5 * time.Second

	// servingTime is how long the new process may take from "yours" to "serving":
	// milliseconds, usually.
	servingTime = 5 * time.Second
)

// Report says what a hand-over took.
type Report struct {
	Version  string        // of the new process
	PID      int           // of the new process
	Prepared time.Duration // until the new process could serve
	Frozen   time.Duration // how long nothing was read or written
}

// Give hands this process over to its child. It returns nil when the child serves: the
// caller must then leave without touching a socket. After an error the child is gone
// and everything goes on as before; the error says why. version is this process's.
func Give(ctx context.Context, child *Child, version string, g Giver) (Report, error) {
	x := giving{child: child, channel: child.channel, giver: g, version: version}
	defer x.channel.conn.Close()
	begun := time.Now()
	if err := x.within(ctx, prepareTime, "it did not get ready", x.prepare); err != nil {
		return x.report, x.giveUp(err)
	}
	frozen := time.Now()
	x.report.Prepared = frozen.Sub(begun)
	err := x.within(ctx, frozenTime, "it did not take everything", x.freeze)
	if err == nil {
		// From here on ctx does not count: the child may be serving already.
		err = x.within(context.WithoutCancel(ctx), servingTime, "it did not begin to serve", x.switchOver)
	}
	if err != nil {
		err = x.giveUp(err) // first the child ends, so that only one process has the sockets
		g.Thaw()
		return x.report, err
	}
	x.report.Frozen = time.Since(frozen)
	return x.report, nil
}

// giving is a hand-over on the side of the old process.
type giving struct {
	child   *Child
	channel *channel
	giver   Giver
	version string
	to      Sender
	report  Report
}

// within runs a part of the hand-over; if it takes too long, the error says that the
// new process is late.
func (x *giving) within(ctx context.Context, limit time.Duration, late string, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer x.channel.until(bounded)()
	err := do(bounded)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return fmt.Errorf("the hand-over was called off: %w", context.Cause(ctx))
	case bounded.Err() != nil:
		return fmt.Errorf("%s within %v: %w", late, limit, err)
	}
	return err
}

// giveUp ends the child, and adds to err how it ended.
func (x *giving) giveUp(err error) error {
	_ = x.channel.say(message{Step: failed, Why: err.Error()}) // it is killed anyway; this is for its log
	return x.child.end(err)
}

// expect waits for the child's next step.
func (x *giving) expect(want step) (message, error) {
	m, r, err := x.channel.receive()
	r.Discard()
	switch {
	case err != nil:
		return m, err
	case m.Step == failed:
		return m, fmt.Errorf("the new process says: %s", m.Why)
	case m.Step != want:
		return m, fmt.Errorf("the new process said %q, expected %q", m.Step, want)
	}
	return m, nil
}

func (x *giving) prepare(context.Context) error {
	m, err := x.expect(hello)
	if err != nil {
		return err
	}
	x.report.Version, x.report.PID = m.Version, m.PID
	format, ok := agree(m.Format, m.Oldest)
	if !ok {
		return fmt.Errorf("farmproxy %s understands the formats %d to %d of a hand-over, and this one (%s) writes %d to %d: restart it, or let its miners go with farmproxy lame-duck first",
			m.Version, m.Oldest, m.Format, x.version, Oldest, Format)
	}
	x.to = Sender{channel: x.channel, format: format}
	return x.records(func(to *Sender) error {
		if err := x.channel.say(message{Step: offer, Format: format, Version: x.version}); err != nil {
			return err
		}
		return x.giver.Ahead(to)
	}, prepared)
}

// records sends records, and waits for the answer to all of them.
func (x *giving) records(send func(*Sender) error, answer step) error {
	err := send(&x.to)
	if err == nil {
		err = x.channel.say(message{Step: sent})
	}
	if err != nil && !errors.Is(err, errGone) {
		return err
	}
	_, answered := x.expect(answer) // if it is gone, it may have said why
	return answered
}

func (x *giving) freeze(ctx context.Context) error {
	if err := x.giver.Freeze(ctx); err != nil {
		return err
	}
	return x.records(x.giver.State, complete)
}

func (x *giving) switchOver(context.Context) error {
	if err := x.channel.say(message{Step: yours}); err != nil {
		return err
	}
	_, err := x.expect(serving)
	return err
}

// agree returns the format that two processes use: the newest that both know.
func agree(newest, oldest int) (format int, ok bool) {
	format = min(newest, Format)
	return format, format >= max(oldest, Oldest)
}
