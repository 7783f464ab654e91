package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"farmproxy/api"
	"farmproxy/check"
	"farmproxy/config"
	"farmproxy/systemd"
)

// How a configuration changes while farmproxy runs: the file is read and checked as a
// whole, compared with the configuration in use, and applied as a whole or not at all.

// running is the configuration in use, and the file that a reload reads. Immutable.
type running struct {
	config   *config.Config
	file     string
	from     *config.File // that config is from: it may have changed on the disk since
	lastGood bool         // the file was broken at the start: this is the last one that was good
}

// errNotLoaded is the error of a reload that changed nothing: the problems say why.
var errNotLoaded = errors.New("the configuration was not loaded: farmproxy goes on with the one that it has")

// reload has farmproxy work by what a file says now; "": by the one that it was started
// with, or that was last named. If anything is wrong it changes nothing, and the answer
// beside the error says what. One reload waits for another.
func (p *proxy) reload(ctx context.Context, file string) (*api.Reload, error) {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	if p.successor.serves() { // it has waited for the upgrade: what it loads here is in use for a moment
		p.log.Error("the configuration was not loaded", "error", errFrozen)
		r := newReload(file)
		r.Error = errFrozen.Error()
		return r, errFrozen
	}
	if file == "" {
		file = p.running.Load().file
	}
	p.warn(systemd.Reloading())
	r, err := p.load(ctx, file)
	p.warn(systemd.Ready())
	p.tellReload(r, err)
	if err != nil {
		r.Error = err.Error()
		p.book.SetConfigurationFailed()
	}
	return r, err
}

// reloadFile reads the file again that farmproxy has.
func (p *proxy) reloadFile() (*api.Reload, error) { return p.reload(context.Background(), "") }

// reloadOnHangup reloads at each SIGHUP, until ctx ends.
func (p *proxy) reloadOnHangup(ctx context.Context) {
	for {
		select {
		case <-p.hangups:
			_, _ = p.reload(ctx, "") // the log says what came of it
		case <-ctx.Done():
			return
		}
	}
}

// loading is a file that was read and checked, with all files that it names. Nothing has
// changed yet.
type loading struct {
	file     *config.File
	config   *config.Config
	settings settings
	report   *api.Reload
	warnings config.Problems
	problems config.Problems // of the configuration; report has them, and others
	err      error
}

// load is reload without what surrounds it. The caller has reloading.
func (p *proxy) load(ctx context.Context, file string) (*api.Reload, error) {
	x, err := bounds(&p.reading, func() *loading { return p.read(ctx, file) })
	if err != nil {
		r := newReload(file)
		r.Problems = []string{err.Error()}
		return r, errNotLoaded
	}
	r := x.report
	if x.err != nil {
		return r, x.err
	}
	if len(r.Changes) > 0 {
		if err := p.apply(&x.settings); err != nil {
			r.Changes, r.Problems = []string{}, append(r.Problems, err.Error())
			return r, errNotLoaded
		}
	}
	p.book.SetConfiguration(x.config.Fingerprint())
	p.use(&running{config: x.config, file: x.file.Path(), from: x.file})
	p.orders.warnHomeless()
	return r, nil
}

// read reads and checks a file, and compares it with the configuration in use.
func (p *proxy) read(ctx context.Context, file string) *loading {
	f, err := config.Open(file)
	if err != nil {
		x := &loading{report: newReload(file)}
		return x.fail(err)
	}
	x := p.consider(ctx, Overlaid(f, "", true))
	if x.err != nil {
		return x
	}
	before := p.settings.Load()
	if x.config.HTTP.TokenFile == p.running.Load().config.HTTP.TokenFile && !reflect.DeepEqual(before.web.Tokens, x.settings.web.Tokens) {
		x.report.Changes = append(x.report.Changes, config.Change{Kind: config.Read, Key: "http.token_file"}.String())
	}
	if reflect.DeepEqual(x.config.Alerts.Channels, p.running.Load().config.Alerts.Channels) && !reflect.DeepEqual(before.notify.channels, x.settings.notify.channels) {
		x.report.Changes = append(x.report.Changes, config.Change{Kind: config.Read, Key: "alerts.channel.secret_file"}.String())
	}
	p.certs.check(p.log)
	return x
}

// consider checks a file that has been read, compares it with the configuration in use, and
// reads all files that it names.
func (p *proxy) consider(ctx context.Context, f *config.File) *loading {
	x := p.compare(ctx, f)
	if x.err != nil {
		return x
	}
	var err error
	if x.settings, err = p.plan(x.config); err != nil {
		return x.fail(err)
	}
	return x
}

// fail notes why a file can't be used.
func (x *loading) fail(problem error) *loading {
	x.report.Problems, x.err = append(x.report.Problems, problem.Error()), errNotLoaded
	x.problems = append(x.problems, config.Problem{Want: problem.Error()})
	return x
}

