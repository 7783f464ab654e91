package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"farmproxy/alert"
	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/history"
	"farmproxy/internal/journal"
	"farmproxy/naming"
	"farmproxy/stats"
	"farmproxy/textfile"
	"farmproxy/work"
)

// post is a channel that keeps what it gets.
type post struct {
	away atomic.Bool // it can't be reached
	got  []alert.Message
	kept int  // of them
	full bool // its disk
}

func (*post) Any() bool                        { return true }
func (p *post) Send(m alert.Message)           { p.got = append(p.got, m) }
func (p *post) Keep() bool                     { p.kept = len(p.got); return !p.full }
func (p *post) Reachable(context.Context) bool { return !p.away.Load() }

// titles returns what it got since the last time.
func (p *post) titles() string {
	var list []string
	for _, m := range p.got {
		list = append(list, m.Title)
	}
	p.got = nil
	return strings.Join(list, "|")
}

// lookout looks after the books of a farm without miners, by a clock of its own.
type lookout struct {
	*alerts
	post *post
	now  time.Time
	log  journal.Journal
}

func newLookout(dir string, book *stats.Book, now time.Time) *lookout {
	g := &lookout{post: new(post), now: now}
	c := config.Default()
	c.StateDir = dir
	log := slog.New(slog.NewTextHandler(&g.log, nil))
	p := &proxy{log: log, book: book, orders: newOffice("").orders, remember: newRemembering(c, book, func() []api.Ban { return nil }, log)}
	p.running.Store(&running{config: c})
	g.alerts = newAlerts(dir, p, g.post)
	g.measure = func(now time.Time) *machineFacts { return &machineFacts{read: now} } // whatever the machine says, on which this runs
	g.configure(alert.Settings{Site: "box", CoolDown: time.Hour, Zone: time.UTC})
	return g
}

// pass lets time pass.
func (g *lookout) pass(d time.Duration) {
	for end := g.now.Add(d); g.now.Before(end); g.now = g.now.Add(alertsEvery) {
		g.alerts.prepare(context.Background(), g.now)
		g.look(g.now, nil)
	}
}

// down has a pool go down; "": it is up again.
func down(p *stats.Pool, trouble string) {
	p.LastError.Store(&trouble)
	p.Up.Store(trouble == "")
}

// served returns books that miners could be served by, with two pools that are up.
func served() (book *stats.Book, a, b *stats.Pool) {
	book = stats.New(stats.Options{Loops: 1})
	book.SetReady(nil)
	book.SetNeedsLink(false)
	a, b = book.Pool("a", "stratum+tcp://a.example:3333", 0), book.Pool("b", "stratum+tcp://b.example:3333", 1)
	down(a, "")
	down(b, "")
	return book, a, b
}

// An alert is told, logged, remembered and counted, and so is its end.
func TestAlertsAreTold(t *testing.T) {
	t.Parallel()
	book, a, _ := served()
	g := newLookout("", book, time.Now())
	down(a, "timeout")
	g.pass(5 * time.Minute)
	if got := g.post.titles(); got != "[box] Pool a is down: timeout" {
		t.Errorf("told: %s", got)
	}
	var text strings.Builder
	if err := book.WriteMetrics(&text, false); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`farmproxy_alerts{rule="pool_down",state="firing"} 1`, `farmproxy_alerts{rule="pool_down",state="pending"} 0`, `farmproxy_alerts{rule="disk",state="firing"} 0`} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("%s is not in the metrics", line)
		}
	}
	down(a, "")
	g.pass(5 * time.Minute)
	if got := g.post.titles(); got != "[box] Resolved: Pool a is up again" {
		t.Errorf("told: %s", got)
	}
	var events []string
	for _, e := range g.remember.noted() {
		events = append(events, e.Kind+" "+e.Subject+" "+e.Text)
	}
	if got := strings.Join(events, "|"); got != "alert a pool_down: Pool a is down: timeout|alert_resolved a pool_down: Pool a is up again" {
		t.Errorf("remembered: %s", got)
	}
	if !g.log.Has("level=WARN msg=\"alert: Pool a is down: timeout\"") || !g.log.Has("level=INFO msg=\"alert resolved: Pool a is up again\"") {
		t.Error(g.log.String())
	}
}

