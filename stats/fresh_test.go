package stats

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// hall is a farm whose workers each find a share of difficulty 10 every 10 seconds: one
// of difficulty 1 a second.
type hall struct {
	*Book
	t       *testing.T
	now     time.Time
	workers map[string]string // the pool of each
}

func newHall(t *testing.T) *hall {
	h := &hall{newBook(Options{Loops: 2}), t, epoch, make(map[string]string)}
	h.Book.now = func() time.Time { return h.now }
	return h
}

// comes has workers begin at a pool.
func (h *hall) comes(pool string, workers ...string) {
	for _, name := range workers {
		h.Worker(name).Connected(h.now, "", "")
		h.moves(pool, name)
	}
}

func (h *hall) moves(pool string, workers ...string) {
	for _, name := range workers {
		h.Worker(name).Mining("", pool, "sha256d")
		h.workers[name] = pool
	}
}

// passes lets time pass, and wants the pools' rates to add up to the farm's all along.
func (h *hall) passes(d time.Duration) {
	h.t.Helper()
	for end := h.now.Add(d); h.now.Before(end); {
		h.now = h.now.Add(10 * time.Second)
		for name := range h.workers {
			h.Worker(name).Share(len(name)%2, h.now, work.Accepted, 10)
		}
		sum := 0.0
		for _, p := range h.PoolTotals() {
			sum += p.HashRate
		}
		if farm := h.Status().HashRate; math.Abs(sum-farm) > 1e-5*farm {
			h.t.Errorf("after %v the pools have %v, the farm %v", h.now.Sub(epoch), sum, farm)
		}
	}
}

// has wants rates of pools, in shares of difficulty 1 a second, but for a share that is at the
// edge of the window.
func (h *hall) has(rates map[string]float64) {
	h.t.Helper()
	for pool, want := range rates {
		if got := h.PoolTotal(pool).HashRate / work.HashesPerShare; math.Abs(got-want) > 0.07*want+1e-6 {
			h.t.Errorf("after %v %s has %v, want %v", h.now.Sub(epoch), pool, got, want)
		}
	}
}

// After a switch the pools share the window: none is divided by an age of its own.
func TestHashRatesOfPoolsAddUp(t *testing.T) {
	h := newHall(t)
	h.comes("a", "rig1", "rig2")
	h.passes(time.Hour)
	h.has(map[string]float64{"a": 2})
	h.moves("b", "rig2")
	h.passes(time.Minute)
	h.has(map[string]float64{"a": 1.8, "b": 0.2})
	h.moves("b", "rig1")
	h.passes(2 * time.Minute)
	h.has(map[string]float64{"a": 1, "b": 1})
	h.moves("a", "rig1", "rig2")
	h.passes(10 * time.Minute)
	h.has(map[string]float64{"a": 2, "b": 0})
}

// The same while the workers are fresh, wherever each has been.
func TestHashRatesOfPoolsOfAFreshFarm(t *testing.T) {
	h := newHall(t)
	h.comes("a", "rig1", "rig2")
	h.passes(time.Minute)
	h.moves("b", "rig1", "rig2")
	h.passes(time.Minute)
	h.has(map[string]float64{"a": 1, "b": 1})
	h.moves("a", "rig1")
	h.passes(time.Minute)
	h.has(map[string]float64{"a": 1, "b": 1})
	h.moves("c", "rig1")
	h.comes("c", "rig3")
	h.passes(time.Minute)
	h.has(map[string]float64{"a": 0.75, "b": 1, "c": 1.25})
	h.passes(10 * time.Minute)
	h.has(map[string]float64{"a": 0, "b": 1, "c": 2})
	if n := len(h.ledger.elsewhere.of); n != 0 {
		t.Errorf("%d workers are still said to have been elsewhere", n)
	}
}

// Workers that come new have their rate at once, and take nothing from other pools.
func TestHashRatesOfPoolsWhenWorkersCome(t *testing.T) {
	h := newHall(t)
	h.comes("a", "rig1", "rig2")
	h.passes(time.Hour)
	h.comes("a", "rig3")
	h.comes("b", "rig4")
	h.passes(time.Minute)
	h.has(map[string]float64{"a": 3, "b": 1})
}

// A worker that is back after long begins anew: where it was before does not count.
func TestHashRatesOfPoolsWhenAWorkerIsBack(t *testing.T) {
	h := newHall(t)
	h.comes("a", "rig1")
	h.passes(time.Minute)
	h.moves("b", "rig1")
	h.passes(time.Minute)
	h.Worker("rig1").Disconnected(h.now, 0)
	h.now = h.now.Add(7 * time.Minute)
	h.comes("c", "rig1")
	if list := h.Worker("rig1").elsewhere(h.now); list != nil {
		t.Errorf("it is said to have been elsewhere: %v", list)
	}
	h.passes(time.Minute)
	h.has(map[string]float64{"a": 0, "b": 0, "c": 1})
}

func TestHashRatesOfPoolsAreHandedOver(t *testing.T) {
	h := newHall(t)
	h.comes("a", "rig1", "rig2")
	h.passes(time.Minute)
	h.moves("b", "rig1", "rig2")
	h.passes(time.Minute)
	next := newHall(t)
	next.now, next.workers = h.now, h.workers
	if err := next.Restore(h.State()); err != nil {
		t.Fatal(err)
	}
	next.has(map[string]float64{"a": 1, "b": 1})
	next.passes(time.Minute)
	next.has(map[string]float64{"a": 0.667, "b": 1.333})
}

// The series say the same.
func TestMetricsOfPoolsAddUp(t *testing.T) {
	h := newHall(t)
	h.comes("a", "rig1", "rig2")
	h.passes(2 * time.Minute)
	h.moves("b", "rig2")
	h.passes(time.Minute)
	var out bytes.Buffer
	if err := h.WriteMetrics(&out, false); err != nil {
		t.Fatal(err)
	}
	farm, pools := 0.0, 0.0
	for line := range strings.Lines(out.String()) {
		series, value, _ := strings.Cut(line, " ")
		n := 0.0
		fmt.Sscan(value, &n)
		switch {
		case series == "farmproxy_hashrate":
			farm = n
		case strings.HasPrefix(series, "farmproxy_pool_hashrate{"):
			pools += n
		}
	}
	if farm == 0 || math.Abs(farm-pools) > 1e-5*farm {
		t.Errorf("the pools have %v, the farm %v", pools, farm)
	}
}
