package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// noon is when tests begin: a full hour.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, DefaultRetention)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "history.db") }

// minute writes what series did at a time.
func minute(t *testing.T, s *Store, at time.Time, samples ...Entry) {
	t.Helper()
	if err := s.Write(t.Context(), &Batch{At: at, Samples: samples}); err != nil {
		t.Fatal(err)
	}
}

func steps(t *testing.T, s *Store, k Key, from, to time.Time, step time.Duration) string {
	t.Helper()
	points, _, err := s.Steps(t.Context(), k, from, to, step)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%s %v/%d/%d/%d/%d\n", p.At.UTC().Format("15:04"), p.Work, p.Accepted, p.Rejected, p.Up, p.Seconds)
	}
	return b.String()
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%swant:\n%s", what, got, want)
	}
}

var farm, rig = Key{Kind: Farm}, Key{Worker, "hall.rig1"}

// Minutes of the farm and steps of workers are found again, merged to longer steps, and
// after the hour as hours.
func TestSteps(t *testing.T) {
	path := file(t)
	s := open(t, path)
	for i := range 90 {
		at := noon.Add(time.Duration(i) * time.Minute)
		did := []Entry{{farm, Sample{2, 1, 0, 60, 60}}}
		if i%5 == 0 {
			did = append(did, Entry{rig, Sample{10, 5, 1, 240, 300}})
		}
		minute(t, s, at, did...)
	}
	end := noon.Add(2 * time.Hour)
	check := func(s *Store) {
		want(t, "two minutes", steps(t, s, farm, noon.Add(30*time.Minute), noon.Add(32*time.Minute), time.Minute), "12:30 2/1/0/60/60\n12:31 2/1/0/60/60\n")
		want(t, "half hours", steps(t, s, farm, noon, end, 30*time.Minute), "12:00 60/30/0/1800/1800\n12:30 60/30/0/1800/1800\n13:00 60/30/0/1800/1800\n")
		want(t, "hours, and the one that is not over", steps(t, s, farm, noon, end, time.Hour), "12:00 120/60/0/3600/3600\n13:00 60/30/0/1800/1800\n")
		want(t, "a worker", steps(t, s, rig, noon, noon.Add(10*time.Minute), 0), "12:00 10/5/1/240/300\n12:05 10/5/1/240/300\n")
		want(t, "its hours", steps(t, s, rig, noon, end, time.Hour), "12:00 120/60/12/2880/3600\n13:00 60/30/6/1440/1800\n")
		want(t, "nobody", steps(t, s, Key{Worker, "other"}, noon, end, 0), "")
	}
	check(s)
	s.Close()
	check(open(t, path))
}

// A clock that is set back adds to hours that are there, which know what they cover; the
// hour is folded again.
func TestClockSetBack(t *testing.T) {
	s := open(t, file(t))
	minute(t, s, noon, Entry{farm, Sample{2, 1, 0, 60, 60}})
	minute(t, s, noon.Add(time.Hour), Entry{farm, Sample{3, 1, 0, 60, 60}})
	minute(t, s, noon, Entry{farm, Sample{4, 1, 0, 60, 60}})
	minute(t, s, noon.Add(2*time.Hour), Entry{farm, Sample{5, 1, 0, 60, 60}})
	want(t, "hours", steps(t, s, farm, noon, noon.Add(3*time.Hour), time.Hour), "12:00 6/2/0/120/120\n13:00 3/1/0/60/60\n14:00 5/1/0/60/60\n")
}

// A clock that jumps years ahead and back costs no past.
func TestClockAhead(t *testing.T) {
	s := open(t, file(t))
	did := Entry{farm, Sample{2, 1, 0, 60, 60}}
	minute(t, s, noon, did)
	for i := range 2 * pruneEvery {
		minute(t, s, noon.AddDate(3, 0, 0).Add(time.Duration(i)*time.Minute), did)
	}
	want(t, "the past", steps(t, s, farm, noon, noon.Add(time.Hour), time.Minute), "12:00 2/1/0/60/60\n")
}

