package proxy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/alert"
	"farmproxy/api"
	"farmproxy/history"
	"farmproxy/notify"
	"farmproxy/report"
	"farmproxy/stats"
	"farmproxy/textfile"
)

const (
	// notifyFile holds, in the state directory, the messages that wait, and when reports
	// were due the last time.
	notifyFile = "notifications.json"

	// reportsEvery is how often it is looked whether a report is due.
	reportsEvery = 15 * time.Second

	// reportTime bounds the reading of a report: a week of 10,000 workers takes a second.
	reportTime = time.Minute

	// parting is how long a process that is being replaced waits for messages that are
	// being sent.
	parting = 5 * time.Second
)

// notifySettings say who is told, and when reports are due.
type notifySettings struct {
	site     string
	channels []notify.Channel
	reports  report.Times
}

// notifying delivers messages, and writes and sends reports, on a goroutine of its own.
type notifying struct {
	*notify.Notifier
	log     *slog.Logger
	history func() (*history.Store, error)
	path    string                               // of the file; "": nothing is kept over a restart
	write   func(path string, text []byte) error // textfile.Replace, but in tests
	now     func() time.Time

	settings atomic.Pointer[notifySettings]
	news     chan struct{} // the file is out of date
	saving   lone
	complain atomic.Bool // the log has said that the file can't be written
	writing  sync.Mutex  // serializes writes of the file; taken before mu

	mu     sync.Mutex
	last   map[report.Kind]time.Time // when each was due the last time
	frozen bool                      // another process has it
}

// notifyState is what a file and the next process get. Fields are only added.
type notifyState struct {
	Reports map[report.Kind]time.Time `json:"reports"`
	Waiting []notify.Waiting          `json:"waiting"`
}

func newNotifying(dir string, p *proxy) *notifying {
	n := &notifying{log: p.log, history: p.remember.opened, write: textfile.Replace, now: time.Now, news: make(chan struct{}, 1), last: make(map[report.Kind]time.Time)}
	n.Notifier = notify.New(notify.Options{Version: Version(), Log: p.log, Changed: n.changed})
	n.settings.Store(new(notifySettings))
	if dir != "" {
		n.path = filepath.Join(dir, notifyFile)
	}
	p.book.SetChannels(n.counts)
	return n
}

// changed says that the file is out of date.
func (n *notifying) changed() {
	select {
	case n.news <- struct{}{}:
	default:
	}
}

// configure has it tell those people from now on.
func (n *notifying) configure(s *notifySettings) {
	n.settings.Store(s)
	n.Configure(s.channels)
}

// recall reads the file. The channels must have been configured.
func (n *notifying) recall() {
	if n.path == "" {
		return
	}
	text, err := os.ReadFile(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = n.restore(text)
	}
	if err != nil {
		n.log.Warn("messages that waited are lost, and a report may come twice", "file", n.path, "error", err)
	}
}

// restore goes on from a state.
func (n *notifying) restore(text []byte) error {
	var s notifyState
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	n.Restore(s.Waiting)
	n.mu.Lock()
	defer n.mu.Unlock()
	for kind, at := range s.Reports {
		n.last[kind] = at
	}
	return nil
}

// state returns what the file and the next process get.
func (n *notifying) state() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	text, err := json.Marshal(notifyState{n.last, n.Waiting()})
	if err != nil {
		panic("notifications that are no JSON: " + err.Error()) // any test finds it
	}
	return text
}

// run delivers, and sends reports, until ctx ends.
func (n *notifying) run(ctx context.Context) {
	var delivering sync.WaitGroup
	delivering.Go(func() { n.Run(ctx) })
	tick := time.NewTicker(reportsEvery)
	defer tick.Stop()
	for {
		n.sendReports(ctx)
		select {
		case <-n.news:
			n.save()
		case <-tick.C:
		case <-ctx.Done():
			delivering.Wait()
			n.saveLast()
			return
		}
	}
}

// save writes the file, and waits for no disk.
func (n *notifying) save() {
	if n.path == "" || n.isFrozen() {
		return
	}
	begun := n.saving.try(func() {
		if !n.Keep() {
			time.AfterFunc(reportsEvery, n.changed)
		}
	})
	if !begun {
		time.AfterFunc(time.Second, n.changed) // when the disk may have taken the last one
	}
}

// Keep implements sender.
func (n *notifying) Keep() bool {
	n.writing.Lock()
	defer n.writing.Unlock()
	switch {
	case n.path == "":
		return true
	case n.isFrozen():
		return false
	}
	err := n.write(n.path, n.state())
	if err == nil {
		n.complain.Store(false)
		return true
	}
	if !n.complain.Swap(true) {
		n.log.Error("messages that wait could not be written down: a restart loses them; it is tried again every 15 seconds: make room, or let farmproxy's user write there", "file", n.path, "error", err)
	}
	return false
}

// saveLast writes the file at the end, if the disk takes it.
func (n *notifying) saveLast() {
	if n.path == "" {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Keep()
	}()
	select {
	case <-done:
	case <-time.After(stopTime):
	}
}

func (n *notifying) isFrozen() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.frozen
}

