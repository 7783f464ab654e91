//go:build !race

package history

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"time"
	"unsafe"
)

// What is kept of each worker stays small: there are 10,000, and names that are not seen
// any more.
func TestAWorkerStaysSmall(t *testing.T) {
	if size := unsafe.Sizeof(tracked{}); size > 96 {
		t.Errorf("%d bytes are kept of a worker, want at most 96", size)
	}
}

// A look makes nothing for a worker that works, and of which nothing has to be written.
func TestALookAllocatesNothingForAWorker(t *testing.T) {
	look := func(workers int) float64 {
		f := newFarmer()
		for i := range workers {
			w := f.works(fmt.Sprint("rig", i), 7)
			w.Address, w.Agent, w.Account, w.Algorithm = netip.MustParseAddrPort("192.0.2.1:4028"), "bmminer", "farm", "sha256d"
		}
		f.minute()
		at := f.now
		return testing.AllocsPerRun(10, func() {
			at = at.Add(time.Second) // 11 looks are in one step
			for name := range f.workers {
				f.works(name, 1)
			}
			f.Look(at, maps.Values(f.workers), nil)
		})
	}
	if few, many := look(1), look(1000); many > few {
		t.Errorf("%v allocations for 1,000 workers, %v for one", many, few)
	}
}

// Each connection keeps little of the file in memory, and there are few.
func TestWhatConnectionsKeep(t *testing.T) {
	s := open(t, file(t))
	if most := s.db.Stats().MaxOpenConnections; most != connections {
		t.Errorf("up to %d connections, want %d", most, connections)
	}
	for range connections {
		c, err := s.db.Conn(t.Context()) // a new one: the others are in use
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		size := 0
		if err := c.QueryRowContext(t.Context(), "PRAGMA cache_size").Scan(&size); err != nil || size != -cache {
			t.Errorf("a cache of %d, %v, want %d: so many KiB", size, err, -cache)
		}
	}
}
