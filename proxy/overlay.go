package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/check"
	"farmproxy/config"
	"farmproxy/systemd"
	"farmproxy/textfile"
)

// overlayFile holds, in the state directory, the pools and routes that were set over the API.
const overlayFile = "overlay.toml"

// Overlaid lays over a file what was set over the API of the farmproxy that works by it.
// needed as in config.OpenOverlay. otherwise is its state directory if neither the file nor
// the service manager names one; "": it has none.
func Overlaid(f *config.File, otherwise string, needed bool) *config.File {
	if dir := cmp.Or(f.StateDir(), systemd.StateDirectory(), otherwise); dir != "" {
		return f.Over(config.OpenOverlay(filepath.Join(dir, overlayFile), needed))
	}
	return f
}

// keepOverlay writes an overlay, or with nil removes the one that there is.
func keepOverlay(path string, o *config.Overlay) error {
	if o != nil {
		return textfile.Replace(path, o.Text()) // mode 0600: it has passwords
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// overlays implements api.Overlays.
type overlays struct{ *proxy }

// Overlay implements api.Overlays.
func (p overlays) Overlay() *api.Overlay {
	now := p.running.Load()
	shown := now.config.Shown()
	return &api.Overlay{Overlay: now.overlay(), Fingerprint: now.config.Fingerprint(), Pools: shown["pool"], Routes: shown["route"]}
}

// Overlaid implements api.Overlays.
func (p overlays) Overlaid() *api.OverlayNote { return p.running.Load().overlay() }

// overlay says where the overlay in use comes from; nil: there is none.
func (r *running) overlay() *api.OverlayNote {
	if r.from == nil || r.from.Overlay() == nil {
		return nil
	}
	o := r.from.Overlay()
	return &api.OverlayNote{By: o.By, Since: api.Moment(o.Since), File: o.Path()}
}

// errOverlayRefused is the error beside an answer with problems.
var errOverlayRefused = errors.New("nothing has changed: correct what is said above")

// SetOverlay implements api.Overlays. The pools and routes are laid over the file as it is in
// use, not as it is on the disk now: nothing changes that was not asked for.
func (p overlays) SetOverlay(ctx context.Context, o api.OverlayOrder) (*api.OverlayChange, error) {
	a, x, err := p.change(ctx, o)
	if err == nil && o.Connect {
		a.Offers = p.tryNew(ctx, x)
	}
	return a, err
}

func (p overlays) change(ctx context.Context, o api.OverlayOrder) (*api.OverlayChange, *loading, error) {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	now, dir := p.running.Load(), ""
	if now.from != nil {
		dir = stateDir(now.config)
	}
	switch {
	case p.successor.serves():
		return nil, nil, errFrozen
	case o.Fingerprint != "" && o.Fingerprint != now.config.Fingerprint():
		return nil, nil, api.ErrOutdated
	case dir == "":
		return nil, nil, api.Unable("there is no state directory to keep this in: set state_dir in the configuration and restart farmproxy, or change the configuration file and reload it")
	}
	path := filepath.Join(dir, overlayFile)
	a := &api.OverlayChange{DryRun: o.DryRun, Changes: []string{}, Effects: []string{}, Offers: []string{}, Warnings: []string{}, Problems: []api.OverlayProblem{}}
	f := now.from.Over(nil)
	if o.Lists != nil {
		laid, problems := config.MakeOverlay(path, config.Lists(*o.Lists), now.config, o.By, time.Now())
		if laid == nil {
			return refusedOverlay(a, problems)
		}
		f = f.Over(laid)
	}
	x, err := bounds(&p.reading, func() *loading { return p.consider(ctx, f) })
	if err != nil {
		return refusedOverlay(a, config.Problems{{Want: err.Error()}})
	}
	if x.err != nil {
		return refusedOverlay(a, x.problems)
	}
	a.Fingerprint, a.Changes = x.report.Fingerprint, x.report.Changes
	for _, w := range x.warnings {
		if w.Key != "" && w.File == path {
			a.Warnings = append(a.Warnings, unplaced(w).Text)
		}
	}
	a.Effects = append(a.Effects, effects(now.config, x.config, p.facts())...)
	if now.from.Overlay() == nil && len(a.Changes) > 0 {
		a.Effects = append(a.Effects, "From now on [[pool]] and [[route]] of "+now.file+" have no effect, until the overlay is removed.")
	}
	if o.DryRun || len(a.Changes) == 0 && (o.Lists == nil) == (now.from.Overlay() == nil) {
		return a, x, nil
	}
	if err := p.lay(path, x, now); err != nil {
		a.Fingerprint, a.Changes, a.Effects = "", []string{}, []string{}
		return refusedOverlay(a, config.Problems{{Want: err.Error()}})
	}
	for _, change := range a.Changes {
		p.log.Info("configuration: "+change, "by", o.By)
	}
	p.remember.note("configuration", "", strings.Join(a.Changes, "; ")+", by "+o.By)
	return a, x, nil
}

// lay has farmproxy work by what was considered, and keeps it first: what is in use is in
// use after a restart, too.
func (p overlays) lay(path string, x *loading, before *running) error {
	keep := func(o *config.Overlay) error {
		return keepInTime(&p.keeping, func() error { return keepOverlay(path, o) }, func() error { return keepOverlay(path, p.running.Load().from.Overlay()) })
	}
	if err := keep(x.file.Overlay()); err != nil {
		return fmt.Errorf("this could not be written down: %w; make room in %s, or let farmproxy's user write there", err, filepath.Dir(path))
	}
	if len(x.report.Changes) > 0 {
		if err := p.apply(&x.settings); err != nil {
			p.warn(keep(before.from.Overlay()))
			return err
		}
	}
	p.book.SetOverlaid(x.config.Fingerprint())
	p.use(&running{config: x.config, file: before.file, from: x.file, lastGood: before.lastGood})
	return nil
}

// keepInTime does what keeps an overlay, within bounds. What a disk takes after that is undone:
// whoever asked for it was told that nothing has changed.
func keepInTime(b *bounded, keep, undo func() error) error {
	var kept error
	var known atomic.Bool // what came of it
	last, err := bounds(b, func() error {
		kept = keep()
		if !known.CompareAndSwap(false, true) {
			return undo()
		}
		return kept
	})
	if errors.Is(err, errLate) && !known.CompareAndSwap(false, true) {
		return kept // at the last moment
	}
	return errors.Join(err, last)
}

// refusedOverlay answers with problems.
func refusedOverlay(a *api.OverlayChange, problems config.Problems) (*api.OverlayChange, *loading, error) {
	for _, problem := range problems {
		a.Problems = append(a.Problems, unplaced(problem))
	}
	a.Error = errOverlayRefused.Error()
	return a, nil, errOverlayRefused
}

// unplaced is a problem for whoever sent the lists, and has no file with lines.
func unplaced(problem config.Problem) api.OverlayProblem {
	problem.File, problem.Line, problem.Warning = "", 0, false
	return api.OverlayProblem{Key: problem.Key, Text: problem.String()}
}

// tryTime bounds how long pools that are new are asked for a job: somebody is waiting, and an
// answer of the API may take 30 s.
const tryTime = 12 * time.Second

// trying is held while pools are asked: whoever may ask could have any host of the network
// dialled, so it is done one at a time.
var trying sync.Mutex

// tryNew asks the pools that are not in use yet for a job, and says what they answer.
func (p overlays) tryNew(ctx context.Context, x *loading) []string {
	said := []string{}
	if !trying.TryLock() {
		return append(said, "not asked: the pools of somebody else are being asked, try again in a moment")
	}
	defer trying.Unlock()
	now := p.running.Load().config
	var fresh config.Config
	fresh.Accounts = x.config.Accounts
	for i := range x.config.Pools {
		pool := &x.config.Pools[i]
		if before := now.Pool(pool.Name); before == nil || reaches(before) != reaches(pool) {
			fresh.Pools = append(fresh.Pools, *pool)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	connect, err := dialer(proxies(&x.config.Proxies), slog.New(slog.DiscardHandler))
	if err != nil {
		return append(said, err.Error())
	}
	for i, r := range askPools(ctx, &fresh, nil, connect) {
		name := fresh.Pools[i].Name
		if r.err != nil {
			said = append(said, fmt.Sprintf("%s sends no job: %v", name, r.err))
		} else {
			said = append(said, name+" "+offer(&r.Offer))
		}
	}
	return said
}

// reaches is what a connection to a pool depends on.
func reaches(p *config.Pool) [5]string {
	return [...]string{p.URL, p.User, string(p.Password), p.TLSFingerprint, fmt.Sprint(p.TLSInsecure, p.Workers, p.Mode, p.UserAgent)}
}

// OverlayReport is the answer to the admin command overlay.
type OverlayReport struct {
	*api.Overlay
	Summary []string `json:"summary"` // of pools and routes, for people
}

// OverlayArgs are the arguments of the admin commands overlay and overlay remove.
type OverlayArgs struct {
	DryRun bool `json:"dry_run"`
}

// overlayCommands registers the commands about what was set over the API.
func (p *proxy) overlayCommands() {
	o := overlays{p}
	p.admin.Query("overlay", func(context.Context, *admin.Call) (any, error) {
		r := OverlayReport{Overlay: o.Overlay(), Summary: []string{}}
		for _, line := range check.Summary(p.running.Load().config) {
			if strings.HasPrefix(line, "pool[") || strings.HasPrefix(line, "route") {
				r.Summary = append(r.Summary, line)
			}
		}
		return r, nil
	})
	p.admin.Handle("overlay remove", func(ctx context.Context, c *admin.Call) (any, error) {
		var args OverlayArgs
		if err := c.Args(&args); err != nil {
			return nil, err
		}
		a, err := o.SetOverlay(ctx, api.OverlayOrder{By: c.Peer.String(), DryRun: args.DryRun})
		if a == nil {
			return nil, err // a nil pointer in an answer is no answer
		}
		return a, err
	})
}
