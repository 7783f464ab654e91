package upstream

import (
	"context"
	"net"
	"sync"
	"time"

	"farmproxy/transport"
)

// Relay is the connection of a link that can't be handed over, because nobody else can
// have the keys of its TLS. The next process has another link, but late shares and the
// verdicts on those in flight still go over this one. So the process that was handed over
// stays for it, and carries bytes:
//
//	next process <── plain ──> Relay <── TLS ──> pool
//
// To the next process it is a link like any other that drains: it ends it after a while.
type Relay struct {
	Wire // of the loop that carried the link, and stands still

	stack  *transport.Stack
	unsent []byte // encrypted already

	mu   sync.Mutex // held from the encryption of something until it is written
	pool net.Conn
	next net.Conn
}

// relayBuffer is the size of one read: each relay has two.
const relayBuffer = 4 << 10

// newRelay makes the relay of a link that stays behind; nil: it has ended. Its loop must
// be frozen.
func newRelay(k *link, w Wire) *Relay {
	unsent, open := w.Unsent()
	if !open {
		return nil
	}
	return &Relay{Wire: w, stack: k.stack.Load(), unsent: append([]byte(nil), unsent...)}
}

// Run carries bytes until either side closes, or ctx ends, and closes both connections.
// pool is the link's own, which no loop may touch any more. It blocks.
func (r *Relay) Run(ctx context.Context, pool, next net.Conn) {
	r.pool, r.next = pool, next
	defer context.AfterFunc(ctx, r.close)()
	var both sync.WaitGroup
	both.Go(func() {
		defer r.close()
		if r.write(nil) == nil {
			carryFrom(next, r.write)
		}
	})
	both.Go(func() {
		defer r.close()
		carryFrom(pool, r.receive)
	})
	both.Wait()
}

func (r *Relay) close() {
	r.pool.Close()
	r.next.Close()
}

// carryFrom gives take what conn says, until either fails.
func carryFrom(conn net.Conn, take func([]byte) error) {
	var err error
	for buf := make([]byte, relayBuffer); err == nil; {
		var n int
		if n, err = conn.Read(buf); n > 0 {
			err = take(buf[:n])
		}
	}
}

// receive takes what the pool says.
func (r *Relay) receive(data []byte) error {
	var plain []byte
	r.mu.Lock()
	err := r.stack.Received(data, func(b []byte) error {
		plain = append(plain, b...)
		return nil
	})
	answers := r.stack.Waiting() > 0
	r.mu.Unlock()
	if answers && err == nil {
		err = r.write(nil)
	}
	if len(plain) > 0 {
		r.next.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, e := r.next.Write(plain); err == nil {
			err = e
		}
	}
	return err
}

// write writes to the pool what still waits, and then plain.
func (r *Relay) write(plain []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, err := r.stack.Append(r.unsent, plain)
	r.unsent = nil
	if err == nil && len(out) > 0 {
		r.pool.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err = r.pool.Write(out)
	}
	return err
}