// A restart tells nothing twice, and what is over meanwhile is told.
func TestAlertsOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	book, a, _ := served()
	g := newLookout(dir, book, time.Now())
	down(a, "timeout")
	g.pass(5 * time.Minute)
	g.post.titles()
	g.engine.Started(time.Now().Add(-time.Hour)) // it has run for long
	g.saveLast()
	g = newLookout(dir, book, time.Now())
	var state struct{ Settle time.Duration }
	if _, looked, _ := g.Alerts(); !looked.IsZero() {
		t.Errorf("it has looked at %v, before the start", looked)
	}
	if err := json.Unmarshal(g.state(time.Now()), &state); err != nil || state.Settle > -14*time.Minute || state.Settle < -15*time.Minute {
		t.Errorf("workers have until %v ago to come back: %v", state.Settle, err)
	}
	g.pass(5 * time.Minute)
	if got := g.post.titles(); got != "" {
		t.Errorf("told again: %s", got)
	}
	if _, looked, _ := g.Alerts(); looked.IsZero() {
		t.Error("it has looked, and says that it has not")
	}
	down(a, "")
	g.pass(5 * time.Minute)
	if got := g.post.titles(); got != "[box] Resolved: Pool a is up again" {
		t.Errorf("told: %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, alertsFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if g = newLookout(dir, book, time.Now()); !g.log.Has("it may be told again") {
		t.Error(g.log.String())
	}
}

// While another process takes over nothing is told here, and it goes on from what was; if it
// comes to nothing, this one does.
func TestAlertsAreHandedOver(t *testing.T) {
	t.Parallel()
	book, a, b := served()
	g := newLookout("", book, time.Now())
	down(a, "timeout")
	g.pass(5 * time.Minute)
	g.post.titles()
	g.freeze(true)
	down(b, "refused")
	g.pass(5 * time.Minute)
	heir := newLookout("", book, g.now)
	heir.restore(g.state(time.Now()))
	heir.pass(5 * time.Minute)
	if got := g.post.titles() + "|" + heir.post.titles(); got != "|[box] Pool b is down: refused" {
		t.Errorf("told: %s", got)
	}
	g.freeze(false)
	g.pass(5 * time.Minute)
	if got := g.post.titles(); got != "[box] Pool b is down: refused" {
		t.Errorf("told when it came to nothing: %s", got)
	}
}

