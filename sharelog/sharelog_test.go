package sharelog

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/work"
)

// kept is a share log in a directory of its own. Time passes as in a bubble.
type kept struct {
	*Log
	t   *testing.T
	dir string
	out bytes.Buffer // farmproxy's log
}

func inLog(t *testing.T, change func(*Settings), test func(k *kept)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		k := &kept{t: t, dir: dir}
		k.Log = New(slog.New(slog.NewTextHandler(&k.out, nil)))
		k.Configure(k.settingsOf(change))
		synctest.Wait()
		defer k.End(context.Background())
		test(k)
	})
}

func (k *kept) settingsOf(change func(*Settings)) Settings {
	s := Settings{Dir: k.dir, SegmentSize: 64 << 20, RotateEvery: time.Hour}
	if change != nil {
		change(&s)
	}
	return s
}

// after lets time pass.
func (k *kept) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// share adds shares of a worker, numbered from..to by their difficulty.
func (k *kept) share(from, to int) {
	for i := from; i <= to; i++ {
		k.Add(Share{Time: time.Now(), Worker: "farm.rig", Address: netip.MustParseAddrPort("10.0.0.1:4711"), Pool: "main", Algorithm: "sha256d", Verdict: work.Accepted, Work: float64(i)})
	}
}

// wantFiles compares the names of the files, and returns the lines of each.
func (k *kept) wantFiles(names ...string) (lines [][]string) {
	k.t.Helper()
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		k.t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
		lines = append(lines, k.read(e.Name()))
	}
	if !slices.Equal(got, names) {
		k.t.Fatalf("files %q, want %q", got, names)
	}
	return lines
}

