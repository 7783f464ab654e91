package proxy

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/alert"
	"farmproxy/descriptors"
	"farmproxy/history"
	"farmproxy/stats"
	"farmproxy/textfile"
)

const (
	// alertsFile holds, in the state directory, what is wrong and what was told of it.
	alertsFile = "alerts.json"

	// alertsEvery is how often it is looked for trouble; while a page is open, each of its
	// ticks looks too.
	alertsEvery = 15 * time.Second

	// machineEvery is how often the machine is looked at: disks fill slowly.
	machineEvery = time.Minute

	// usualEvery is how often the usual hash rates are read: they are learnt once an hour.
	usualEvery = 10 * time.Minute
)

// sender delivers messages.
type sender interface {
	// Any reports whether there is a channel.
	Any() bool
	// Send has a message delivered. It never blocks.
	Send(alert.Message)
	// Keep writes down which messages wait, and waits for the disk; false: it could not.
	Keep() bool
	// Reachable reports whether a channel can be reached now. It takes a few seconds.
	Reachable(context.Context) bool
}

// alerts looks for trouble, on a goroutine of its own and whenever a page asks, and has
// operators told of it.
type alerts struct {
	log      *slog.Logger
	book     *stats.Book
	orders   *orders
	remember *remembering
	certs    *certificates
	measure  func(now time.Time) *machineFacts // asks this machine
	channels sender
	path     string                               // of the file; "": nothing is kept over a restart
	write    func(path string, text []byte) error // textfile.Replace, but in tests

	usual    atomic.Pointer[usual]
	machine  atomic.Pointer[machineFacts]
	cutOff   atomic.Bool
	reading  lone
	looking  lone
	saving   lone
	complain atomic.Bool // the log has said that the file can't be written

	file  sync.Mutex // serializes writes of the file, and guards saved; taken before mu
	saved int        // the text that was last to be written

	mu     sync.Mutex
	engine *alert.Engine
	texts  int  // for the file, so far
	frozen bool // another process is taking over
	dirty  bool // the file is out of date
}

// usual is what workers, groups and the farm usually hash, in H/s. Immutable.
type usual struct {
	workers map[string]float64
	totals  alert.Usual
	read    time.Time
}

// machineFacts are what the machine says of itself. Immutable.
type machineFacts struct {
	disks    []alert.Disk
	files    alert.Files
	unsynced bool
	read     time.Time
}

func newAlerts(dir string, p *proxy, channels sender) *alerts {
	a := &alerts{
		log: p.log, book: p.book, orders: p.orders, remember: p.remember, certs: &p.certs, channels: channels, write: textfile.Replace,
		measure: func(now time.Time) *machineFacts { return measure(now, writtenDirs(p.running.Load().config)) },
		engine:  alert.New(alert.Settings{}),
	}
	a.usual.Store(&usual{})
	a.machine.Store(&machineFacts{})
	if dir != "" {
		a.path = filepath.Join(dir, alertsFile)
		a.recall()
	}
	a.engine.Started(time.Now()) // whatever it was waiting for before
	p.remember.planned = a.planned
	p.book.SetAlerts(a.counts)
	p.book.SetUsual(func() (float64, map[string]float64) { t := a.usual.Load().totals; return t.Farm, t.Groups })
	return a
}

// configure has alerts as the configuration says, from the next look on.
func (a *alerts) configure(s alert.Settings) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.engine.Configure(s)
}

// run looks until ctx ends. The first time it does so when links had time to come up.
func (a *alerts) run(ctx context.Context) {
	tick := time.NewTicker(alertsEvery)
	defer tick.Stop()
	a.prepare(ctx, time.Now())
	for {
		select {
		case <-tick.C:
			a.prepare(ctx, time.Now())
			a.look(time.Now(), nil)
			a.save()
		case <-ctx.Done():
			a.saveLast()
			return
		}
	}
}

// prepare asks what a look should not wait for.
func (a *alerts) prepare(ctx context.Context, now time.Time) {
	if u := a.usual.Load(); u.read.IsZero() || now.Sub(u.read) >= usualEvery {
		a.reading.try(func() { a.readUsual(now) })
	}
	if m := a.machine.Load(); m.read.IsZero() || now.Sub(m.read) >= machineEvery {
		a.looking.try(func() { a.machine.Store(a.measure(now)) })
	}
	off := false
	if a.channels.Any() && a.noPool() {
		off = !a.channels.Reachable(ctx) && ctx.Err() == nil
	}
	a.cutOff.Store(off)
}