// What can't be written down is told all the same; the log says so once, and it is written
// when it can be.
func TestAlertsAndAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	book, a, _ := served()
	g := newLookout(dir, book, time.Now())
	full := atomic.Bool{}
	full.Store(true)
	g.write = func(path string, text []byte) error {
		if full.Load() {
			return errors.New("no space left on device")
		}
		return textfile.Replace(path, text)
	}
	written := func() { // waits for the last try
		g.save()
		eventually(t, "the disk has answered", func() bool { return !g.saving.busy.Load() })
	}
	down(a, "timeout")
	g.pass(5 * time.Minute)
	written()
	written()
	if got := strings.Count(g.log.String(), "no space left"); got != 1 || g.post.titles() == "" {
		t.Errorf("said %d times:\n%s", got, g.log.String())
	}
	full.Store(false)
	written()
	text, err := os.ReadFile(g.path)
	if err != nil || !strings.Contains(string(text), `"subject":"a"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// What was told is written down after the message that tells it, and not without it: a power
// cut in between would leave an alert that nobody is told.
func TestMessagesAreKeptBeforeWhatWasTold(t *testing.T) {
	t.Parallel()
	book, a, _ := served()
	g := newLookout(t.TempDir(), book, time.Now())
	written := 0
	g.write = func(string, []byte) error {
		if written++; g.post.kept != len(g.post.got) {
			t.Errorf("%d of %d messages were kept", g.post.kept, len(g.post.got))
		}
		return nil
	}
	save := func(want int) {
		t.Helper()
		g.save()
		eventually(t, "it is saved", func() bool { return !g.saving.busy.Load() })
		if written != want {
			t.Errorf("the file was written %d times, want %d", written, want)
		}
	}
	down(a, "timeout")
	g.pass(5 * time.Minute)
	if len(g.post.got) == 0 {
		t.Fatal("nothing was told")
	}
	g.post.full = true
	save(0)
	g.post.full = false
	save(1)
	save(1) // there is nothing new
}

// While no pool and no channel can be reached nothing is told; one message says it afterwards.
func TestABoxThatIsCutOff(t *testing.T) {
	t.Parallel()
	book, a, b := served()
	g := newLookout("", book, time.Now())
	g.pass(time.Minute)
	down(a, "timeout")
	down(b, "timeout")
	g.post.away.Store(true)
	g.pass(30 * time.Minute)
	if _, _, since := g.Alerts(); since.IsZero() || len(g.post.got) > 0 {
		t.Errorf("cut off since %v, told: %s", since, g.post.titles())
	}
	g.post.away.Store(false)
	down(a, "")
	g.pass(30 * time.Minute)
	if got := g.post.titles(); got != "[box] Back after 30 min without a pool or a channel" {
		t.Errorf("told: %s", got)
	}
	down(a, "timeout") // both are down, and the channel is there
	g.pass(30 * time.Minute)
	if got := g.post.titles(); got != "[box] Pool a is down: timeout" {
		t.Errorf("told: %s", got)
	}
}

// Miners that an operator says are off are no news, until they should be back.
func TestCurtailmentByOrder(t *testing.T) {
	t.Parallel()
	f := newOffice("")
	book, _, _ := served()
	g := newLookout("", book, time.Now())
	g.orders = f.orders
	c, err := f.Curtail("anna", api.CurtailOrder{Group: "hall-1", Reason: "the grid", Term: api.Term{For: "3h"}})
	if err != nil || c.Group != "hall-1" || c.By != "anna" || !c.From.Equal(f.clock) || !c.Until.Equal(f.clock.Add(3*time.Hour)) {
		t.Fatalf("%+v, %v", c, err)
	}
	if off := g.facts(g.now, nil).Curtailed; len(off) != 1 || !off["hall-1"].Equal(f.clock.Add(3*time.Hour)) {
		t.Errorf("off: %v", off)
	}
	if _, err := f.Curtail("anna", api.CurtailOrder{From: f.clock.Add(time.Hour).Format(time.RFC3339), Term: api.Term{For: "1h"}}); err != nil {
		t.Fatal(err)
	}
	if list := f.Curtailments(); len(list) != 2 || list[0].Group != "" || !list[0].From.Equal(f.clock.Add(time.Hour)) {
		t.Errorf("%+v", list)
	}
	if off := g.facts(g.now, nil).Curtailed; len(off) != 1 {
		t.Errorf("before it begins, off: %v", off)
	}
	if err := f.Uncurtail("anna", "hall-1"); err != nil {
		t.Error(err)
	}
	for group, want := range map[string]string{"hall-1": "no curtailment of group hall-1 is ordered", "hall-2": "no curtailment of group hall-2"} {
		if err := f.Uncurtail("anna", group); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := f.Curtail("anna", api.CurtailOrder{Group: "hall-7", Term: api.Term{For: "3h"}}); err == nil || !strings.Contains(err.Error(), `there is no group "hall-7": there is hall-1`) {
		t.Error(err)
	}
	f.clock = f.clock.Add(3 * time.Hour)
	f.look()
	want := "order hall-1: group hall-1: miners off on purpose: the grid, by anna, until " + f.clock.Local().Format(time.RFC3339)
	if len(f.past) != 4 || f.past[0] != want || f.past[2] != "order hall-1: group hall-1: miners are not off on purpose, by anna" || !strings.HasPrefix(f.past[3], "order_ended : miners off on purpose from") {
		t.Errorf("remembered: %q", f.past)
	}
}

// Workers that go while they should are marked in the history, others are not.
func TestEventsAreExcused(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ off, want string }{
		{"none", "a: gone, b: gone, up: "},
		{"hall-1", "a: planned (curtailment): gone, b: gone, up: "},
		{"", "a: planned (curtailment): gone, b: planned (curtailment): gone, up: "},
	} {
		b := &history.Batch{
			Roster: []history.Row{{Name: "a", Group: "hall-1"}, {Name: "b"}, {Name: "up", Group: "hall-1"}},
			Events: []history.Event{{Kind: "worker_down", Subject: "a", Text: "gone"}, {Kind: "worker_down", Subject: "b", Text: "gone"}, {Kind: "worker_up", Subject: "up"}},
		}
		excuse(b, map[string]time.Time{x.off: time.Now()})
		var got []string
		for _, e := range b.Events {
			got = append(got, e.Subject+": "+e.Text)
		}
		if text := strings.Join(got, ", "); text != x.want {
			t.Errorf("%q is off: %s, want %s", x.off, text, x.want)
		}
	}
}

// On production's path: a pool that is down is said by the page at the next look, and by the
// API; what an upgrade takes over is the same alert.
func TestAlertsOfAFarmThatRuns(t *testing.T) {
	t.Parallel()
	b := startOwn(t, startPool(t, nil), "[[pool]]\nname = \"dead\"\nurl = \"stratum+tcp://"+free(t)+"\"\nuser = \"farm\"\n[audit]\nquiet_links = false\n[[alerts.rule]]\nname = \"pool_down\"\nfor = \"0s\"\n")
	get := func(path string) (body io.ReadCloser) {
		reply, err := http.Get("http://" + b.web + path)
		if err != nil {
			t.Fatal(err)
		}
		return reply.Body
	}
	since := func() (at time.Time) {
		var a api.AlertList
		body := get("/api/v1/alerts")
		defer body.Close()
		if err := json.NewDecoder(body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		for _, x := range a.Alerts {
			if x.Rule == "pool_down" && x.Subject == "dead" && x.State == alert.Firing {
				at = x.Since
			}
		}
		return at
	}
	eventually(t, "a page says that a pool is down", func() bool {
		page := get("/api/v1/live")
		defer page.Close()
		first := make([]byte, 1<<16)
		n, _ := io.ReadAtLeast(page, first, 1<<10)
		return strings.Contains(string(first[:n]), `"text":"Pool dead is down: `) && !since().IsZero() // it is no alert of its own before the other pool is up
	})
	before := since()
	u, err := b.upgrade()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new process answers", func() bool { return b.status().PID == u.PID })
	if after := since(); after.Sub(before).Abs() > time.Second {
		t.Errorf("it was down since %v, and after the upgrade since %v", before, after)
	}
}