// freeze has nothing sent and written any more: another process takes over. It waits a little
// for what is being sent.
func (n *notifying) freeze() {
	n.mu.Lock()
	n.frozen = true
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), parting)
	defer cancel()
	_ = n.Pause(ctx) // what is not out by then is sent again
}

// thaw has it go on.
func (n *notifying) thaw() {
	n.mu.Lock()
	n.frozen = false
	n.mu.Unlock()
	n.Resume()
}

// sendReports sends the reports that are due.
func (n *notifying) sendReports(ctx context.Context) {
	s := n.settings.Load()
	for _, kind := range report.Kinds {
		now := n.now()
		n.mu.Lock()
		if n.last[kind].IsZero() {
			n.last[kind] = now.Round(0) // a new farm has no report to wait for
			n.changed()
		}
		at, send := s.reports.Due(kind, n.last[kind], now)
		if !send && !n.last[kind].Equal(at) {
			n.last[kind] = at
			n.changed()
		}
		frozen := n.frozen
		n.mu.Unlock()
		if frozen || !send || !n.wantReports() {
			continue
		}
		m, err := n.report(ctx, kind, now)
		if err != nil && !errors.Is(err, errNotRemembering) {
			n.log.Warn("a report is due and can't be made yet", "report", kind, "error", err)
			continue // until it is too late
		}
		n.mu.Lock()
		n.last[kind] = at
		n.mu.Unlock()
		n.changed()
		if err != nil {
			n.log.Warn("there is no report", "report", kind, "error", err)
			continue
		}
		n.Send(*m)
		n.log.Info("report", "report", kind, "title", m.Title)
	}
}

// wantReports reports whether a channel gets them.
func (n *notifying) wantReports() bool {
	return slices.ContainsFunc(n.settings.Load().channels, func(c notify.Channel) bool { return slices.Contains(c.Gets, notify.Reports) })
}

// read reads the last report of a kind.
func (n *notifying) read(ctx context.Context, kind report.Kind, now time.Time) (*report.Report, error) {
	h, err := n.history()
	switch {
	case err != nil:
		return nil, err
	case h == nil:
		return nil, errNotRemembering
	}
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	s := n.settings.Load()
	return report.Read(ctx, h, s.site, report.Before(kind, now, zoneOf(s)))
}

func zoneOf(s *notifySettings) *time.Location { return cmp.Or(s.reports.Zone, time.Local) }

// titles are what reports are called.
var titles = map[report.Kind]string{report.Daily: "Daily report", report.Weekly: "Weekly report"}

// report returns the last report of a kind as a message.
func (n *notifying) report(ctx context.Context, kind report.Kind, now time.Time) (*alert.Message, error) {
	r, err := n.read(ctx, kind, now)
	if err != nil {
		return nil, err
	}
	m := n.message(alert.Report, titles[kind]+", "+r.Title(), r.Title()+"\n\n"+r.Text())
	m.HTML = r.HTML()
	return m, nil
}

// message returns one of this farm.
func (n *notifying) message(kind alert.Kind, title, text string) *alert.Message {
	s := n.settings.Load()
	if s.site != "" {
		title = "[" + s.site + "] " + title
	}
	return &alert.Message{Kind: kind, At: n.now().Round(0).In(zoneOf(s)), Site: s.site, Title: title, Text: text}
}

// Channels implements api.Channels.
func (n *notifying) Channels() []api.Channel {
	list := []api.Channel{}
	for _, s := range n.States() {
		list = append(list, api.Channel{
			Name: s.Name, Kind: string(s.Kind), Gets: s.Gets, Waiting: s.Waiting, Sent: s.Sent, Failed: s.Failed, Lost: s.Lost,
			LastSent: api.OrNull(s.LastSent), FailingSince: api.OrNull(s.FailingSince), Error: s.Trouble,
		})
	}
	return list
}

// counts returns what metrics show of the channels.
func (n *notifying) counts() (list []stats.ChannelCount) {
	for _, s := range n.States() {
		list = append(list, stats.ChannelCount{Channel: s.Name, Waiting: s.Waiting, Sent: s.Sent, Failed: s.Failed, Lost: s.Lost})
	}
	return list
}

// Test implements api.Channels.
func (n *notifying) Test(ctx context.Context, by string, o api.TestOrder) (*api.Tests, error) {
	m := n.message(alert.Test, "Test of the alerts of farmproxy", fmt.Sprintf("This is a test, asked for by %s. Alerts and reports will come this way.", by))
	if o.Report != "" {
		kind, err := report.KindOf(o.Report)
		if err != nil {
			return nil, err
		}
		if m, err = n.report(ctx, kind, n.now()); err != nil {
			return nil, err
		}
	}
	results, err := n.TestNow(ctx, o.Channel, *m)
	if err != nil {
		return nil, api.NotFound("%s", err)
	}
	a := &api.Tests{Results: []api.TestResult{}}
	for _, r := range results {
		t := api.TestResult{Channel: r.Channel, Kind: string(r.Kind), Sent: r.Err == nil, Seconds: r.Took.Seconds()}
		if r.Err != nil {
			t.Error = r.Err.Error()
			n.log.Warn("a test was not delivered", "channel", r.Channel, "error", r.Err)
		}
		a.Results = append(a.Results, t)
	}
	return a, nil
}
