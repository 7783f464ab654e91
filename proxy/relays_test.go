package proxy

import (
	"context"
	"testing"

	"farmproxy/config"
	"farmproxy/descriptors"
	"farmproxy/upstream"
)

// A link beyond those that the process can stay for takes no descriptors: after an upgrade
// that fails nobody would give them back. Other tests have theirs, so this one runs alone.
func TestRelaysBeyondTheMostTakeNoDescriptors(t *testing.T) {
	pool := startPool(t, nil)
	p, _ := startProxy(t, func(c *config.Config) {
		c.Pools[0].URL, c.Pools[0].TLSInsecure = "stratum+tls://"+overTLS(t, pool), true
	}, nil, pool)
	r, before := relays{list: make([]relaying, maxRelays)}, 0
	eventually(t, "the link is on a loop", func() bool {
		p.directory.Freeze()
		defer p.directory.Thaw()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		defer p.server.Thaw()
		if err := p.server.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		links := 0
		_, _, err := p.directory.State(func(link *upstream.Relay) bool {
			links++
			before, _ = descriptors.CountOpen()
			for range maxRelays {
				if r.open(link) {
					t.Fatal("there is one more")
				}
			}
			return false
		})
		if err != nil {
			t.Fatal(err)
		}
		return links == 1
	})
	if after, err := descriptors.CountOpen(); err != nil || after > before+maxRelays/2 {
		t.Errorf("%d descriptors, before there were %d; %v", after, before, err)
	}
	if r.left != maxRelays {
		t.Errorf("%d links are left, want %d", r.left, maxRelays)
	}
}
