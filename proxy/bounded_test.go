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

// An overlay that a disk takes only after somebody was told that nothing has changed is taken
// back: a restart would work by it.
func TestAnOverlayThatIsKeptTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bounded)
		full := errors.New("full")
		f := func(what string, takes time.Duration, gets, want error, has string) {
			t.Helper()
			disk := "before"
			keep := func() error { time.Sleep(takes); disk = "after"; return gets }
			undo := func() error { disk = "before"; return nil }
			if err := keepInTime(b, keep, undo); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
			time.Sleep(takes)
			synctest.Wait()
			if disk != has {
				t.Errorf("%s: the disk has the lists %s", what, has)
			}
		}
		f("in time", readTime-1, nil, nil, "after")
		f("not at all", 0, full, full, "after")
		f("too late", readTime+1, nil, errLate, "before")
		f("too late, and not at all", readTime+1, full, errLate, "before")
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
