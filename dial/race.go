package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"
)

// A name may have many addresses of both families, and some of them may be dead.
// Connections are raced as in RFC 8305 (Happy Eyeballs):
//
//	AAAA ─┐              ┌─ 2001:db8::1 ──────────── ...
//	      ├─> in order ──┼───250 ms── 192.0.2.1 ──── connected: the others are ended
//	A ────┘              └───────────250 ms── 2001:db8::2
//
// Only TCP connections are raced. Whether an address is any use after that (it may
// accept connections and say nothing) is for the user to find out and report with Rate:
// the next attempt begins with the next address.

const (
	// resolutionDelay is how long IPv4 addresses wait for those of IPv6, and
	// attemptDelay how long one attempt runs before the next begins beside it (RFC
	// 8305, 8).
	resolutionDelay = 50 * time.Millisecond
	attemptDelay    = 250 * time.Millisecond

	// maxRacing bounds the attempts at a time: each takes a descriptor.
	maxRacing = Files

	// attemptTime is how long an attempt may keep another address waiting once there
	// are maxRacing: time for two SYNs, and a second for the answer.
	attemptTime = 2500 * time.Millisecond

	// maxAddresses bounds the addresses tried in one dial. A name can have hundreds;
	// those not reached come first next time.
	maxAddresses = 8
)

// found is the result of looking up one family.
type found struct {
	addrs []netip.Addr
	six   bool
	err   error
}

// tried is the result of an attempt at one address.
type tried struct {
	*attempting
	conn net.Conn
	err  error
}

// attempting is an attempt under way.
type attempting struct {
	addr   netip.Addr
	began  time.Time
	cancel context.CancelFunc
}

// racing is the state of one dial.
type racing struct {
	sockets *sockets
	host    string
	port    uint16

	six, four []netip.Addr
	lookups   int  // not ended yet
	ready     bool // addresses may be tried
	begun     map[netip.Addr]bool
	under     []*attempting // oldest first
	ended     chan tried
	errs      []error
}

// race connects to the first address of a name that accepts. By the time it returns,
// nothing else is under way.
func (s *sockets) race(ctx context.Context, host string, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &racing{sockets: s, host: host, port: port, lookups: 2, begun: make(map[netip.Addr]bool), ended: make(chan tried)}
	defer r.end()
	defer cancel()
	answers := make(chan found, r.lookups)
	for _, network := range []string{"ip6", "ip4"} {
		go func() {
			addrs, err := s.lookup(ctx, network, host)
			answers <- found{addrs, network == "ip6", err}
		}()
	}
	timer := time.NewTimer(Timeout) // until there is something to wait for
	defer timer.Stop()
	for {
		select {
		case f := <-answers:
			if r.resolved(f); !r.ready && len(f.addrs) > 0 {
				timer.Reset(resolutionDelay)
			}
		case t := <-r.ended:
			r.under = slices.DeleteFunc(r.under, func(a *attempting) bool { return a == t.attempting })
			t.cancel()
			if t.err == nil {
				return &Conn{t.conn, func(worked bool) { s.addresses.rate(host, t.addr, worked) }}, nil
			}
			r.errs = append(r.errs, at(t.addr, t.err))
			s.addresses.failed(host, t.addr, time.Now())
		case <-timer.C:
			r.ready = r.ready || r.lookups < 2
		case <-ctx.Done():
			return nil, r.failure(ctx.Err())
		}
		if r.ready {
			if r.next(ctx, timer); len(r.under) == 0 && r.lookups == 0 {
				return nil, r.failure(nil)
			}
		}
	}
}

// resolved takes the result of a lookup.
func (r *racing) resolved(f found) {
	r.lookups--
	if f.err != nil {
		r.errs = append(r.errs, Bare(&net.OpError{Op: "dial", Net: "tcp", Err: f.err}))
	} else if f.six {
		r.six = f.addrs
	} else {
		r.four = f.addrs
	}
	r.ready = r.ready || r.lookups == 0 || f.six && len(f.addrs) > 0
}

// next begins the next attempt if it is due, and sets the timer for the one after it.
func (r *racing) next(ctx context.Context, timer *time.Timer) {
	addr, ok := r.candidate()
	if !ok {
		return
	}
	if n := len(r.under); n > 0 {
		wait := time.Until(r.under[n-1].began.Add(attemptDelay))
		if n == maxRacing {
			wait = time.Until(r.under[0].began.Add(attemptTime))
		}
		if wait > 0 {
			timer.Reset(wait)
			return
		}
		if n == maxRacing {
			r.under[0].cancel() // its end makes room
			return
		}
	}
	a := &attempting{addr: addr, began: time.Now()}
	ctx, a.cancel = context.WithCancel(ctx)
	r.begun[addr] = true
	r.under = append(r.under, a)
	go func() {
		conn, err := r.sockets.connect(ctx, netip.AddrPortFrom(addr, r.port))
		r.ended <- tried{a, conn, err}
	}()
	timer.Reset(attemptDelay)
}

// candidate returns the next address to try.
func (r *racing) candidate() (netip.Addr, bool) {
	if len(r.begun) >= maxAddresses {
		return netip.Addr{}, false
	}
	for _, a := range r.sockets.addresses.order(r.host, r.six, r.four, time.Now()) {
		if !r.begun[a] {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// end waits for the attempts under way, and closes their connections. An address that
// had its time, and lost, has failed.
func (r *racing) end() {
	for range r.under {
		t := <-r.ended
		t.cancel()
		if t.err == nil {
			t.conn.Close()
		} else if time.Since(t.began) >= attemptDelay {
			r.sockets.addresses.failed(r.host, t.addr, time.Now())
		}
	}
}

// failure returns why there is no connection.
func (r *racing) failure(err error) error {
	if len(r.under) > 0 || len(r.errs) == 0 {
		switch {
		case err == nil:
			err = errors.New("the name has no address")
		case errors.Is(err, context.DeadlineExceeded):
			err = os.ErrDeadlineExceeded // tells people more
		}
		r.errs = append(r.errs, Bare(&net.OpError{Op: "dial", Net: "tcp", Err: err}))
	}
	if len(r.begun) > 0 { // errors about a family that the name does not have are of no interest
		r.errs = slices.DeleteFunc(r.errs, func(err error) bool {
			var missing *net.DNSError
			var other *net.AddrError // of a name in /etc/hosts
			return errors.As(err, &missing) && missing.IsNotFound || errors.As(err, &other)
		})
	}
	all := r.errs[0]
	for _, err := range r.errs[1:] {
		if err.Error() != all.Error() {
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}
