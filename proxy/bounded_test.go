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
		slow := func(d time.Duration) func() string {
			return func() string { time.Sleep(d); return "done" }
		}
		for _, c := range []struct {
			name  string
			after time.Duration // since the one before
			takes time.Duration
			want  error
		}{
			{"at once", 0, 0, nil},
			{"slowly", 0, readTime - time.Second, nil},
			{"too slowly", 0, readTime + time.Minute, errLate},
			{"while that one goes on", 0, 0, errBusy},
			{"when it has ended", 2 * time.Minute, 0, nil},
		} {
			time.Sleep(c.after)
			got, err := bounds(b, slow(c.takes))
			if !errors.Is(err, c.want) || c.want == nil && got != "done" {
				t.Errorf("%s: %q, %v, want %v", c.name, got, err, c.want)
			}
		}
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
