//go:build !race

package netloop

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"farmproxy/codec"
	"farmproxy/internal/uring"
	"farmproxy/session"
	"farmproxy/upstream"
	"farmproxy/work"
)

// firing is a loop whose miners have sockets of the kernel's, with and without volleys.
type firing struct {
	*reading
	ends []int // the miners' ends
}

// partRing sends a part of each volley: a half, if part is 2.
type partRing struct {
	ring
	part int
}

func (r partRing) Send(list []uring.Message) (n int) { return r.ring.Send(list[:len(list)/r.part]) }

func eachWay(t *testing.T, miners int, test func(t *testing.T, f *firing)) {
	for name, part := range map[string]int{"one by one": 0, "in volleys": 1, "in volleys that the kernel takes half of": 2} {
		t.Run(name, func(t *testing.T) {
			f := &firing{reading: newReading(t, miners)}
			if part > 0 {
				ring, err := uring.Open()
				if err != nil {
					t.Skipf("this machine has no io_uring: %v", err)
				}
				t.Cleanup(ring.Close)
				f.volley.ring = partRing{ring, part}
			}
			for _, p := range f.peers {
				fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
				p.fd = int32(fds[0])
				f.ends = append(f.ends, fds[1])
			}
			test(t, f)
		})
	}
}

// lines returns what a miner has received.
func (f *firing) lines(miner int) (all []string) {
	var received []byte
	b := make([]byte, 256<<10)
	for {
		n, err := unix.Read(f.ends[miner], b)
		if n <= 0 || err != nil {
			break
		}
		received = append(received, b[:n]...)
	}
	for line := range bytes.Lines(received) {
		all = append(all, string(line))
	}
	return all
}

// jobs returns the ids of the jobs that a miner has received.
func (f *firing) jobs(miner int) string {
	var ids []string
	for _, line := range f.lines(miner) {
		if _, params, is := strings.Cut(line, `"mining.notify","params":["`); is {
			id, _, _ := strings.Cut(params, `"`)
			ids = append(ids, id)
		}
		if !strings.HasSuffix(line, "}\n") {
			ids = append(ids, "broken")
		}
	}
	return strings.Join(ids, " ")
}

// fill leaves no room for what is sent to a miner.
func (f *firing) fill(miner int) {
	for size := 4096; size > 0; { // ever less, until there is no room for a byte
		if _, err := unix.Write(int(f.peers[miner].fd), bytes.Repeat([]byte{'x'}, size)); err != nil {
			size /= 2
		}
	}
}

// A volley ends where the next one begins, and there are more miners than one holds.
func TestAJobReachesEachMinerOnce(t *testing.T) {
	eachWay(t, 3*uring.MaxMessages+1, func(t *testing.T, f *firing) {
		f.next(true)
		f.next(false)
		for i := range f.ends {
			if got := f.jobs(i); got != "1 2" {
				t.Errorf("miner %d has the jobs %q, want 1 and 2", i, got)
			}
		}
	})
}

// Who has left, and who does not read, costs the others nothing: neither a job nor one
// twice.
func TestAJobToMinersThatFail(t *testing.T) {
	const miners = 40
	eachWay(t, miners, func(t *testing.T, f *firing) {
		gone := map[int]bool{0: true, 1: true, 17: true, miners - 1: true}
		for i := range gone {
			unix.Shutdown(f.ends[i], unix.SHUT_RDWR)
		}
		const full = 20
		f.fill(full)
		f.next(true)
		for i := range miners {
			f.wantClosed(i, session.MinerLeft, gone[i])
			if gone[i] || i == full {
				continue
			}
			if got := f.jobs(i); got != "1" {
				t.Errorf("miner %d has the jobs %q, want 1", i, got)
			}
		}
		f.next(false)
		f.lines(full)
		f.after(lookEvery) // what was kept of the first job
		f.after(lookEvery) // and the newest
		if got := f.jobs(full); got != "1 2" {
			t.Errorf("the one that did not read has the jobs %q, want 1 and 2", got)
		}
	})
}