func (k *kept) read(name string) []string {
	k.t.Helper()
	text, err := ReadFile(filepath.Join(k.dir, name))
	if err != nil {
		k.t.Fatalf("%s: %v", name, err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func (k *kept) wantCounts(written, left uint64) {
	k.t.Helper()
	if w, l := k.Counts(); w != written || l != left {
		k.t.Errorf("%d written, %d left out, want %d and %d", w, l, written, left)
	}
}

// A line of each format, byte for byte. A worker chooses its name, but not what a line is.
func TestLines(t *testing.T) {
	s := Share{
		Time:   time.Date(2026, 11, 26, 9, 30, 0, 42e6, time.FixedZone("CET", 3600)),
		Worker: "farm.rig", Address: netip.MustParseAddrPort("10.0.0.1:4711"), Account: "7804e4ad", Pool: "main", Algorithm: "sha256d", Verdict: work.LowDifficulty, Work: 16384,
	}
	odd := Share{Time: s.Time, Worker: "a,b\"\n", Verdict: work.Accepted, Work: 1.0 / 3}
	for _, q := range []struct {
		format Format
		share  Share
		want   string
	}{
		{JSON, s, `{"time":"2026-11-26T08:30:00.042Z","worker":"farm.rig","address":"10.0.0.1:4711","account":"7804e4ad","pool":"main","algorithm":"sha256d","verdict":"low_difficulty","difficulty":16384}`},
		{JSON, odd, `{"time":"2026-11-26T08:30:00.042Z","worker":"a,b\"\n","address":"","account":"","pool":"","algorithm":"","verdict":"accepted","difficulty":0.3333333333333333}`},
		{CSV, s, `2026-11-26T08:30:00.042Z,farm.rig,10.0.0.1:4711,7804e4ad,main,sha256d,low_difficulty,16384`},
		{CSV, odd, "2026-11-26T08:30:00.042Z,\"a,b\"\"\n\",,,,,accepted,0.3333333333333333"},
	} {
		if got := string(q.format.append(nil, &q.share)); got != q.want+"\n" {
			t.Errorf("got  %swant %s", got, q.want)
		}
	}
	if head := CSV.head(); head != "time,worker,address,account,pool,algorithm,verdict,difficulty\n" {
		t.Errorf("the head: %s", head)
	}
}

// Shares are in the file after 5 s at most, in their order, and the file has its final
// name when nobody writes to it any more.
func TestASegment(t *testing.T) {
	inLog(t, nil, func(k *kept) {
		k.share(1, 3)
		k.after(flushEvery + lookEvery)
		k.wantCounts(3, 0)
		k.wantFiles("shares-0000000001.jsonl.zst.open")
		k.share(4, 4)
		if err := k.End(context.Background()); err != nil {
			t.Fatal(err)
		}
		lines := k.wantFiles("shares-0000000001.jsonl.zst")[0]
		if len(lines) != 4 || !strings.HasSuffix(lines[0], `"difficulty":1}`) || !strings.HasSuffix(lines[3], `"difficulty":4}`) {
			t.Errorf("the lines: %q", lines)
		}
		k.wantCounts(4, 0)
	})
}

// Segments end by size and by age, are numbered on, also by the next process, and the
// oldest go.
func TestRotation(t *testing.T) {
	inLog(t, func(s *Settings) { s.RotateEvery = time.Minute }, func(k *kept) {
		for i := range 3 {
			k.share(i, i)
			k.after(2 * time.Minute)
		}
		k.wantFiles("shares-0000000001.jsonl.zst", "shares-0000000002.jsonl.zst", "shares-0000000003.jsonl.zst")

		k.Configure(k.settingsOf(func(s *Settings) { s.SegmentSize, s.Format = 1, CSV }))
		k.share(7, 7)
		k.after(2 * flushEvery)
		lines := k.wantFiles("shares-0000000001.jsonl.zst", "shares-0000000002.jsonl.zst", "shares-0000000003.jsonl.zst", "shares-0000000004.csv.zst")
		if len(lines[3]) != 2 || lines[3][0]+"\n" != CSV.head() {
			t.Errorf("a segment of CSV: %q", lines[3])
		}

		k.Configure(k.settingsOf(func(s *Settings) { s.SegmentSize, s.Keep = 1, 1 }))
		k.after(time.Second)
		k.wantFiles()
		k.share(8, 8)
		k.after(2 * flushEvery)
		k.wantFiles() // none is small enough
		k.wantCounts(5, 0)
	})
}

// Keep leaves the newest.
func TestTheOldestGo(t *testing.T) {
	inLog(t, func(s *Settings) { s.SegmentSize, s.Keep = 1, 420 }, func(k *kept) {
		for i := range 10 {
			k.share(i, i)
			k.after(2 * flushEvery)
		}
		lines := k.wantFiles("shares-0000000009.jsonl.zst", "shares-0000000010.jsonl.zst")
		if !strings.HasSuffix(lines[1][0], `"difficulty":9}`) {
			t.Errorf("the newest: %q", lines[1])
		}
	})
}

// What a crash leaves is readable, and gets its final name at the next start.
func TestAfterACrash(t *testing.T) {
	inLog(t, nil, func(k *kept) {
		k.share(1, 100)
		k.after(2 * flushEvery)
		k.share(101, 105) // lost
		second := New(slog.New(slog.DiscardHandler))
		second.Configure(k.settingsOf(nil))
		synctest.Wait()
		if lines := k.wantFiles("shares-0000000001.jsonl.zst")[0]; len(lines) != 100 {
			t.Errorf("%d lines", len(lines))
		}
		second.Add(Share{Work: 1})
		if err := second.End(context.Background()); err != nil {
			t.Fatal(err)
		}
		k.wantFiles("shares-0000000001.jsonl.zst", "shares-0000000002.jsonl.zst")
	})
}

// A disk that stands still holds nobody up: what there is no room for is left out, and
// counted.
func TestAFullQueue(t *testing.T) {
	l := &Log{}
	l.settings.Store(new(Settings))
	for range maxWaiting + 500 {
		l.Add(Share{})
	}
	if _, left := l.Counts(); left != 500 || len(l.next) != maxWaiting {
		t.Errorf("%d left out, %d wait", left, len(l.next))
	}
}

// A full disk: its shares are left out and counted, the log says so once a minute, what
// was written stays readable, and when there is room again shares are written.
func TestADiskThatIsFull(t *testing.T) {
	inLog(t, nil, func(k *kept) {
		k.share(1, 2)
		k.after(2 * flushEvery)
		var w writer
		w.of, w.log, w.settings = k.Log, slog.New(slog.NewTextHandler(&k.out, nil)), k.settingsOf(nil)
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("needs /dev/full")
		}
		defer full.Close()
		w.file, w.path, w.opened = full, filepath.Join(k.dir, "x"), time.Now()
		now := time.Now()
		for i := range 20 { // 100 s
			w.add([]Share{{Work: float64(i)}}, now)
			now = now.Add(flushEvery)
			w.add(nil, now)
		}
		k.wantCounts(2, 20)
		if n := strings.Count(k.out.String(), "left out of it; check that share_log.dir is writable and has free space"); n != 2 || !strings.Contains(k.out.String(), "no space left on device") {
			t.Errorf("the log says so %d times:\n%s", n, k.out.String())
		}
		w.file = nil
		w.add([]Share{{Work: 1}}, now)
		w.finish()
		k.wantCounts(3, 20)
	})
}

// A part of a frame, as a disk that fills up in the middle of a write leaves it, is cut
// off: the segment can be read, and goes on.
func TestHalfAFrameIsTakenBack(t *testing.T) {
	inLog(t, nil, func(k *kept) {
		w := writer{of: k.Log, log: slog.New(slog.DiscardHandler), settings: k.settingsOf(nil)}
		now := time.Now()
		w.add([]Share{{Work: 1}}, now)
		w.flush(now)
		if _, err := w.file.Write(bytes.Repeat(w.frame[:len(w.frame)/2], 9)); err != nil {
			t.Fatal(err)
		}
		w.takeBack()
		w.add([]Share{{Work: 2}}, now)
		w.finish()
		if lines := k.wantFiles("shares-0000000001.jsonl.zst")[0]; len(lines) != 2 {
			t.Errorf("the lines: %q", lines)
		}
	})
}

// Turned off it writes nothing, and what was queued is counted as left out; turned on
// while it runs, it writes what comes from then on.
func TestOnAndOff(t *testing.T) {
	inLog(t, func(s *Settings) { s.Dir = "" }, func(k *kept) {
		if k.On() || (*Log)(nil).On() {
			t.Error("it is on")
		}
		k.after(time.Hour)
		k.Configure(k.settingsOf(nil))
		k.share(1, 1)
		k.after(2 * flushEvery)
		k.wantCounts(1, 0)
		k.Configure(k.settingsOf(func(s *Settings) { s.Dir = "" }))
		k.share(2, 3) // a loop that has not heard of it
		k.after(time.Second)
		k.wantFiles("shares-0000000001.jsonl.zst")
		if _, left := k.Counts(); left > 2 {
			t.Errorf("%d left out", left)
		}
	})
}

// Other files in the directory are nobody's business.
func TestOtherFilesStay(t *testing.T) {
	inLog(t, func(s *Settings) { s.Keep = 1 }, func(k *kept) {
		for _, name := range []string{"shares-1.txt", "notes", "shares-x.jsonl.zst", "shares-0000000007"} {
			if err := os.WriteFile(filepath.Join(k.dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		k.share(1, 1)
		if err := k.End(context.Background()); err != nil {
			t.Fatal(err)
		}
		k.wantFiles("notes", "shares-0000000007", "shares-1.txt", "shares-x.jsonl.zst")
	})
}

// Add allocates nothing once the queue has grown.
func BenchmarkAdd(b *testing.B) {
	l := &Log{next: make([]Share, 0, maxWaiting)}
	s := Share{Time: time.Now(), Worker: "farm.rig", Pool: "main", Algorithm: "sha256d", Work: 16384}
	b.ReportAllocs()
	for i := range b.N {
		if i%maxWaiting == 0 {
			l.next = l.next[:0]
		}
		l.Add(s)
	}
}

func BenchmarkLine(b *testing.B) {
	for _, f := range []Format{JSON, CSV} {
		b.Run(fmt.Sprint(f), func(b *testing.B) {
			s := Share{Time: time.Now(), Worker: "farm.rig", Address: netip.MustParseAddrPort("10.0.0.1:4711"), Pool: "main", Algorithm: "sha256d", Work: 16384}
			var out []byte
			for range b.N {
				out = f.append(out[:0], &s)
			}
		})
	}
}
