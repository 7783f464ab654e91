//go:build !race

package api

import (
	"io"
	"runtime"
	"testing"
)

// A scrape of a large farm must not starve the farm: everything it allocates, freed or
// not, stays below the 8 MB allowed at a time.
func TestMemoryOfAScrape(t *testing.T) {
	address := serveTCP(t, Options{Book: scrapeBook()})
	for range 2 { // the first one allocates what the next ones reuse
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		body := scrape(t, address)
		n, err := io.Copy(io.Discard, body)
		if err != nil {
			t.Fatal(err)
		}
		body.Close()
		runtime.ReadMemStats(&after)
		took := after.TotalAlloc - before.TotalAlloc
		t.Logf("%d kB allocated for %d kB of answer", took>>10, n>>10)
		if took > 8<<20 {
			t.Errorf("%d bytes were allocated, want 8 MB at most", took)
		}
	}
}
