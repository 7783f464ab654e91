package stats

import (
	"bytes"
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"farmproxy/internal/golden"
	"farmproxy/work"
)

// fill counts something of everything.
func fill(b *Book) {
	b.SetReady(nil)
	b.SetMinersMax(19_000)
	for i := range b.loops {
		l := b.Loop(i)
		l.Miners.Add(2)
		l.Subscribed.Add(2)
		l.Authorized.Add(1)
		l.Opened.Add(5)
		l.Closed[1].Add(3)
		l.Resumed.Add(1)
		l.UsersNoRoom.Add(3)
		l.UsersCrowd.Add(4)
		l.LostRolling.Add(4)
		l.Messages.Add(1_000_000)
		l.Malformed.Add(2)
		l.Notifies.Add(44)
		l.BytesIn.Add(1234)
		l.BytesOut.Add(5678)
		l.Verdicts[work.Accepted].Add(7)
		l.Work[work.Accepted].Add(0.25)
		l.Verdicts[work.BadTime].Add(1)
		l.Work[work.BadTime].Add(16)
	}
	w := b.Worker("farm.rig1")
	w.Connected(epoch, "192.0.2.1:4711", "cgminer/4.12")
	w.SetDifficulty(512)
	w.Share(0, epoch, work.Accepted, 512)
	w.Share(0, epoch, work.Stale, 512)
	b.Worker("evil\"\\\n\xff{}").SetDifficulty(0.001)
	w = b.Worker("7469e04c648902e5.rig1")
	w.Connected(epoch, "192.0.2.1:4712", "")
	w.Mining("7469e04c648902e5", "main", "scrypt")
	w.Share(0, epoch, work.Accepted, 30)
	w.Share(0, epoch, work.Stale, 30)
	b.SetStore(func() (int, error) { return 3, errors.New("the database is away") })
	b.SetRoutes(func() []Route {
		return []Route{
			{Name: "hall", Goals: []RouteGoal{
				{Name: "main", Up: true, Weight: 70, Wish: 0.7, Part: 0.69, Wished: 0.7, Owed: 1.5, Work: 4096, HashRate: 1e12, Miners: 3, Fits: 4, Moves: map[string]uint64{"balance": 2, "closed": 0}},
				{Name: "alt", Weight: 30, Wish: 0.3, Part: -1, Wished: -1, Owed: -1.5, Miners: 1, Fits: 3, Refused: map[string]uint64{"agent": 1}},
			}},
			{Name: "account:7469e04c648902e5", Account: true, Goals: []RouteGoal{{Name: "all", Weight: 1}}},
		}
	})

	p := b.Pool("main", "stratum+tcp://pool.example:3333", 0)
	p.Up.Store(true)
	p.Active.Store(true)
	p.Extranonce2.Store(8)
	b.Pool("backup", "stratum+tcp://backup.example:3333", 1).Failures.Add(3)
	b.Pool("gone", "stratum+tcp://gone.example:3333", 2)
	b.ForgetPool("gone")
	b.Pool("backup", "stratum+tcp://backup.example:3333", 1).Certificate.Store(&PoolCertificate{Ends: epoch.Add(24 * time.Hour), Signer: "R11", Pinned: true})
	compare(b, p)

	old := b.OpenLink("main", 0)
	old.State.Store(uint32(LinkDraining))
	old.Jobs.Add(10)
	old.Verdict(work.Accepted, 1024, 12*time.Millisecond)
	l := b.OpenLink("main", 0)
	l.State.Store(uint32(LinkUp))
	l.Connects.Add(1)
	l.Jobs.Add(1)
	l.Submitted.Add(2)
	l.InFlight.Add(1)
	l.LastNotify.Store(epoch.UnixNano() + int64(1500*time.Millisecond))
	l.Difficulty.Store(1024)
	l.Extranonce2.Store(8)
	l.BytesUp.Add(100)
	l.BytesDown.Add(200)
	l.Malformed.Add(2)
	l.Verdict(work.PoolRejected, 1024, 40*time.Second)
}

// compare has both pools tell of two blocks, the second one of them of the first block 400 ms
// later, with an empty job; the other of the second.
func compare(b *Book, p *Pool) {
	backup := b.Pool("backup", "stratum+tcp://backup.example:3333", 1)
	b.Listen(p, epoch)
	b.Listen(backup, epoch)
	b.NewBlock(p, [32]byte{1}, false, at(-600))
	b.NewBlock(backup, [32]byte{1}, true, at(-599.6))
	b.Filled(backup, at(-590))
	b.NewBlock(backup, [32]byte{2}, true, at(-1))
	backup.Quiet.Store(true)
	backup.QuietDisconnects.Add(2)
	backup.Difficulty.Store(65536)
	p.Difficulty.Store(1024)
	p.Disconnects.Add(5)
	p.Expected.Add(4242.5)
}

