package handover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
)

// Take takes over from the process at the other end of conn, which must have come from
// Inherited. It returns nil when this process serves. After an error it must end, and
// touch none of the descriptors that it was given; the error says why. version is this
// process's.
func Take(ctx context.Context, conn *net.UnixConn, version string, t Taker) error {
	x := taking{channel: newChannel(conn), taker: t}
	defer conn.Close()
	defer x.channel.until(ctx)()
	err := x.take(ctx, version)
	if err != nil {
		_ = x.channel.say(message{Step: failed, Why: err.Error()}) // the other side may have said so first
		return fmt.Errorf("taking over from the running farmproxy: %w", err)
	}
	return nil
}

// taking is a hand-over on the side of the new process.
type taking struct {
	channel *channel
	taker   Taker
}

func (x *taking) take(ctx context.Context, version string) error {
	if err := x.channel.say(message{Step: hello, Format: Format, Oldest: Oldest, Version: version, PID: os.Getpid()}); err != nil {
		return err
	}
	m, err := x.records(offer)
	if err != nil {
		return err
	}
	if _, ok := agree(m.Format, m.Format); !ok {
		return fmt.Errorf("farmproxy %s offered the format %d, and this one (%s) understands %d to %d", m.Version, m.Format, version, Oldest, Format)
	}
	if _, err := x.records(sent); err != nil {
		return err
	}
	if err := x.taker.Prepare(ctx); err != nil {
		return err
	}
	if err := x.channel.say(message{Step: prepared}); err != nil {
		return err
	}
	if _, err := x.records(sent); err != nil {
		return err
	}
	if err := x.taker.Complete(ctx); err != nil {
		return err
	}
	if err := x.channel.say(message{Step: complete}); err != nil && !errors.Is(err, errGone) {
		return err
	}
	// The old process kills this one before it goes on. So if it is gone without a word
	// it has died, and everything that it had is here.
	if _, err := x.records(yours); err != nil && !errors.Is(err, errGone) {
		return err
	}
	if err := x.taker.Serve(); err != nil {
		return err
	}
	_ = x.channel.say(message{Step: serving}) // the old process may have died
	return nil
}

// records takes records until the old process says want.
func (x *taking) records(want step) (message, error) {
	for {
		m, r, err := x.channel.receive()
		switch {
		case err != nil:
			return m, err
		case m.Step == want:
			return m, nil
		case m.Step == failed:
			return m, fmt.Errorf("the running farmproxy says: %s", m.Why)
		case m.Step != "":
			return m, fmt.Errorf("the running farmproxy said %q, expected %q", m.Step, want)
		}
		if err := x.taker.Take(r); err != nil {
			return m, fmt.Errorf("section %q: %w", r.Section, err)
		}
	}
}

// Refuse tells the process at the other end of conn why this one can't take over. This
// one must end then.
func Refuse(conn *net.UnixConn, version string, why error) {
	defer conn.Close()
	c := newChannel(conn)
	_ = c.say(message{Step: hello, Format: Format, Oldest: Oldest, Version: version, PID: os.Getpid()})
	_ = c.say(message{Step: failed, Why: why.Error()}) // the log has it too
}
