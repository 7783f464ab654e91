package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"farmproxy/alert"
	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/handover"
	"farmproxy/history"
	"farmproxy/internal/journal"
	"farmproxy/notify"
	"farmproxy/report"
	"farmproxy/stats"
	"farmproxy/wish"
)

// receiver is a webhook's server. It takes everything, unless it is told not to.
type receiver struct {
	*httptest.Server
	got  chan map[string]any
	says chan int // statuses of the next answers, instead of 204
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{got: make(chan map[string]any, 100), says: make(chan int, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		select {
		case code := <-r.says:
			w.WriteHeader(code)
			return
		default:
		}
		var m map[string]any
		if json.Unmarshal(body, &m) == nil {
			r.got <- m
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) wait(t *testing.T) map[string]any {
	t.Helper()
	select {
	case m := <-r.got:
		return m
	case <-time.After(patience):
		t.Fatal("no message comes")
		return nil
	}
}

func (r *receiver) channel(name string) config.Channel {
	return config.Channel{Name: name, Kind: config.ChannelWebhook, URL: config.Secret(r.URL), Gets: []string{"page", "ticket", "report"}}
}

// A test by the API: it comes, it is told what became of it, and the list and the metrics
// have the channels.
func TestAChannelIsTested(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	p, _ := startProxy(t, func(c *config.Config) {
		c.Alerts.Site = "north"
		c.Alerts.Channels = []config.Channel{r.channel("ops"), {Name: "away", Kind: config.ChannelSlack, URL: config.Secret(gone.URL + "/S3CR3T"), Gets: []string{"page"}}}
	}, nil, startPool(t, nil))
	code, body := p.request(t, "POST", "/api/v1/alerts/test", "{}")
	if m := r.wait(t); code != 200 || m["kind"] != "test" || m["site"] != "north" || !strings.HasPrefix(m["title"].(string), "[north] Test") {
		t.Errorf("%d %s: %v", code, body, m)
	}
	var tests api.Tests
	if err := json.Unmarshal([]byte(body), &tests); err != nil {
		t.Fatal(err)
	}
	if a, b := tests.Results[0], tests.Results[1]; a.Channel != "ops" || !a.Sent || b.Channel != "away" || b.Sent || b.Error == "" {
		t.Errorf("%s", body)
	}
	if code, body := p.request(t, "POST", "/api/v1/alerts/test", `{"channel":"opps"}`); code != 404 || !strings.Contains(body, "there is ops, away") {
		t.Errorf("%d %s", code, body)
	}
	if code, body := p.request(t, "POST", "/api/v1/alerts/test", `{"report":"yearly"}`); code != 400 {
		t.Errorf("%d %s", code, body)
	}
	p.notify.Send(alert.Message{Kind: alert.Report, At: time.Now(), Title: "x"})
	r.wait(t)
	eventually(t, "it is counted", func() bool {
		_, metrics := p.request(t, "GET", "/metrics", "")
		return strings.Contains(metrics, `farmproxy_notifications_total{channel="ops",result="sent"} 1`) && strings.Contains(metrics, `farmproxy_notifications_waiting{channel="away"} 0`)
	})
	_, list := p.request(t, "GET", "/api/v1/alerts", "")
	if !strings.Contains(list, `{"name":"ops","kind":"webhook","gets":["page","ticket","report"],"waiting":0,"sent":1,`) || strings.Contains(list, "S3CR3T") {
		t.Errorf("%s", list)
	}
}

// A message whose server is away is delivered after a restart, once.
func TestMessagesWaitOverARestart(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), newReceiver(t)
	pool := startPool(t, nil)
	change := func(c *config.Config) {
		c.StateDir = dir
		c.Alerts.Channels = []config.Channel{r.channel("ops")}
	}
	for range 10 {
		r.says <- http.StatusServiceUnavailable
	}
	p, stop := launch(t, testLog{t}, change, nil, pool)
	p.notify.Send(alert.Message{Kind: alert.Report, At: time.Now(), Title: "waits"})
	eventually(t, "the server says no", func() bool { return p.notify.States()[0].Failed > 0 })
	stop()
	info, err := os.Stat(filepath.Join(dir, notifyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", info, err)
	}
	for len(r.says) > 0 {
		<-r.says
	}
	_, stop = launch(t, testLog{t}, change, nil, pool)
	if m := r.wait(t); m["title"] != "waits" {
		t.Errorf("%v", m)
	}
	stop()
	_, stop = launch(t, testLog{t}, change, nil, pool)
	stop()
	if len(r.got) > 0 {
		t.Errorf("it comes again: %v", <-r.got)
	}
}

// What waits goes on in the process that takes over, and this one sends it no more.
func TestMessagesWaitOverAnUpgrade(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	pool := startPool(t, nil)
	change := func(c *config.Config) { c.Alerts.Channels = []config.Channel{r.channel("ops")} } // without a state_dir
	before, _ := startProxy(t, change, nil, pool)
	for range 10 {
		r.says <- http.StatusServiceUnavailable
	}
	before.notify.Send(alert.Message{Kind: alert.Report, At: time.Now(), Title: "waits"})
	eventually(t, "the server says no", func() bool { return before.notify.States()[0].Failed > 0 })
	before.notify.freeze()
	for len(r.says) > 0 {
		<-r.says
	}
	next, _ := startProxy(t, change, nil, pool)
	if err := (&heir{proxy: next}).Take(handover.Record{Section: notifySection, Data: before.notify.state()}); err != nil {
		t.Fatal(err)
	}
	if m := r.wait(t); m["title"] != "waits" {
		t.Errorf("%v", m)
	}
	eventually(t, "nothing waits", func() bool { return len(next.notify.Waiting()) == 0 })
	if before.notify.States()[0].Sent != 0 {
		t.Error("the process before has sent it, too")
	}
}

// The file of a secret is read at a reload; one that is away keeps nobody from mining, and is
// said where an operator looks.
func TestSecretFile(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "token")
	c := &config.Channel{Name: "phone", Kind: config.ChannelTelegram, Chat: "1", SecretFile: secret, Gets: []string{"page"}}
	read := func() notify.Channel {
		return notifySettingsOf(&config.Alerts{Channels: []config.Channel{*c}}).channels[0]
	}
	if n := read(); !strings.Contains(n.Trouble, "there is no such file: write the secret into it") {
		t.Errorf("%+v", n)
	}
	for text, want := range map[string]string{"110:AAH\n": "110:AAH", "  \n": "", "110:AAH\nsecond\n": "", "110:\tAAH\n": "", "\r\n110:AAH\r\n": "110:AAH"} {
		if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if n := read(); n.Secret != want || (n.Trouble == "") != (want != "") {
			t.Errorf("%q: %+v", text, n)
		}
		if n := read(); n.Trouble != "" && strings.Contains(n.Trouble, "AAH") {
			t.Errorf("%q: shows the secret: %s", text, n.Trouble)
		}
	}
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	if n := read(); !strings.Contains(n.Trouble, "chmod 640 it") {
		t.Errorf("%+v", n)
	}
	c.Kind, c.Chat = config.ChannelSlack, ""
	if err := errors.Join(os.WriteFile(secret, []byte("https://hooks.example/x\n"), 0o600), os.Chmod(secret, 0o600)); err != nil {
		t.Fatal(err)
	}
	if n := read(); n.URL != "https://hooks.example/x" || n.Trouble != "" {
		t.Errorf("%+v", n)
	}
}

// reporter is a notifying whose clock is the test's, beside a real history.
func reporter(t *testing.T, dir string, now *time.Time, r *receiver, log io.Writer) *notifying {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(log, nil))
	store := historyAt(t, filepath.Join(dir, historyFile))
	p := &proxy{log: logger, book: stats.New(stats.Options{Loops: 1}), remember: new(remembering)}
	n := newNotifying(dir, p)
	n.history = func() (*history.Store, error) { return store, nil }
	n.now = func() time.Time { return *now }
	a := config.Default().Alerts
	a.Site, a.Zone, a.Channels = "north", "Europe/Berlin", []config.Channel{r.channel("ops")}
	s := notifySettingsOf(&a)
	n.configure(&s)
	n.recall()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return n
}

// The reports come at their times in their zone, once, also over a restart.
func TestReportsAreSentOnce(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), newReceiver(t)
	log := new(journal.Journal)
	berlin := must(wish.LoadZone("Europe/Berlin"))
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, berlin) // a Sunday
	n := reporter(t, dir, &now, r, log)
	at := func(day, hour, minute int) {
		now = time.Date(2026, 11, day, hour, minute, 0, 0, berlin)
		n.sendReports(t.Context())
	}
	want := func(titles ...string) {
		t.Helper()
		for _, title := range titles {
			if m := r.wait(t); m["kind"] != "report" || !strings.HasPrefix(m["title"].(string), title) {
				t.Errorf("%v, want %s", m, title)
			}
		}
		if len(r.got) > 0 {
			t.Errorf("and %v", <-r.got)
		}
	}
	at(22, 12, 0) // the first look: nothing is due
	at(23, 6, 59)
	want()
	at(23, 7, 0)
	want("[north] Daily report, Sun 22 Nov 2026: ", "[north] Weekly report, Week of Mon 16 Nov 2026 to Sun 22 Nov 2026: ")
	at(23, 7, 1)
	want()
	eventually(t, "nothing waits", func() bool { return len(n.Waiting()) == 0 })
	n.Keep()

	n = reporter(t, dir, &now, r, log) // a restart
	at(23, 7, 2)
	want()
	at(24, 9, 0) // it was off at seven
	want("[north] Daily report, Mon 23 Nov 2026: ")
	n.freeze() // another process takes over
	at(25, 7, 0)
	n.thaw()
	want()
	at(25, 7, 1)
	want("[north] Daily report, Tue 24 Nov 2026: ")
	n.last[report.Daily] = now.AddDate(1, 0, 0) // the clock was a year ahead
	at(25, 9, 0)
	want()
	at(26, 7, 0)
	want("[north] Daily report, Wed 25 Nov 2026: ")
}