// Dashboards and alerts are built on the exposition: a change of the file is a change
// for everybody who has some.
func TestMetricsGolden(t *testing.T) {
	b := newBook(Options{Version: "1.2.3", Loops: 2, CloseReasons: []string{"eof", "slow"}})
	fill(b)
	b.SetConfiguration("0123456789abcdef")
	var out bytes.Buffer
	if err := b.WriteMetrics(&out, true); err != nil {
		t.Fatal(err)
	}
	own, _, _ := strings.Cut(out.String(), "# HELP go_")
	got := withoutVersion(own)
	const file = "testdata/metrics.txt"
	want := golden.Want(t, file, got)
	gots, wants := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(gots), len(wants)) {
		g, w := "(end)", "(end)"
		if i < len(gots) {
			g = gots[i]
		}
		if i < len(wants) {
			w = wants[i]
		}
		if g != w {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s\n(go test ./stats -rewrite, when it is meant)", file, i+1, g, w)
		}
	}
}

// withoutVersion returns a text that is the same with any version of Go.
func withoutVersion(text string) string { return strings.ReplaceAll(text, runtime.Version(), "GO") }

// Each line must be valid in Prometheus' text format, in families that are announced
// once and contiguous.
func TestMetricsFormat(t *testing.T) {
	b := newBook(Options{Loops: 1, CloseReasons: []string{"eof", "slow"}})
	fill(b)
	b.SetConfiguration("0123456789abcdef")
	var out bytes.Buffer
	if err := b.WriteMetrics(&out, true); err != nil {
		t.Fatal(err)
	}
	help := regexp.MustCompile(`^# HELP ([a-z][a-z0-9_]*) [A-Z0-9].*\.$`)
	typ := regexp.MustCompile(`^# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram|summary)$`)
	sample := regexp.MustCompile(`^([a-z][a-z0-9_]*)(\{[a-z]+="([^"\\]|\\[\\n"])*"(,[a-z]+="([^"\\]|\\[\\n"])*")*\})? -?[0-9][-+.0-9e]*$`)
	seen := map[string]bool{}
	family, kind := "", ""
	for line := range strings.Lines(strings.ToValidUTF8(out.String(), "<not UTF-8>")) {
		line = strings.TrimSuffix(line, "\n")
		if m := help.FindStringSubmatch(line); m != nil {
			if seen[m[1]] {
				t.Errorf("family %s is announced twice", m[1])
			}
			family, kind = m[1], ""
			seen[family] = true
		} else if m := typ.FindStringSubmatch(line); m != nil && m[1] == family {
			kind = m[2]
			if (kind == "counter") != strings.HasSuffix(family, "_total") {
				t.Errorf("%s is a %s: counters and nothing else end in _total", family, kind)
			}
		} else if m := sample.FindStringSubmatch(line); m != nil && kind != "" {
			base := m[1]
			if kind == "histogram" || kind == "summary" {
				base = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(base, "")
			}
			if base != family {
				t.Errorf("%q stands in family %s", line, family)
			}
		} else {
			t.Errorf("%q is not in the text format", line)
		}
	}
	if !seen["process_resident_memory_bytes"] || !seen["process_open_fds"] || !seen["go_goroutines"] {
		t.Error("nothing is told of the process")
	}
}

func TestNoWorkerMetricsUnlessAskedFor(t *testing.T) {
	b := newBook(Options{Loops: 1, CloseReasons: []string{"eof", "slow"}})
	fill(b)
	b.SetConfiguration("0123456789abcdef")
	var out bytes.Buffer
	if err := b.WriteMetrics(&out, false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "farmproxy_worker_") || strings.Contains(out.String(), "farmproxy_account_") {
		t.Error("there are series of workers or accounts")
	}
	if !strings.Contains(out.String(), "\nfarmproxy_workers 3\n") {
		t.Error("the number of workers is missing")
	}
}

// broken fails after some bytes, and records how much it was given at a time.
type broken struct{ room, largest int }

var errBroken = errors.New("the reader has gone")

func (w *broken) Write(b []byte) (int, error) {
	w.largest = max(w.largest, len(b))
	if w.room -= len(b); w.room < 0 {
		return 0, errBroken
	}
	return len(b), nil
}

func TestMetricsAreWrittenInPieces(t *testing.T) {
	b := newBook(Options{})
	for i := range 2000 {
		b.Worker(strings.Repeat("x", 100) + string(rune('A'+i)))
	}
	w := &broken{room: 1 << 30}
	if err := b.WriteMetrics(w, true); err != nil {
		t.Fatal(err)
	}
	if w.largest > expositionBuffer {
		t.Errorf("a piece of %d bytes, want %d at most", w.largest, expositionBuffer)
	}
	if err := b.WriteMetrics(&broken{room: 100_000}, true); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want %v", err, errBroken)
	}
}
