package uring

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func open(t *testing.T) *Ring {
	t.Helper()
	r, err := Open()
	if err != nil {
		t.Skipf("this machine has no io_uring: %v", err)
	}
	t.Cleanup(r.Close)
	return r
}

// pair returns two ends of a connection.
func pair(t *testing.T) (here, there int32) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return int32(fds[0]), int32(fds[1])
}

// read returns what has arrived at an end.
func read(fd int32) (all []byte) {
	b := make([]byte, 64<<10)
	for {
		n, err := unix.Read(int(fd), b)
		if n <= 0 || err != nil {
			return all
		}
		all = append(all, b[:n]...)
	}
}

// The kernel and this package must mean the same by each byte.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		name       string
		size, want uintptr
	}{
		{"parameters", unsafe.Sizeof(parameters{}), 120},
		{"submission", unsafe.Sizeof(submission{}), 64},
		{"completion", unsafe.Sizeof(completion{}), 16},
	} {
		if c.size != c.want {
			t.Errorf("%s has %d bytes, want %d", c.name, c.size, c.want)
		}
	}
}

// What each socket gets is what write would have sent, through many turns of the queues.
func TestEachSocketGetsItsBytesInOrder(t *testing.T) {
	r := open(t)
	const sockets = 10
	var here, there [sockets]int32
	var want, got [sockets][]byte
	for i := range here {
		here[i], there[i] = pair(t)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		var list []Message
		for k := range 1 + random.IntN(MaxMessages) {
			i := random.IntN(sockets)
			b := fmt.Appendf(nil, "message %d of round %d\n", k, round)
			list = append(list, Message{FD: here[i], Bytes: b})
			want[i] = append(want[i], b...)
		}
		if n := r.Send(list); n != len(list) {
			t.Fatalf("round %d: %d of %d messages sent", round, n, len(list))
		}
		for i, m := range list {
			if m.Sent != len(m.Bytes) || m.Err != 0 {
				t.Fatalf("round %d, message %d: %d of %d bytes, %v", round, i, m.Sent, len(m.Bytes), m.Err)
			}
		}
		for i := range there {
			got[i] = append(got[i], read(there[i])...)
		}
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("socket %d got %d bytes, want %d, or others", i, len(got[i]), len(want[i]))
		}
	}
}

// Each message has its own result, whatever becomes of the others.
func TestResults(t *testing.T) {
	r := open(t)
	well, other := pair(t)
	full, _ := pair(t)
	for {
		if _, err := unix.Write(int(full), make([]byte, 4096)); err != nil {
			break
		}
	}
	roomy, _ := pair(t)
	if err := unix.SetsockoptInt(int(roomy), unix.SOL_SOCKET, unix.SO_SNDBUF, 4096); err != nil {
		t.Fatal(err)
	}
	left, gone := pair(t)
	unix.Shutdown(int(gone), unix.SHUT_RDWR)
	const large = 1 << 20
	list := []Message{
		{FD: full, Bytes: []byte("no room")},
		{FD: roomy, Bytes: make([]byte, large)},
		{FD: left, Bytes: []byte("nobody")},
		{FD: -1, Bytes: []byte("no socket")},
		{FD: well, Bytes: []byte("well")},
	}
	if n := r.Send(list); n != len(list) {
		t.Fatalf("%d of %d messages sent", n, len(list))
	}
	for i, want := range []struct {
		err  unix.Errno
		some bool // some bytes were taken, not all
	}{{}, {some: true}, {err: unix.EPIPE}, {err: unix.EBADF}} {
		if m := list[i]; m.Err != want.err || (m.Sent > 0) != want.some || m.Sent == len(m.Bytes) {
			t.Errorf("message %d: %d of %d bytes, %v; want %v, and some bytes: %v", i, m.Sent, len(m.Bytes), m.Err, want.err, want.some)
		}
	}
	if m, got := list[4], read(other); m.Sent != 4 || m.Err != 0 || string(got) != "well" {
		t.Errorf("the last one: %d bytes, %v, and %q arrived", m.Sent, m.Err, got)
	}
}

// What the kernel has not looked at is not sent later.
func TestTheRestIsForgotten(t *testing.T) {
	r := open(t)
	here, there := pair(t)
	fd := r.fd
	r.fd = -1
	n := r.Send([]Message{{FD: here, Bytes: []byte("never")}, {FD: here, Bytes: []byte("never")}})
	r.fd = fd
	if n != 0 {
		t.Fatalf("%d messages sent without a ring", n)
	}
	list := []Message{{FD: here, Bytes: []byte("now")}}
	if n := r.Send(list); n != 1 || list[0].Sent != 3 {
		t.Errorf("%d messages, %d bytes", n, list[0].Sent)
	}
	if got := read(there); string(got) != "now" {
		t.Errorf("%q arrived", got)
	}
}

func TestALongListIsSentInPart(t *testing.T) {
	r := open(t)
	here, there := pair(t)
	var list []Message
	for i := range MaxMessages + 10 {
		list = append(list, Message{FD: here, Bytes: []byte{byte(i)}})
	}
	n := r.Send(list)
	if got := read(there); n != MaxMessages || len(got) != n || got[n-1] != byte(n-1) {
		t.Errorf("%d messages sent, % x arrived", n, got)
	}
}

func TestCloseGivesAllBack(t *testing.T) {
	mappings := func() int {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(maps, []byte("io_uring"))
	}
	before := mappings()
	r, err := Open()
	if err != nil {
		t.Skipf("this machine has no io_uring: %v", err)
	}
	open, fd := mappings(), r.fd
	r.Close()
	if after := mappings(); open == before || after != before {
		t.Errorf("%d mappings before, %d with the ring, %d after", before, open, after)
	}
	if err := unix.Close(fd); err != unix.EBADF {
		t.Errorf("its descriptor is still open: %v", err)
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	r := open(t)
	here, there := pair(t)
	b := []byte("0123456789")
	list := make([]Message, 8)
	to := make([]byte, 4096)
	if n := testing.AllocsPerRun(100, func() {
		for i := range list {
			list[i] = Message{FD: here, Bytes: b}
		}
		r.Send(list)
		_, _ = unix.Read(int(there), to)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