// A process that is killed, or a machine without power, leaves a good file: the minutes up
// to some time are there, all of each, and writing goes on.
func TestKilled(t *testing.T) {
	const minutes = 30
	path := file(t)
	s := open(t, path)
	did := Sample{2, 1, 0, 60, 60}
	for i := range minutes {
		minute(t, s, noon.Add(time.Duration(i)*time.Minute), Entry{farm, did}, Entry{Key{Kind: Pool, Name: "a"}, did})
	}
	main, log := bytesOf(t, path), bytesOf(t, path+"-wal")
	before := minutes + 1
	for tenths := range 11 { // of the log were not on the disk yet
		left := file(t)
		for name, text := range map[string][]byte{left: main, left + "-wal": log[:len(log)*(10-tenths)/10]} {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, left)
		of := func(k Key) int {
			return strings.Count(steps(t, s, k, noon, noon.Add(time.Hour), time.Minute), " 2/1/0/60/60\n")
		}
		n := of(farm)
		if tenths == 0 && n != minutes || n > before || n != of(Key{Kind: Pool, Name: "a"}) {
			t.Errorf("without %d tenths of the log: %d minutes of the farm, %d of the pool, %d before", tenths, n, of(Key{Kind: Pool, Name: "a"}), before)
		}
		before = n
		minute(t, s, noon.Add(time.Hour), Entry{farm, did})
	}
	if before == minutes {
		t.Error("the log had nothing")
	}
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What is too old goes: as many hours are kept as the retention has, and as recorded.
func TestRetention(t *testing.T) {
	s := open(t, file(t))
	s.Keep(Retention{WorkerSteps: 2 * time.Hour, WorkerHours: 2 * day, TotalSteps: 3 * time.Hour, TotalHours: 365 * day, Events: 2 * time.Hour, Workers: 2 * time.Hour})
	for i := range 8 * 60 {
		at := noon.Add(time.Duration(i) * time.Minute)
		b := Batch{At: at, Samples: []Entry{{farm, Sample{1, 1, 0, 60, 60}}, {rig, Sample{1, 1, 0, 60, 60}}}}
		if i%60 == 0 {
			b.Events = []Event{{At: at, Kind: "pool_up", Subject: "a"}}
		}
		if i == 0 {
			b.Roster = []Row{{Name: "gone"}, {Name: "up", Up: true}}
		}
		if err := s.Write(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Expect(t.Context(), []string{"listed", "up"}, noon); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	rows := func(query string) (n int) {
		if err := s.db.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, x := range []struct {
		what, query string
		want        int
	}{
		{"hours of minutes", "SELECT count(*) FROM chunks WHERE tier = 2", 4},
		{"hours of workers' steps", "SELECT count(*) FROM chunks WHERE tier = 0", 3},
		{"days of hours", "SELECT count(*) FROM chunks WHERE tier IN (1, 3)", 2},
		{"events of two hours", "SELECT count(*) FROM events", 2},
		{"workers: one is up, one is listed", "SELECT count(*) FROM workers", 2},
	} {
		if got := rows(x.query); got != x.want {
			t.Errorf("%s: %d, want %d", x.what, got, x.want)
		}
	}
}

// The id of a series that has no sample any more is given to another, after its chunks
// have gone.
func TestIdsAreUsedAgain(t *testing.T) {
	path := file(t)
	s := open(t, path)
	short := DefaultRetention
	short.WorkerSteps, short.WorkerHours = time.Hour, time.Hour
	s.Keep(short)
	old := Key{Worker, "old"}
	minute(t, s, noon, Entry{old, Sample{1, 1, 0, 60, 60}}, Entry{rig, Sample{1, 1, 0, 60, 60}})
	for i := range int((3 * day) / time.Minute) {
		if i%pruneEvery == pruneEvery-2 || i == 1 {
			minute(t, s, noon.Add(time.Duration(i)*time.Minute), Entry{rig, Sample{1, 1, 0, 60, 60}})
			continue
		}
		if _, err := s.db.Exec("UPDATE clock SET minutes = minutes + 1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := s.lookup(old); ok {
		t.Fatal("a series without samples is still there")
	}
	for _, s := range []*Store{s, open(t, path)} {
		if len(s.free[workers]) != 1 || s.next[workers] != 2 {
			t.Errorf("ids %v are free below %d, want one", s.free[workers], s.next[workers])
		}
	}
	minute(t, s, noon.Add(4*day), Entry{Key{Worker, "new"}, Sample{7, 1, 0, 60, 60}})
	if id, ok := s.lookup(Key{Worker, "new"}); !ok || id != 0 {
		t.Errorf("the new worker has id %d, %v, want 0", id, ok)
	}
	want(t, "only what the new worker did is its own", steps(t, s, Key{Worker, "new"}, noon, noon.Add(5*day), time.Hour), "12:00 7/1/0/60/60\n")
}

// A write that fails leaves nothing behind, in the file or in memory.
func TestAWriteThatFails(t *testing.T) {
	s := open(t, file(t))
	minute(t, s, noon, Entry{farm, Sample{1, 1, 0, 60, 60}})
	pages := func(most int) {
		t.Helper()
		if _, err := s.db.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", most)); err != nil {
			t.Fatal(err)
		}
	}
	s.db.SetMaxOpenConns(1) // which keeps the bound
	s.db.SetConnMaxIdleTime(0)
	pages(1) // no more than there are
	long := slices.Repeat([]Event{{At: noon, Kind: "start", Text: strings.Repeat("x", maxEventText)}}, 100)
	err := s.Write(t.Context(), &Batch{At: noon, Samples: []Entry{{rig, Sample{1, 1, 0, 60, 60}}}, Events: long})
	if err == nil || !strings.Contains(err.Error(), "make room on its disk") {
		t.Fatalf("%v", err)
	}
	if _, ok := s.lookup(rig); ok {
		t.Error("a series that was not written has an id")
	}
	pages(1 << 20)
	minute(t, s, noon, Entry{rig, Sample{3, 1, 0, 60, 60}})
	want(t, "the worker", steps(t, s, rig, noon, noon.Add(time.Hour), 0), "12:00 3/1/0/60/60\n")
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	newer := filepath.Join(dir, "newer.db")
	s := open(t, newer)
	if _, err := s.db.Exec(fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, x := range []struct{ path, want string }{
		{newer, "written by a newer farmproxy; upgrade farmproxy, or move the file away"},
		{write("text.db", strings.Repeat("this is no database ", 1000)), "is damaged: "},
		{filepath.Join(dir, "none", "x.db"), "does not exist; create it"},
		{dir, "must be able to write"},
	} {
		s, err := Open(context.Background(), x.path, DefaultRetention)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.path, err, x.want)
		}
		if err == nil {
			s.Close()
		}
	}
	if _, err := Open(context.Background(), newer, DefaultRetention); !errors.Is(err, ErrNewer) {
		t.Errorf("%v is not ErrNewer", err)
	}
}

func TestChunksKeepWhatTheyAreGiven(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, steps := range []int{12, 24, 60} {
		c := newChunk(steps)
		for i := range c.samples {
			if random.IntN(3) > 0 {
				c.samples[i] = Sample{float64(float32(random.ExpFloat64() * 1e9)), random.Uint64N(1000), random.Uint64N(10), random.Uint64N(300), random.Uint64()}
			}
		}
		got, err := decode(c.encode(), steps)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.samples {
			if got.samples[i] != c.samples[i] {
				t.Fatalf("sample %d: %v, want %v", i, got.samples[i], c.samples[i])
			}
		}
	}
}

func FuzzChunk(f *testing.F) {
	f.Add(newChunk(12).encode(), uint8(12))
	f.Add([]byte{chunkVersion, 12, 0x28, 0xb5}, uint8(12))
	f.Fuzz(func(t *testing.T, b []byte, steps uint8) {
		c, err := decode(b, int(steps))
		if err != nil {
			return
		}
		if len(c.samples) != blockSize*int(steps) {
			t.Fatalf("%d samples of %d steps", len(c.samples), steps)
		}
		for _, s := range c.samples {
			if math.IsNaN(s.Work) || s.Work < 0 {
				t.Fatalf("%v", s)
			}
		}
	})
}
