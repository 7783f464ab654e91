package scenario

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"farmproxy/bench/wait"
)

// knockEvery is the pause between newcomers.
const knockEvery = 5 * time.Millisecond

// So many miners reset their connections during an upgrade, with this pause between: some
// of them while nothing is read, since that takes tens of milliseconds.
const (
	leavers    = 200
	leaveEvery = time.Millisecond
)

// knock lets one miner after another connect and subscribe, until the function that it
// returns is called, which tells how many did, and what went wrong last.
func (t *trial) knock(ctx context.Context) func() (tried int, failed error) {
	ctx, cancel := context.WithCancel(ctx)
	var served atomic.Int64
	ended := make(chan error, 1)
	go func() {
		var last error
		for wait.For(ctx, knockEvery) == nil {
			if err := subscribe(t.stand.Addr, pauseTime+t.o.Patience); err != nil {
				last = err
				continue
			}
			served.Add(1)
		}
		ended <- last
	}()
	return func() (int, error) {
		cancel()
		err := <-ended
		return int(served.Load()), err
	}
}

// leavers connects as many miners as will be gone, and has one after another reset its
// connection, until the function that it returns is called or all are gone.
func (t *trial) leavers(ctx context.Context) (reset func() error, err error) {
	var all []*net.TCPConn
	closeAll := func() {
		for _, conn := range all {
			conn.Close()
		}
	}
	for range leavers {
		conn, err := subscribed(t.stand.Addr, t.o.Patience)
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("miners who will leave: %w", err)
		}
		all = append(all, conn)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		defer closeAll()
		for _, conn := range all {
			if wait.For(ctx, leaveEvery) != nil {
				break
			}
			if err := errors.Join(conn.SetLinger(0), conn.Close()); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	return func() error {
		cancel()
		return <-ended
	}, nil
}

// subscribe connects, and waits for the answer to mining.subscribe.
func subscribe(addr string, patience time.Duration) error {
	conn, err := subscribed(addr, patience)
	if err == nil {
		err = conn.Close()
	}
	return err
}

// subscribed connects, and returns when there is an answer to mining.subscribe.
func subscribed(addr string, patience time.Duration) (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	if err := hears(conn, patience); err != nil {
		conn.Close()
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// hears subscribes on a connection, and waits for the answer.
func hears(conn net.Conn, patience time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, `{"id":1,"method":"mining.subscribe","params":["newcomer"]}`+"\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.Contains(line, "mining.notify") {
		err = fmt.Errorf("the answer to mining.subscribe is %q", line)
	}
	return err
}
