package upstream

import (
	"context"
	"net"
	"time"
)

// oneLoop is a Carrier with one goroutine for each link, for tests that have no
// event loops. Its Wire never fills up.
type oneLoop struct{}

func (oneLoop) Carry(ctx context.Context, conn *net.TCPConn, c Carried) error {
	w := testWire{conn: conn, wake: make(chan struct{}, 1)}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := c.Opened(w); err != nil {
		return err
	}
	received := make(chan []byte)
	ended := make(chan error, 1)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			b := make([]byte, 4096)
			n, err := conn.Read(b)
			if err != nil {
				ended <- err
				return
			}
			select {
			case received <- b[:n]:
			case <-stop:
				return
			}
		}
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var err error
		select {
		case b := <-received:
			err = c.Received(b)
			clear(b) // what is kept of it was to be copied
		case <-w.wake:
			c.Flush()
		case now := <-tick.C:
			err = c.Overdue(now)
		case err = <-ended:
		}
		if err != nil {
			return err
		}
	}
}

type testWire struct {
	conn net.Conn
	wake chan struct{}
}

func (w testWire) Write(b []byte) (int, error) { return w.conn.Write(b) }
func (w testWire) Full() bool                  { return false }
func (w testWire) Wake()                       { poke(w.wake) }
