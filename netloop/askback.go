package netloop

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/codec"
)

const (
	// askBackEach is how many connections are asked to come back at a time, on each loop,
	// and askBackEvery how long the next ones wait: with two loops 10,000 handshakes take
	// twelve seconds, which leaves half of a processor for the others.
	askBackEach  = 40
	askBackEvery = 100 * time.Millisecond
)

// AskBack tells the miners that could not be handed over, because their connections are
// encrypted, to connect again, a few at a time, and ends their connections. The server
// must stand still, and another process must serve. Miners that come back there find
// their sessions.
func (s *Server) AskBack(ctx context.Context) error {
	at := make([]int, len(*s.loops.Load()))
	tick := time.NewTicker(askBackEvery)
	defer tick.Stop()
	for {
		err := s.together(ctx, func(l *loop) { at[l.index] = l.askBack(at[l.index]) })
		if err != nil {
			return err
		}
		left := false
		for i, l := range *s.loops.Load() {
			left = left || at[i] < len(l.slots)
		}
		if !left {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// askBack asks the next of the loop's encrypted miners, and returns where to go on. It
// closes nothing: what a closed miner would change here is the other process's.
func (l *loop) askBack(at int) int {
	for asked := 0; at < len(l.slots) && asked < askBackEach; at++ {
		p := l.slots[at].peer
		if p == nil || p.transport() == nil {
			continue
		}
		asked++
		if p.session.IsSubscribed() { // then its handshake is over
			if out, err := p.transport().Append(nil, codec.AppendReconnect(nil)); err == nil {
				_, _ = p.send(out) // the end of the connection says the same
			}
		}
		_ = unix.Shutdown(int(p.fd), unix.SHUT_WR)
	}
	return at
}
