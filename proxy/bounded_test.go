package proxy

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What may take for ever is waited for in vain for a while, and done by one at a time.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bounded)
		disk := make(chan string, 1)
		f := func(what string, want error) {
			t.Helper()
			got, err := bounds(b, func() string { return <-disk })
			if !errors.Is(err, want) || want == nil && got != "done" {
				t.Errorf("%s: %q, %v, want %v", what, got, err, want)
			}
		}
		disk <- "done"
		f("at once", nil)
		time.AfterFunc(readTime-time.Second, func() { disk <- "done" })
		f("slowly", nil)
		f("too slowly", errLate)
		f("while that one goes on", errBusy)
		disk <- "too late"
		synctest.Wait()
		disk <- "done"
		f("when it has ended", nil)
	})
}

// A reload that waits for a file which never comes holds up nothing but reloads.
func TestAReloadWhileAFileIsAway(t *testing.T) {
	t.Parallel()
	text := ports + poolsText("farm", startPool(t, nil))
	f := startFile(t, text)
	f.reading.busy.Store(true)
	if said := f.refused(text); !strings.Contains(said, "an earlier reload still waits for a file") {
		t.Errorf("a reload says %q", said)
	}
	if _, err := f.difference(t.Context(), "x.toml", text); !errors.Is(err, errBusy) {
		t.Errorf("check -diff says %v", err)
	}
	if !f.reloading.TryLock() {
		t.Error("an upgrade is refused")
	} else {
		f.reloading.Unlock()
	}
	f.reading.busy.Store(false)
	f.keeping.busy.Store(true) // nor does a state directory that is away
	f.again(strings.Replace(text, "[http]", "[log]\nlevel = \"warn\"\n[http]", 1))
	if !strings.Contains(f.log.String(), "could not be kept as the last good one") {
		t.Errorf("the log: %s", f.log)
	}
}
