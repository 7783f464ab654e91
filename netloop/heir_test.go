package netloop

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/descriptors"
	"farmproxy/upstream"
)

// record is one of a hand-over.
type record struct {
	section string
	data    []byte
	files   []int
}

// records collects what a server sends, as the other process gets it: with descriptors
// of its own.
func records(t *testing.T, from func(send func(section string, data []byte, files ...int) error) error) (all []record) {
	t.Helper()
	err := from(func(section string, data []byte, files ...int) error {
		r := record{section, slices.Clone(data), nil}
		for _, fd := range files {
			own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				return err
			}
			r.files = append(r.files, own)
		}
		all = append(all, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// handOver hands a server without pools over to another with so many descriptors for
// miners, and with as many loops unless loops says how many. meanwhile happens when nothing is
// read any more, and may return what undoes it.
func handOver(t *testing.T, from *Server, files *descriptors.Budget, meanwhile func() (undo func()), loops ...int) (*Server, error) {
	t.Helper()
	ahead := records(t, from.Ahead)[0]
	inheritance, err := Inherit(ahead.data, ahead.files)
	if err != nil {
		t.Fatal(err)
	}
	to := newLoops(t, append(loops, from.loopCount)[0], func(o *Options) { o.Inherit, o.Descriptors = inheritance, files })
	if err := from.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(from.Thaw)
	state := records(t, from.State)
	defer meanwhile()()
	for _, r := range state {
		if err := to.Restore(r.section, r.data, r.files); err != nil {
			t.Fatalf("section %s: %v", r.section, err)
		}
	}
	return to, to.Restored()
}

// comers connects miners to a server, and returns them when they have been heard.
func comers(t *testing.T, s *Server, n int) (miners []*net.TCPConn) {
	t.Helper()
	for range n {
		conn, err := net.Dial("tcp", s.Addresses()[0])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(patience))
		miners = append(miners, conn.(*net.TCPConn))
		asks(t, conn)
	}
	return miners
}

// asks has a miner ask something, and wait for the answer.
func asks(t *testing.T, conn net.Conn) {
	t.Helper()
	fmt.Fprintln(conn, `{"id":7,"method":"mining.ping","params":[]}`)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, `"id":7`) {
		t.Fatalf("the answer to mining.ping is %q, %v", line, err)
	}
}

// undisturbed is a hand-over during which nothing happens.
func undisturbed() (undo func()) { return func() {} }

// The new process has no address of a miner whose connection was reset while nothing was
// read. It ended with a panic, so that the upgrade failed.
func TestAMinerWhoseConnectionWasResetMeanwhile(t *testing.T) {
	from := newLoops(t, 2)
	miners := comers(t, from, 3)
	to, err := handOver(t, from, nil, func() func() {
		miners[1].SetLinger(0)
		miners[1].Close()
		return func() {}
	})
	if err != nil {
		t.Fatal(err)
	}
	to.Serve()
	for to.Connected() != 2 {
		runtime.Gosched()
	}
	asks(t, miners[0])
	asks(t, miners[2])
}

// Whoever finds no descriptor in the new process would be disconnected by the upgrade.
// All were, and the upgrade was a success, with a limit that was enough to start with.
func TestAHandOverNeedsADescriptorForEachMiner(t *testing.T) {
	for _, c := range []struct {
		name         string
		total, links int
		want         error
	}{
		{"enough", 3, 0, nil},
		{"those that are kept for links count", 3, 3, nil},
		{"one too few", 2, 0, descriptors.ErrFew},
		{"none", 0, 0, descriptors.ErrFew},
	} {
		from := newLoops(t, 1)
		miners := comers(t, from, 3)
		to, err := handOver(t, from, descriptors.New(uint64(c.total), 0, c.links), undisturbed)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			to.Serve()
			asks(t, miners[2])
		}
	}
}

// Descriptors may be open of which the budget knows nothing.
func TestAHandOverThatRunsOutOfDescriptors(t *testing.T) {
	from := newLoops(t, 1)
	comers(t, from, 3)
	_, err := handOver(t, from, nil, func() (undo func()) {
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		next, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close() // the limit is one of numbers, and the lowest are given first
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next.Fd()), Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
				t.Error(err)
			}
		}
	})
	if !errors.Is(err, descriptors.ErrFew) {
		t.Errorf("the hand-over says %v", err)
	}
}

