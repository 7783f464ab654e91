package netloop

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"farmproxy/descriptors"
	"farmproxy/internal/journal"
	"farmproxy/session"
	"farmproxy/stats"
)

func TestStall(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name  string
		at    []time.Duration // the ticks
		stood time.Duration   // what the last of them tells
		skip  bool
	}{
		{"the first tick comes whenever the start is over", []time.Duration{time.Minute}, 0, false},
		{"each second", []time.Duration{1 * second, 2 * second}, 0, false},
		{"a busy machine", []time.Duration{1 * second, 6 * second}, 0, false},
		{"a minute's stop", []time.Duration{1 * second, 62 * second}, 60 * second, true},
		{"the tick after it", []time.Duration{1 * second, 62 * second, 63 * second}, 0, true},
		{"the last one that is left out", []time.Duration{1 * second, 62 * second, 63 * second, 64 * second}, 0, true},
		{"the one after that", []time.Duration{1 * second, 62 * second, 63 * second, 64 * second, 65 * second}, 0, false},
		{"another stop", []time.Duration{1 * second, 62 * second, 123 * second}, 60 * second, true},
	} {
		var s stall
		var stood time.Duration
		var skip bool
		for _, at := range c.at {
			stood, skip = s.tick(at)
		}
		if stood != c.stood || skip != c.skip {
			t.Errorf("%s: stood still for %v, left out %v; want %v, %v", c.name, stood, skip, c.stood, c.skip)
		}
	}
}

// After a stop nothing is overdue before the loops had time to read what came meanwhile.
func TestAStopMakesNothingOverdue(t *testing.T) {
	log := new(journal.Journal)
	s, err := New(Options{
		Loops: 1, Descriptors: descriptors.New(1<<16, 0, 0), Log: slog.New(slog.NewTextHandler(log, nil)),
		Book: stats.New(stats.Options{Loops: 1, CloseReasons: session.Reasons()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	l := newLoop(s, 0, nil)
	l.mailbox.wake = func() bool { return true }
	s.loops.Store(&[]*loop{l})
	ticks := func() bool {
		s.OnTick()
		ticked := l.mailbox.in.tick
		l.mailbox.in.tick = false
		return ticked
	}
	if !ticks() {
		t.Error("the first tick is left out")
	}
	s.started = s.started.Add(-time.Minute)
	if ticks() {
		t.Error("the loops check what is overdue at once after a minute's stop")
	}
	if n := strings.Count(log.String(), "farmproxy stood still"); n != 1 {
		t.Errorf("it was said %d times: %s", n, log)
	}
}