// A message of which the kernel took the beginning is followed by its end, whatever else
// there is for the miner.
func TestTheRestOfAMessage(t *testing.T) {
	eachWay(t, 3, func(t *testing.T, f *firing) {
		if err := unix.SetsockoptInt(int(f.peers[1].fd), unix.SOL_SOCKET, unix.SO_SNDBUF, 4096); err != nil {
			t.Fatal(err)
		}
		long := append(bytes.Repeat([]byte{'0'}, 20<<10), "\n"...)
		f.beginVolley()
		f.write(f.peers[0], long)
		f.write(f.peers[1], long)
		f.write(f.peers[1], []byte(`{"id":9}`+"\n"))
		f.endVolley()
		if f.peers[1].unsent() == nil {
			t.Fatal("the kernel took all of it")
		}
		var all []string
		for range 100 {
			all = append(all, f.lines(1)...)
			f.after(lookEvery)
		}
		if got, want := strings.Join(all, ""), string(long)+`{"id":9}`+"\n"; got != want {
			t.Errorf("the miner gets %d bytes, want %d, or others", len(got), len(want))
		}
	})
}

// A message that no volley has room for does not overtake what is in one.
func TestALargeMessageIsTheLast(t *testing.T) {
	eachWay(t, 2, func(t *testing.T, f *firing) {
		large := strings.Repeat("0", volleyBytes) + "\n"
		f.beginVolley()
		f.write(f.peers[0], []byte("first\n"))
		f.write(f.peers[1], []byte("first\n"))
		f.write(f.peers[0], []byte(large))
		f.endVolley()
		if got := f.lines(0); len(got) != 2 || got[0] != "first\n" || got[1] != large {
			t.Errorf("the miner gets %d lines, want the first and the large one", len(got))
		}
	})
}

// verdicts brings verdicts on shares of these miners, as by a pool.
func (f *firing) verdicts(miners ...int) {
	m := new(mail)
	for i, miner := range miners {
		m.verdicts = append(m.verdicts, upstream.Verdict{
			Cookie: f.cookie(f.peers[miner]), Worker: f.server.book.Worker(fmt.Sprintf("farm.rig%d", miner)),
			Job: newBenchJob(1), Verdict: work.Accepted, Work: 1024, ID: codec.NumberID(uint32(i)),
		})
	}
	f.take(m)
}

func TestVerdictsArriveInOrder(t *testing.T) {
	eachWay(t, 3, func(t *testing.T, f *firing) {
		f.next(true)
		for i := range f.ends {
			f.lines(i)
		}
		f.verdicts(0, 1, 1, 2, 1, 0)
		for miner, want := range []string{"0 5", "1 2 4", "3"} {
			var got []string
			for _, line := range f.lines(miner) {
				_, rest, _ := strings.Cut(line, `"id":`)
				number, _, _ := strings.Cut(rest, ",")
				got = append(got, number)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("miner %d gets the verdicts %v, want %s", miner, got, want)
			}
		}
	})
}

// A miner that is closed has everything that was for it by then.
func TestAClosedMinerHasItsVerdict(t *testing.T) {
	eachWay(t, 2, func(t *testing.T, f *firing) {
		f.next(true)
		for i := range f.ends {
			f.lines(i)
		}
		f.beginVolley()
		f.write(f.peers[0], []byte("first\n"))
		f.write(f.peers[1], []byte("second\n"))
		f.close(f.peers[0], session.SharesRefused)
		got := f.lines(0)
		f.endVolley()
		if len(got) != 1 || got[0] != "first\n" {
			t.Errorf("the closed miner has %q", got)
		}
		if got := f.lines(1); len(got) != 1 || got[0] != "second\n" {
			t.Errorf("the other has %q", got)
		}
		f.wantClosed(0, session.SharesRefused, true)
		f.wantClosed(1, 0, false)
	})
}
