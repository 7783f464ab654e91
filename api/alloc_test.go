//go:build !race

package api

import (
	"io"
	"runtime"
	"testing"
)

// A scrape of a large farm must not take what the farm needs: all that it
// allocates, freed or not, is below the 8 MB that it may take at a time.
func TestMemoryOfAScrape(t *testing.T) {
	address := serveTCP(t, Options{Book: scrapeBook()})
	for range 2 { // the first one makes what the next ones use again
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