// compare checks a file and compares it with the configuration in use.
func (p *proxy) compare(ctx context.Context, f *config.File) *loading {
	x := &loading{file: f, report: newReload(f.Path())}
	now := p.running.Load().config
	seen := examine(ctx, f, occupied{ours: now}, true, false)
	errs, warnings := seen.Problems.Split()
	x.warnings = warnings
	for _, w := range warnings {
		x.report.Warnings = append(x.report.Warnings, w.String())
	}
	var changes []config.Change
	if len(errs) == 0 {
		x.report.Fingerprint = seen.Config.Fingerprint()
		changes = config.Changes(now, seen.Config)
		if fixed := unchangeable(changes); len(fixed) > 0 {
			errs, _ = f.Place(fixed).Split()
		}
	}
	if len(errs) > 0 {
		x.problems, x.err = errs, errNotLoaded
		for _, e := range errs {
			x.report.Problems = append(x.report.Problems, e.String())
		}
		return x
	}
	x.config = seen.Config
	x.report.Changes = make([]string, len(changes))
	for i, c := range changes {
		x.report.Changes[i] = c.String()
	}
	return x
}

// unchangeable returns a problem for each change of a key that is read only at the start.
func unchangeable(changes []config.Change) (found config.Problems) {
	for _, c := range changes {
		for key, reason := range startKeys {
			if c.Key == key || strings.HasPrefix(c.Key, key+".") {
				found = append(found, config.Problem{Key: c.Key, Value: c.To,
					Want: fmt.Sprintf("this can't change while farmproxy runs (it is %s now): %s", c.From, reason),
					Try:  "farmproxy upgrade, or a restart; or the old value, and the rest is loaded"})
			}
		}
	}
	return found
}

// use notes which configuration is in use from now on, and keeps its file for a start that
// finds a broken one.
func (p *proxy) use(r *running) {
	p.running.Store(r)
	p.certs.keep(r.config)
	dir := stateDir(r.config)
	kept, err := bounds(&p.keeping, func() error { return keepGood(dir, r.from) })
	if err != nil {
		kept = fmt.Errorf("the configuration is in use, but could not be kept as the last good one: writing to %s takes too long: is a file system away, or a disk failing?", dir)
	}
	p.warn(kept)
}

// tellReload logs what came of a reload.
func (p *proxy) tellReload(r *api.Reload, err error) {
	for _, w := range r.Warnings {
		p.log.Warn(w)
	}
	if err != nil {
		for _, problem := range r.Problems {
			p.log.Error(problem)
		}
		p.log.Error(err.Error(), "file", r.File, "problems", len(r.Problems))
		p.remember.note("configuration_refused", "", strings.Join(r.Problems, "; "))
		return
	}
	for _, change := range r.Changes {
		p.log.Info("configuration: " + change)
	}
	if len(r.Changes) > 0 {
		p.remember.note("configuration", "", strings.Join(r.Changes, "; "))
	}
	p.log.Info("configuration loaded", "file", r.File, "changes", len(r.Changes), "fingerprint", r.Fingerprint)
}

// difference says what a reload of a file with that text would do.
func (p *proxy) difference(ctx context.Context, file, text string) (*api.Reload, error) {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	x, err := bounds(&p.reading, func() *loading {
		return p.compare(ctx, Overlaid(config.FileOf(file, []byte(text)), stateDir(p.running.Load().config), true))
	})
	if err != nil {
		x = &loading{report: newReload(file), err: err}
	}
	if x.err != nil {
		x.report.Error = x.err.Error()
	}
	return x.report, x.err
}

// newReload returns a Reload with nothing in it; its lists are not null in JSON.
func newReload(file string) *api.Reload {
	return &api.Reload{File: file, Changes: []string{}, Warnings: []string{}, Problems: []string{}}
}

// configuration returns the one in use.
func (p *proxy) configuration() *api.Configuration {
	now := p.running.Load()
	return &api.Configuration{File: now.file, LastGood: now.lastGood, Fingerprint: now.config.Fingerprint(), Overlay: now.overlay(), Config: now.config.Shown()}
}

// occupied is this machine with ports that this farmproxy has itself.
type occupied struct {
	machine
	ours *config.Config
}

// Bind implements check.Machine.
func (o occupied) Bind(address string) error {
	var open []string
	for _, l := range o.ours.Listeners {
		open = append(open, l.Address)
	}
	if o.ours.HTTP.Address != "" {
		open = append(open, o.ours.HTTP.Address)
	}
	if slices.Contains(open, address) {
		return nil
	}
	err := o.machine.Bind(address)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	_, port, _ := net.SplitHostPort(address)
	for _, other := range open {
		if _, used, _ := net.SplitHostPort(other); used == port {
			return &check.Overlap{Open: other}
		}
	}
	return err
}

// Farmproxy implements check.Machine: a port that is not ours is another program's.
func (occupied) Farmproxy(context.Context, string) bool { return false }

// reloadArgs are those of the command reload.
type reloadArgs struct {
	File string `json:"file"` // absolute; "": the one that farmproxy has
}

// absolute returns the file's path, or an error.
func (a *reloadArgs) absolute() (string, error) {
	if a.File != "" && !filepath.IsAbs(a.File) {
		return "", fmt.Errorf("file = %q: expected an absolute path", a.File)
	}
	return a.File, nil
}

// differenceArgs are those of the command diff.
type differenceArgs struct {
	File string `json:"file"` // what problems call it
	Text string `json:"text"` // what is in it
}
