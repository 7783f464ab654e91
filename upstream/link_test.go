package upstream

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"farmproxy/dial"
	"farmproxy/work"
)

func TestPlainPath(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		equal(t, "methods", f.pools[0].methods(), "mining.configure mining.subscribe mining.authorize mining.extranonce.subscribe")
		f.wantTold("a-1!")
		f.submit(1, 3)
		f.wantFate(1, 3, work.Accepted)
		f.pools[0].last().job(false)
		f.pools[0].last().job(true)
		f.after(0)
		f.wantTold("a-1! a-2 a-3!")

		got := f.pools[0].shares()[0]
		equal(t, "user", got.User, "farm")
		equal(t, "job", got.Job, "a-1")
		equal(t, "extranonce2", got.Extranonce2, "000001020a0b0c0d")
		equal(t, "ntime", got.NTime, "65000001")
		equal(t, "nonce", got.Nonce, "00000001")
		equal(t, "version bits", got.Version, "00002000")
	})
}

func TestSharesTravelTogether(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		before := f.pools[0].last().writes
		f.submit(1, 200)
		f.wantFate(1, 200, work.Accepted)
		equal(t, "writes", f.pools[0].last().writes-before > 12, false) // the scanner reads 4 KiB at a time
	})
}

func TestResume(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		f.start()
		first := f.latest().Job
		a.do(func() { a.answer = func(submit) string { return "" } })
		f.submit(1, 2) // in flight when the link dies
		a.do(func() {
			a.answer = func(s submit) string {
				if s.Nonce == "00000001" {
					return `"result":null,"error":[22,"Duplicate share",null]`
				}
				return yes
			}
		})
		a.last().Close()
		f.after(0)
		f.submitFor(first, 3, 4)
		f.wantFate(1, 4, work.Accepted)
		equal(t, "epoch", f.latest().Job.Epoch, first.Epoch)
		equal(t, "sent", len(a.shares()), 6)
	})
}

func TestNoResume(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		a.forget = true
		f.start()
		first := f.latest().Job
		a.do(func() { a.answer = func(submit) string { return "" } })
		f.submit(1, 2)
		a.last().Close()
		f.after(0)
		f.wantFate(1, 2, work.LinkLost)
		f.submitFor(first, 3, 3)
		f.wantFate(3, 3, work.LinkLost)
		if f.latest().Job.Epoch == first.Epoch {
			t.Error("a new session has the epoch of the old one")
		}
		f.wantTold("a-1! a-2!")
		equal(t, "subscribed with the session", strings.Contains(strings.Join(a.last().lines, "\n"), "session-aabb01"), true)
	})
}

func TestFailover(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		a, b := f.pools[0], f.pools[1]
		f.start()
		f.wantOn("a")
		equal(t, "b probed", b.dialled(), 1)
		a.do(func() { a.refuse = true })
		a.last().Close()
		f.after(0)
		f.wantOn("b")
		f.submit(1, 1)
		f.wantFate(1, 1, work.Accepted)
		a.do(func() { a.refuse = false })
		f.after(time.Minute)
		f.wantOn("b")
		f.after(3 * time.Minute)
		f.wantOn("a")
	})
}

// What a link's end means for the address that it led to: the next dial begins with
// another one where it was worth nothing.
func TestWhatALinkSaysOfItsAddress(t *testing.T) {
	for _, c := range []struct {
		name string
		is   func(p *scripted) // from the beginning
		end  func(f *farm)
		said string // in order
	}{
		{"it closes at once", func(p *scripted) { p.on["mining.subscribe"] = hangsUp }, func(f *farm) {}, "false"},
		{"it is mute", func(p *scripted) { p.mute = true }, func(f *farm) { f.after(time.Minute) }, "false"},
		{"it has no job", func(p *scripted) { p.jobless = true }, func(f *farm) { f.after(time.Minute) }, "false"},
		{"it loses the link soon", nil, func(f *farm) { f.after(time.Second); f.pools[0].last().Close() }, "true false"},
		{"it loses the link after an hour", nil, func(f *farm) { f.after(time.Hour); f.pools[0].last().Close() }, "true"},
		{"we end it", nil, func(f *farm) { f.after(time.Second); f.lane().serving.drop(errMoved) }, "true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				f.o.Failover.Silence = 24 * time.Hour
				said := make([]string, 0, 8)
				first := true
				pipe := f.o.Dial
				f.o.Dial = func(ctx context.Context, to dial.Target) (net.Conn, error) {
					conn, err := pipe(ctx, to)
					if err != nil || !first {
						return conn, err
					}
					first = false
					return &dial.Conn{Conn: conn, Rated: func(worked bool) { said = append(said, fmt.Sprint(worked)) }}, nil
				}
				if c.is != nil {
					c.is(f.pools[0])
				}
				f.open()
				f.directory.Start(context.Background())
				c.end(f)
				f.after(3 * backoffMin)
				equal(t, "said", strings.Join(said, " "), c.said)
			})
		})
	}
}
