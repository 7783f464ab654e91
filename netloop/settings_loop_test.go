//go:build !race

package netloop

import (
	"net/netip"
	"testing"
	"time"

	"farmproxy/upstream"
)

// Each setting applies as soon as it is set, to miners already connected too: nothing
// has kept a copy of the previous one.
func TestSettingsHoldForMinersThatAreThere(t *testing.T) {
	job := func(l *loop, f *feed) {
		l.post(&upstream.Post{Lane: f.lane, Job: newBenchJob(1), Clean: true, Mask: 0x1fffe000, Difficulty: 1024})
		l.fanOutFeed(f)
	}
	for _, q := range []struct {
		name   string
		change func(*Settings)
		holds  func(l *loop, p *peer) bool // the new one
	}{
		{"keepalive", func(o *Settings) { o.Keepalive = time.Nanosecond }, func(l *loop, p *peer) bool {
			job(l, p.feed)
			l.clock()
			l.keepalive(p.feed)
			return p.feed.busy
		}},
		{"resume_window", func(o *Settings) { o.ResumeWindow = time.Minute }, func(l *loop, p *peer) bool {
			id := p.session.ID()
			l.remove(p)
			_, parked := l.server.parked.resume(id)
			return parked
		}},
		{"max", func(o *Settings) { o.MaxMiners = 1 }, func(l *loop, _ *peer) bool { return l.server.admit() }},
		{"worker_name", func(o *Settings) { o.WorkerName = "{ip4}" }, func(l *loop, p *peer) bool {
			p.remote = makeAddress(netip.MustParseAddrPort("10.0.0.1:4711"))
			_, _ = l.authorize(p, "farm.rig", nil)
			return p.login == "farm.1"
		}},
		{"terms", func(o *Settings) { o.Terms.Difficulty.Start = 7 }, func(l *loop, _ *peer) bool {
			l.clock()
			return l.env.Terms.Difficulty.Start == 7
		}},
	} {
		for _, set := range []bool{false, true} {
			l := newBenchLoop(t, 2)
			l.set(func(o *Settings) { o.Keepalive = time.Hour })
			p := l.join(t, 0)
			if set {
				next := l.server.settings.Load().Settings
				q.change(&next)
				if err := l.server.Configure(next); err != nil {
					t.Fatal(err)
				}
			}
			if got := q.holds(l, p); got != set {
				t.Errorf("%s: it holds: %v; it was set: %v", q.name, got, set)
			}
		}
	}
}
