package upstream

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"farmproxy/internal/journal"
)

// logged has a farm's log written without times, which its lines show as "after the
// start".
func (f *farm) logged() *journal.Journal {
	b := new(journal.Journal)
	began := time.Now()
	f.o.Log = slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch {
		case a.Key == slog.TimeKey:
			return slog.Attr{}
		case a.Value.Kind() == slog.KindTime:
			return slog.String(a.Key, "+"+a.Value.Time().Sub(began).Round(time.Second).String())
		}
		return a
	}}))
	return b
}

// wantLog compares the log with want, a line each, and empties it.
func wantLog(t *testing.T, b *journal.Journal, want ...string) {
	t.Helper()
	if got := strings.TrimSpace(b.String()); got != strings.Join(want, "\n") {
		t.Errorf("the log:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	b.Reset()
}

func TestALogOfAnOutage(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		f.o.Failover.Hold = 10 * time.Minute
		b := f.logged()
		f.start()
		f.lane()
		wantLog(t, b, `level=INFO msg="link up" lane=0 pool=a difficulty=1024 extranonce2=8 resumed=false`)

		a.do(func() { a.refuse = true })
		a.lane().Close()
		f.after(time.Second)
		wantLog(t, b,
			`level=WARN msg="link lost" lane=0 pool=a reason="the pool closed the connection"`,
			`level=WARN msg="link failed" pool=a lane=0 reason="connect to a:1: connection refused"`)
		f.after(3 * time.Second)
		wantLog(t, b, `level=WARN msg="no pool is up: miners stay connected, on their last job, until failover.hold is over" lane=0 miners=1 since=+1s held_until=+10m1s`)
		f.after(9 * time.Minute)
		wantLog(t, b) // once
		f.after(time.Minute)
		wantLog(t, b, `level=WARN msg="no pool was up for as long as failover.hold: miners are disconnected, so that they can try their backup pools" lane=0 miners=1 hold=10m0s`)
		f.after(time.Hour)
		wantLog(t, b)

		a.do(func() { a.refuse = false })
		f.after(time.Minute)
		line, away, _ := strings.Cut(b.String(), " away=")
		if line != `level=INFO msg="link up again" lane=0 pool=a difficulty=1024 extranonce2=8 resumed=true` || !strings.HasPrefix(away, "1h10m") {
			t.Errorf("the log: %s", b)
		}
	})
}

// A pool that drops a link and takes the next one at once is no outage.
func TestALogOfALinkThatComesBackAtOnce(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		b := f.logged()
		f.start()
		b.Reset()
		f.pools[0].lane().Close()
		f.after(time.Minute)
		wantLog(t, b,
			`level=WARN msg="link lost" lane=0 pool=a reason="the pool closed the connection"`,
			`level=INFO msg="link up again" lane=0 pool=a difficulty=1024 extranonce2=8 resumed=true away=0s`)
	})
}

// With hold = "forever" nobody is disconnected, and the log says that.
func TestALogOfAnOutageWithoutEnd(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].refuse = true
		b := f.logged()
		f.start()
		f.after(24 * time.Hour)
		wantLog(t, b,
			`level=WARN msg="link failed" pool=a lane=0 reason="connect to a:1: connection refused"`,
			`level=WARN msg="no pool is up: miners stay connected, on their last job, until one is" lane=0 miners=0 since=+0s`)
	})
}

// Miners with a link each are counted in one line, at most once a minute.
func TestALogOfAnOutageOfDirectMiners(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].Direct = true
		a := f.pools[0]
		b := f.logged()
		f.start()
		for i := range uint16(3) {
			f.goal.Join(Member{Prefix: Prefix{Len: 2, Value: i}, Login: "farm.rig"})
		}
		f.after(time.Minute)
		a.do(func() { a.refuse = true })
		for _, c := range a.every() {
			c.Close()
		}
		f.after(20 * time.Second)
		if n := strings.Count(b.String(), "no pool is up for miners that have a link each"); n != 1 {
			t.Errorf("it was said %d times:\n%s", n, b)
		}
		equal(t, "miners without a link", f.directory.held.Load(), 3)
		a.do(func() { a.refuse = false })
		f.after(time.Minute)
		equal(t, "and when they have it again", f.directory.held.Load(), 0)
	})
}

func TestHoldIsReadWhenItCounts(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].refuse = true
		f.start()
		l, now := f.lane(), time.Now()
		hold := func(d time.Duration) {
			s := f.o.Settings
			s.Failover.Hold = d
			f.directory.Configure(s)
		}
		for _, q := range []struct {
			hold, after time.Duration
			want        bool
		}{
			{0, 24 * time.Hour, false},
			{time.Minute, 30 * time.Second, false},
			{time.Minute, 2 * time.Minute, true},
			{time.Nanosecond, time.Second, true},
		} {
			hold(q.hold)
			equal(t, "given up with hold "+q.hold.String()+" after "+q.after.String(), l.GivenUp(now.Add(q.after)), q.want)
		}
		f.pools[0].do(func() { f.pools[0].refuse = false })
		hold(time.Nanosecond)
		f.after(time.Minute)
		equal(t, "given up with a link", l.GivenUp(time.Now().Add(time.Hour)), false)
	})
}
