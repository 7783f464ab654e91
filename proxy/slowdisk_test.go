package proxy

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/history"
	"farmproxy/internal/journal"
	"farmproxy/stats"
)

// remembers returns what writes the history of books without miners into a directory.
func remembers(dir string, log *journal.Journal) *remembering {
	m := newRemembering(&config.Config{StateDir: dir}, stats.New(stats.Options{}), func() []api.Ban { return nil }, slog.New(slog.NewTextHandler(log, nil)))
	m.configure(&config.History{Enabled: true, WorkerSteps: time.Hour, WorkerHours: time.Hour, Minutes: time.Hour, Hours: time.Hour, Events: 24 * time.Hour})
	return m
}

// A write that never ends keeps neither readers nor an upgrade waiting, nor the end.
func TestADiskThatIsAway(t *testing.T) {
	t.Parallel()
	var log journal.Journal
	synctest.Test(t, func(t *testing.T) {
		m := remembers("", &log)
		m.take() // as a look does
		began := time.Now()
		if _, err := m.opened(); err == nil || time.Since(began) > 0 {
			t.Errorf("a reader got %v after %v", err, time.Since(began))
		}
		if state := m.pause(began); state != nil || time.Since(began) != pauseTime {
			t.Errorf("an upgrade got %d bytes after %v, want none after %v", len(state), time.Since(began), pauseTime)
		}
		m.resume()
		began = time.Now()
		stopped, stop := context.WithCancel(t.Context())
		stop()
		m.run(stopped)
		if waited := time.Since(began); waited != endTime {
			t.Errorf("the end took %v, want %v", waited, endTime)
		}
		m.give()
	})
	if !log.Has("will have a gap") || !log.Has("the last minutes are not remembered") {
		t.Error(log.String())
	}
}

// A file that is moved away or replaced is noticed, and what is there now is written: the
// ids in memory are those of the file that was opened.
func TestAFileThatIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log journal.Journal
	m := remembers(dir, &log)
	defer m.end()
	events := func(store *history.Store) (list []string) {
		for _, e := range must(store.Events(t.Context(), history.EventQuery{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Limit: 9})) {
			list = append(list, e.Subject)
		}
		return list
	}
	m.note("order", "before", "")
	if got := events(m.lookNow(t, time.Now())); len(got) != 1 || got[0] != "before" {
		t.Fatalf("%v", got)
	}
	path := filepath.Join(dir, historyFile)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(path + suffix)
	}
	m.note("order", "after", "")
	store := m.lookNow(t, time.Now())
	if got := events(store); len(got) != 1 || got[0] != "after" || !store.InPlace() {
		t.Errorf("the new file has %v", got)
	}
	if !log.Has("was moved away or replaced") {
		t.Error(log.String())
	}
}

// After a look that wrote, memory is given back; not after one that did not.
func TestMemoryIsGivenBackAfterAWrite(t *testing.T) {
	t.Parallel()
	var log journal.Journal
	m := remembers(t.TempDir(), &log)
	defer m.end()
	var settled []bool
	m.settle = func(wrote bool) {
		m.take() // nobody waits for it
		defer m.give()
		settled = append(settled, wrote)
	}
	for i := range 3 {
		m.paused.Store(i == 1) // it is being handed over
		m.minute(time.Now())
	}
	m.configure(&config.History{})
	m.minute(time.Now())
	if want := []bool{true, false, true, false}; !slices.Equal(settled, want) {
		t.Errorf("looks that wrote: %v, want %v\n%s", settled, want, log.String())
	}
}
