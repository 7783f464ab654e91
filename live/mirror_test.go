package live

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a mirror shows after each event is what the books have: new workers, changes, and
// those that are gone.
func TestMirror(t *testing.T) {
	b := &books{workers: map[string]*Worker{}}
	f := NewFeed(b)
	b.worker("rig1").Group = "hall-1"
	p, _ := f.Open(noon, "")
	var m Mirror
	equals := func(what string) {
		t.Helper()
		if err := m.Take(<-p.Events()); err != nil {
			t.Fatal(what, err)
		}
		var got, want []string
		for _, s := range m.Workers {
			got = append(got, fmt.Sprint(s.Name, s.Group, s.Pool, s.Account, s.Listener, s.Address, s.Agent, s.HashRate, s.Usual, s.State, s.Rejected, s.Since.Unix()))
		}
		for _, w := range b.workers {
			rejected := 0.0
			if w.Rejected > 0 {
				rejected = 0.25
			}
			want = append(want, fmt.Sprint(w.Name, w.Group, w.Pool, w.Account, w.Listener, w.address(), w.Agent, w.HashRate, w.Usual, w.State, rejected, w.Since.Unix()))
		}
		slices.Sort(got)
		slices.Sort(want)
		equal(t, what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		if m.Farm.Miners != b.farm.Miners || !m.At.Equal(noon) {
			t.Errorf("%s: %+v at %v", what, m.Farm, m.At)
		}
	}
	equals("everything")
	b.farm.Miners = 7
	*b.worker("rig2") = Worker{"rig2", "hall-2", "a", "x", ":3333", "bosminer", netip.MustParseAddrPort("10.0.0.7:4028"), 1e12, 2e12, Silent, noon.Add(-time.Hour), 0, 0}
	f.Tick(noon)
	equals("a new one")
	b.worker("rig1").State, b.worker("rig1").HashRate = Down, 0
	b.worker("rig2").Accepted, b.worker("rig2").Rejected = 48, 16
	f.Tick(noon)
	equals("changes")
	b.worker("rig2").HashRate = 3e12
	f.Tick(noon)
	equals("nothing but a rate")
	delete(b.workers, "rig1")
	b.worker("rig2").Pool = "b"
	f.Tick(noon)
	equals("one is gone")
}

// What is no event changes nothing.
func TestMirrorOfNoEvent(t *testing.T) {
	for _, event := range []string{"", "x", "{}", `{"farm":{}}`, `{"full":true,"farm":{},"new":[[1,2]]}`} {
		var m Mirror
		if err := m.Take([]byte(event)); err == nil || m.Farm != nil {
			t.Errorf("%q: %v, %+v", event, err, m)
		}
	}
}
