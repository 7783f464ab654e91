package upstream

import (
	"bytes"
	"context"
	"net"
	"sync"
	"time"
)

// oneLoop is a Carrier with a loop for each link, for tests that have no event
// loops. As there, writing does not wait for the pool.
type oneLoop struct{}

// carrierTick is how often such a loop calls Tick.
const carrierTick = time.Second

func (oneLoop) Carry(ctx context.Context, conn net.Conn, c Carried) error {
	w := newTestWire(conn)
	defer w.close()
	received, ended, stop := make(chan []byte), make(chan error, 1), make(chan struct{})
	defer close(stop)
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := c.Opened(w); err != nil {
		return err
	}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			if err != nil {
				ended <- err
				return
			}
			select {
			case received <- b[:n:n]:
				b = make([]byte, 4096)
			case <-stop:
				return
			}
		}
	}()
	tick := time.NewTicker(carrierTick)
	defer tick.Stop()
	for {
		var err error
		select {
		case b := <-received:
			err = c.Received(time.Now(), b)
			clear(b) // what is kept of it was to be copied
		case <-w.wake:
			w.flush(c)
		case now := <-tick.C:
			err = c.Tick(now)
		case err = <-ended:
		}
		if err != nil {
			return err
		}
	}
}

// testWire has what is written sent by a goroutine, as the kernel does.
type testWire struct {
	conn net.Conn
	wake chan struct{}

	mu     sync.Mutex
	kept   [][]byte
	closed bool
	more   sync.Cond
}

func newTestWire(conn net.Conn) *testWire {
	w := &testWire{conn: conn, wake: make(chan struct{}, 1)}
	w.more.L = &w.mu
	go w.send()
	return w
}

func (w *testWire) send() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.kept) == 0 {
			if w.closed {
				return
			}
			w.more.Wait()
		}
		b := w.kept[0]
		w.kept = w.kept[1:]
		w.mu.Unlock()
		w.conn.Write(b) // its end is for the reader to see
		w.mu.Lock()
	}
}

func (w *testWire) close() {
	w.conn.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.more.Signal()
}

func (w *testWire) flush(c Carried) {
	for b := c.Pending(time.Now(), nil); len(b) > 0; b = c.Pending(time.Now(), nil) {
		w.mu.Lock()
		w.kept = append(w.kept, b)
		w.more.Signal()
		w.mu.Unlock()
	}
}

func (w *testWire) Wake() { poke(w.wake) }

func (w *testWire) Unsent() ([]byte, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Join(w.kept, nil), !w.closed
}