// This machine has a disk and descriptors.
func TestTheMachineIsMeasured(t *testing.T) {
	t.Parallel()
	m := measure(time.Now(), []string{t.TempDir(), "/nowhere"})
	if len(m.disks) != 1 || m.disks[0].Total == 0 || m.files.Open == 0 || m.files.Limit < m.files.Open {
		t.Errorf("%+v", m)
	}
}

// What a look at 10,000 workers costs; there are four a minute.
func BenchmarkAlertsLook(b *testing.B) {
	book, _, _ := served()
	groups, _ := naming.ParseGroups([]string{`{name:r(\d+)}`})
	book.Configure(stats.Settings{Groups: groups})
	now := time.Now()
	for i := range 10_000 {
		w := book.Worker(fmt.Sprintf("farm.r%d.%d", i/100, i))
		w.Mining("", "a", "sha256d")
		w.Connected(now, "192.0.2.1:7", "bmminer")
		w.Share(0, now, work.Accepted, 1000)
	}
	l := newLookout("", book, now)
	b.ReportAllocs()
	for b.Loop() {
		l.look(time.Now(), nil)
	}
}

// At the end the file is written beside a write that a slow disk has not taken yet: the later
// text stays, whichever is written last.
func TestALateWriteDoesNotReplaceALaterText(t *testing.T) {
	t.Parallel()
	book, _, _ := served()
	g := newLookout(t.TempDir(), book, time.Now())
	var written []string
	g.write = func(_ string, text []byte) error { written = append(written, string(text)); return nil }
	g.store([]byte("first"), 1)
	g.store([]byte("third"), 3)
	g.store([]byte("second"), 2)
	if got := strings.Join(written, " "); got != "first third" {
		t.Errorf("written: %s", got)
	}
}

// Usual hash rates are kept by the strings that the books have anyway, and none is left out.
func TestUsualRatesByTheBooksNames(t *testing.T) {
	t.Parallel()
	book := stats.New(stats.Options{Loops: 1, MaxWorkers: 10})
	own := book.Worker("farm.rig1").Name()
	rates := map[string]float64{strings.Clone(own): 1e12, "farm.gone": 2e12}
	same := (&alerts{book: book}).byBooksNames(rates)
	if !maps.Equal(same, rates) {
		t.Errorf("%v, want %v", same, rates)
	}
	for name := range same {
		if name == own && unsafe.StringData(name) != unsafe.StringData(own) {
			t.Error("the name is a copy")
		}
	}
}