// A report that can't be made yet is made when it can be; one without a history is said once.
func TestReportWithoutHistory(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), newReceiver(t)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	log := new(journal.Journal)
	n := reporter(t, dir, &now, r, log)
	there := n.history
	n.sendReports(t.Context())
	now = now.Add(24 * time.Hour)
	n.history = func() (*history.Store, error) { return nil, errHistoryOpening }
	n.sendReports(t.Context())
	n.history = there
	n.sendReports(t.Context())
	if m := r.wait(t); m["kind"] != "report" {
		t.Errorf("%v", m)
	}
	now = now.Add(24 * time.Hour)
	n.history = func() (*history.Store, error) { return nil, nil }
	n.sendReports(t.Context())
	n.sendReports(t.Context())
	if log.Count("there is no report") != 1 || len(r.got) > 0 {
		t.Errorf("%d messages, log:\n%s", len(r.got), log.String())
	}
	if _, err := n.report(t.Context(), report.Daily, now); !errors.Is(err, errNotRemembering) {
		t.Errorf("error %v", err)
	}
}

// A file that is damaged costs what was in it, and no more.
func TestDamagedNotificationsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, notifyFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := new(journal.Journal)
	now := time.Now()
	n := reporter(t, dir, &now, newReceiver(t), log)
	if !log.Has("messages that waited are lost") {
		t.Errorf("the log does not say so:\n%s", log)
	}
	n.Keep()
	text, err := os.ReadFile(n.path)
	if err != nil || !json.Valid(text) {
		t.Errorf("%s, %v", text, err)
	}
}