// noPool reports whether there are pools, and none of them is up.
func (a *alerts) noPool() bool {
	pools := a.book.Pools()
	for _, p := range pools {
		if p.Up.Load() {
			return false
		}
	}
	return len(pools) > 0
}

// readUsual reads from the history what is usual. A history that is not open yet, or can't be
// read now, is asked again with the next look.
func (a *alerts) readUsual(now time.Time) {
	h, err := a.remember.opened()
	if err != nil || h == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	workers, err := h.Usual(ctx)
	if err != nil {
		return
	}
	totals, err := h.UsualTotals(ctx, now)
	if err != nil {
		return
	}
	u := &usual{a.byBooksNames(workers), alert.Usual{Groups: make(map[string]float64)}, now}
	for k, rate := range totals {
		switch k.Kind {
		case history.Farm:
			u.totals.Farm = rate
		case history.Group:
			u.totals.Groups[k.Name] = rate
		}
	}
	a.usual.Store(u)
}

// byBooksNames returns the same rates, with the books' strings for the names that they have:
// they are kept, and others would be 0.3 MB for 10,000 workers.
func (a *alerts) byBooksNames(rates map[string]float64) map[string]float64 {
	same := make(map[string]float64, len(rates))
	a.book.EachWorker(func(w *stats.WorkerInfo) {
		if rate, known := rates[w.Name]; known {
			same[w.Name] = rate
		}
	})
	for name, rate := range rates {
		if _, there := same[name]; !there { // to set it again would replace the string, too
			same[name] = rate
		}
	}
	return same
}

// measure asks this machine, and the disks of directories.
func measure(now time.Time, dirs []string) *machineFacts {
	m := &machineFacts{read: now}
	for _, dir := range dirs {
		if s, err := (host{}).Disk(dir); err == nil {
			m.disks = append(m.disks, alert.Disk{Dir: dir, Free: s.Free, Total: s.Total, NoInodes: s.Inodes > 0 && s.FreeInodes == 0})
		}
	}
	if limit, err := limitOf(os.Getpid()); err == nil {
		if open, err := descriptors.CountOpen(); err == nil {
			m.files = alert.Files{Open: open, Limit: int(min(limit, 1<<31))}
		}
	}
	if synchronized, err := (host{}).ClockSynchronized(); err == nil {
		m.unsynced = !synchronized
	}
	return m
}

// look looks for trouble, and returns what a page says of it. workers are as they are now;
// nil: the books are asked.
func (a *alerts) look(now time.Time, workers *alert.Workers) []alert.Notice {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.frozen {
		return a.engine.Notices()
	}
	outcome := a.engine.Look(now, a.facts(now, workers))
	for _, x := range outcome.Began {
		a.log.Warn("alert: "+x.Text, "rule", x.Rule, "severity", x.Severity)
		a.remember.note("alert", x.Subject, x.Rule+": "+x.Text)
	}
	for _, x := range outcome.Ended {
		a.log.Info("alert resolved: "+x.Text, "rule", x.Rule)
		a.remember.note("alert_resolved", x.Subject, x.Rule+": "+x.Text)
	}
	if outcome.Message != nil {
		a.channels.Send(*outcome.Message)
	}
	a.dirty = a.dirty || outcome.Changed
	return a.engine.Notices()
}

// Notices implements api.Alerter.
func (a *alerts) Notices(workers *alert.Workers) []alert.Notice { return a.look(time.Now(), workers) }

// Alerts implements api.Alerter.
func (a *alerts) Alerts() (list []alert.Alert, looked, cutOff time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.engine.Alerts(), a.engine.Looked(), a.engine.CutOff()
}

// planned returns the groups whose miners are off on purpose, "" for all.
func (a *alerts) planned() map[string]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.engine.Curtailed()
}

// Off implements api.Alerter.
func (a *alerts) Off() map[string]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.engine.Off()
}

// Usual implements api.Alerter.
func (a *alerts) Usual() map[string]float64 { return a.usual.Load().workers }

// counts returns how many alerts there are, by rule and state, for metrics.
func (a *alerts) counts() []stats.AlertCount {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]stats.AlertCount, len(alert.Rules))
	place := make(map[string]int, len(alert.Rules))
	for i := range alert.Rules {
		list[i].Rule = alert.Rules[i].Name
		place[list[i].Rule] = i
	}
	for _, x := range a.engine.Alerts() {
		switch n := &list[place[x.Rule]]; x.State {
		case alert.Pending:
			n.Pending++
		case alert.Firing:
			n.Firing++
		}
	}
	return list
}
