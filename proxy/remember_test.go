package proxy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"farmproxy/config"
	"farmproxy/history"
	"farmproxy/internal/journal"
	"farmproxy/stats"
	"farmproxy/work"
)

// lookNow has it look, and returns the file.
func (m *remembering) lookNow(t *testing.T, now time.Time) *history.Store {
	t.Helper()
	m.look(now)
	store, err := m.opened()
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// historyAt opens the history that another process, or an earlier one, has written.
func historyAt(t *testing.T, path string) *history.Store {
	t.Helper()
	store, err := history.Open(t.Context(), path, history.DefaultRetention)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// must returns a value that a test can't do without.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What miners did is remembered over a restart: the farm's work, the worker's, and that it
// is missing.
func TestRememberedOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	withState := func(c *config.Config) { c.StateDir = dir }
	pool := startPool(t, nil)
	p, stop := launch(t, testLog{t}, withState, nil, pool)
	linked(t, p)
	f := workingFleet(t, p.server.Addresses()[0], pool)
	p.remember.lookNow(t, time.Now())
	if err := f.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Close()
	now := time.Now()
	p.remember.look(now.Add(time.Minute))
	shares, earned := p.book.Status().Shares, 0
	p.book.EachWorker(func(w *stats.WorkerInfo) {
		if w.Shares[work.Accepted] > 0 {
			earned++
		}
	})
	name := ""
	for _, r := range must(p.remember.lookNow(t, now.Add(2*time.Minute)).Roster(t.Context())) {
		name = r.Name
	}
	stop()

	p, stop = launch(t, testLog{t}, withState, nil, pool)
	defer stop()
	eventually(t, "the file is open", func() bool { _, err := p.remember.opened(); return err == nil })
	store, _ := p.remember.opened()
	sum := func(k history.Key) (s history.Sample) {
		points, _, err := store.Steps(t.Context(), k, now.Add(-time.Hour), now.Add(time.Hour), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range points {
			s.Add(at.Sample)
		}
		return s
	}
	if got := sum(history.Key{Kind: history.Farm}); got.Accepted != shares[work.Accepted] || got.Rejected != shares.Rejected() {
		t.Errorf("the farm: %d accepted and %d rejected, want %d and %d", got.Accepted, got.Rejected, shares[work.Accepted], shares.Rejected())
	}
	if got := sum(history.Key{Kind: history.Worker, Name: name}); got.Accepted == 0 {
		t.Errorf("%s has done nothing", name)
	}
	var kinds map[string]int
	eventually(t, "the start is noted", func() bool { // after the file was opened
		kinds = make(map[string]int)
		for _, e := range must(store.Events(t.Context(), history.EventQuery{From: now.Add(-time.Hour), To: now.Add(time.Hour), Limit: 1000})) {
			kinds[e.Kind]++
		}
		return kinds["start"] > 1
	})
	if kinds["start"] != 2 || kinds["stop"] != 1 || kinds["worker_new"] != earned || earned == 0 || kinds["pool_down"] != 0 {
		t.Errorf("events: %v; farmproxy's own end is not the pool's", kinds)
	}
	missing := 0
	p.book.EachWorker(func(w *stats.WorkerInfo) {
		if w.Miners == 0 && w.Name != "" {
			missing++
		}
	})
	if missing != earned {
		t.Errorf("%d workers are missing, want %d", missing, earned)
	}
}

// Trouble with the file is told once, costs nothing else, and ends when the file is good
// again.
func TestAFileThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, historyFile)
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	var log journal.Journal
	p, stop := launch(t, &log, func(c *config.Config) { c.StateDir = dir }, nil, startPool(t, nil))
	defer stop()
	connect(t, p.server.Addresses()[0]).work("farm.rig")
	for range 3 {
		p.remember.look(time.Now())
	}
	if n := log.Count("nothing is remembered"); n != 1 {
		t.Errorf("it was told %d times, want once:\n%s", n, log.String())
	}
	if trouble, _ := p.book.History(); trouble == nil || !strings.Contains(trouble.Error(), "is damaged") {
		t.Errorf("the trouble is %v", trouble)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p.remember.lookNow(t, time.Now())
	if !log.Has("the history is written again") {
		t.Errorf("the end of the trouble was not told:\n%s", log.String())
	}
}

// An upgrade neither loses nor counts twice what was not written yet.
func TestHistoryHandedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	withState := func(c *config.Config) { c.StateDir = dir }
	pool := startPool(t, nil)
	p, stop := launch(t, testLog{t}, withState, nil, pool)
	defer stop()
	linked(t, p)
	now := time.Now()
	p.remember.lookNow(t, now)
	f := workingFleet(t, p.server.Addresses()[0], pool)
	if err := f.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Close()
	p.remember.look(now.Add(time.Second))
	state := p.remember.pause(now.Add(time.Second))
	p.remember.look(now.Add(2 * time.Second)) // does nothing
	next := newRemembering(&config.Config{StateDir: dir}, p.book, p.remember.bans, p.log)
	next.configure(p.remember.settings.Load())
	next.inherit(state, now.Add(2*time.Second))
	next.lookNow(t, now.Add(3*time.Second))
	next.end()
	p.remember.resume()
	store := historyAt(t, next.path)
	var got history.Sample
	for _, s := range must(store.Sums(t.Context(), history.Worker, now.Add(-time.Hour), now.Add(time.Hour))) {
		got.Add(s)
	}
	if want := p.book.Status().Shares; got.Accepted != want[work.Accepted] {
		t.Errorf("%d shares of workers, want %d", got.Accepted, want[work.Accepted])
	}
}

// The disk was full during an upgrade, and has room a minute later: that minute's work is
// of a minute, not of the second before the upgrade.
func TestHistoryHandedOverToAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, stop := launch(t, testLog{t}, func(c *config.Config) { c.StateDir = dir }, nil, startPool(t, nil))
	defer stop()
	now := time.Now()
	p.remember.lookNow(t, now)
	p.remember.lookNow(t, now.Add(time.Second))
	state := p.remember.pause(now.Add(2 * time.Second))

	// A file that can't be opened stands for the disk: root may write on every one.
	path, aside := p.remember.path, filepath.Join(dir, "aside")
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	next := newRemembering(&config.Config{StateDir: dir}, p.book, p.remember.bans, p.log)
	next.configure(p.remember.settings.Load())
	next.inherit(state, now.Add(2*time.Second))
	next.look(now.Add(2 * time.Second))
	if next.store != nil {
		t.Fatal("a directory was opened as a file")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	store := next.lookNow(t, now.Add(time.Minute))
	farm := must(store.Sums(t.Context(), history.Farm, now.Add(-time.Hour), now.Add(time.Hour)))
	var got history.Sample
	for _, s := range farm {
		got.Add(s)
	}
	if got.Seconds != 60 {
		t.Errorf("%d s were watched, want 60", got.Seconds)
	}
}