// A link whose pool has reset it while nothing was read fails as any lost link does, and
// leaves no descriptor behind.
func TestALinkWhoseConnectionWasResetMeanwhile(t *testing.T) {
	s := newLoops(t, 1)
	pool, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	link, err := net.Dial("tcp", pool.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	end, err := pool.Accept()
	if err != nil {
		t.Fatal(err)
	}
	end.(*net.TCPConn).SetLinger(0)
	end.Close()
	if _, err := link.Read(make([]byte, 1)); err == nil {
		t.Fatal("the link was not reset")
	}
	file, err := link.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	before, err := descriptors.CountOpen()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Carry(t.Context(), inherited, &script{events: make(chan string, 9)}); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the link ends with %v", err)
	}
	if after, err := descriptors.CountOpen(); err != nil || after >= before {
		t.Errorf("%d descriptors were open, and %d are (%v)", before, after, err)
	}
}

// Two loops become one. A cookie of the loop with more changes of miners named a miner of the
// new process, which got verdicts on the shares of one who had left.
func TestACookieOfAMinerWhoHasLeft(t *testing.T) {
	from := newLoops(t, 2)
	stay := comers(t, from, 3) // two on the first loop
	stay[1].Close()
	var left []upstream.Cookie
	for range 5 { // each takes the place of the one before, on the second loop
		for from.Connected() > 2 {
			runtime.Gosched()
		}
		c := comers(t, from, 1)[0]
		for _, cookie := range cookies(from) {
			if loop, _, _ := splitCookie(cookie); loop == 1 {
				left = append(left, cookie)
			}
		}
		c.Close()
	}
	for from.Connected() > 2 {
		runtime.Gosched()
	}
	to, err := handOver(t, from, nil, undisturbed, 1)
	if err != nil {
		t.Fatal(err)
	}
	to.Serve()
	comers(t, to, 4)
	l := (*to.loops.Load())[0]
	found := make(chan int)
	l.mailbox.call(func() {
		n := 0
		for _, c := range left {
			if l.find(to.Cookie(c)) != nil {
				n++
			}
		}
		found <- n
	})
	if n := <-found; n > 0 {
		t.Errorf("%d of %d cookies of miners who have left name others", n, len(left))
	}
}

// cookies returns the cookies of all miners.
func cookies(s *Server) (list []upstream.Cookie) {
	var mu sync.Mutex
	s.allLoops(func(l *loop) {
		mu.Lock()
		defer mu.Unlock()
		for i := range l.slots {
			if p := l.slots[i].peer; p != nil {
				list = append(list, l.cookie(p))
			}
		}
	})
	return list
}

// A miner that is handed over is waited for as long as before. Go set its own times, and the
// kernel asked silent miners four times as often whether they are there.
func TestTheTimeoutsOfAMinerThatIsHandedOver(t *testing.T) {
	from := newLoops(t, 1)
	comers(t, from, 1)
	to, err := handOver(t, from, nil, undisturbed)
	if err != nil {
		t.Fatal(err)
	}
	to.Serve()
	to.allLoops(func(l *loop) {
		idle, err := unix.GetsockoptInt(int(l.slots[0].peer.fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
		if err != nil || time.Duration(idle)*time.Second != keepaliveIdle {
			t.Errorf("the kernel asks after %d s (%v), want %v", idle, err, keepaliveIdle)
		}
	})
}

// Whoever can't get to a loop was disconnected, and the upgrade a success, as if it were the
// miner's fault.
func TestAMinerThatNoLoopCanTake(t *testing.T) {
	from := newLoops(t, 1)
	miner := comers(t, from, 1)[0]
	ahead := records(t, from.Ahead)[0]
	inheritance, err := Inherit(ahead.data, ahead.files)
	if err != nil {
		t.Fatal(err)
	}
	to := newLoops(t, 1, func(o *Options) { o.Inherit = inheritance })
	if err := from.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range records(t, from.State) {
		if r.section == peersSection {
			closeFiles(r.files)
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(pair[1])
			r.files[0] = pair[0]
		}
		if err := to.Restore(r.section, r.data, r.files); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Restored(); err == nil {
		t.Error("the new process could serve")
	}
	from.Thaw()
	asks(t, miner)
}
