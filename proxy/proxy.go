package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/codec"
	"farmproxy/config"
	"farmproxy/descriptors"
	"farmproxy/netloop"
	"farmproxy/plain"
	"farmproxy/session"
	"farmproxy/sharelog"
	"farmproxy/stats"
	"farmproxy/store"
	"farmproxy/systemd"
	"farmproxy/upstream"
	"farmproxy/viewlink"
)

const (
	// drainTime is how long a stop waits for verdicts that are on their way: a few
	// round trips to the farthest pool. What takes longer is in the pool's books all
	// the same, and miners without work go elsewhere: a restart should cost less than
	// a crash does.
	drainTime = time.Second

	// stopTime bounds everything else of a stop.
	stopTime = 3 * time.Second

	// statusEvery is how often systemctl status gets a new line.
	statusEvery = 10 * time.Second
)

// proxy is everything that runs, wired together.
type proxy struct {
	log       *slog.Logger
	loops     int           // event loops
	drain     time.Duration // drainTime, but in tests
	files     *descriptors.Budget
	book      *stats.Book
	shares    *sharelog.Log
	remember  *remembering
	store     *store.Store // nil: no accounts
	users     *accounts    // nil: none
	server    *netloop.Server
	directory *upstream.Directory
	tables    *tables // of the directory
	orders    *orders // of operators
	viewLinks *viewlink.Links
	splits    *splits // of routes
	alerts    *alerts
	notify    *notifying
	queue     *LogQueue // nil: the log is somewhere else

	unshared  int        // descriptors that were open before anything else
	reloading sync.Mutex // held while the configuration changes
	reading   bounded    // of configurations
	keeping   bounded    // of the last good one
	running   atomic.Pointer[running]
	hangups   <-chan os.Signal         // SIGHUP: reload; nil: there are none
	settings  atomic.Pointer[settings] // what apply was told last
	certs     certificates
	web       *api.Server
	webPort   webPort
	admin     *admin.Server
	adminOn   net.Listener // nil: no commands
	duck      lameDuck
	successor *successor

	inherited bool // another process has handed it over
	parts     sync.WaitGroup
	failed    chan error // of a part
}

// Start is what Run starts from.
type Start struct {
	Config   *config.Config
	File     *config.File // that it is from
	LastGood bool         // File is not what was asked for, which is broken, but the last good one
	Path     string       // what was asked for; it is read again for a reload

	Log    *LogQueue        // the log is written through it
	Reload <-chan os.Signal // each is a wish to read the file again

	Before *Predecessor // takes the place of this farmproxy; nil: there is none
}

// Run serves miners until ctx ends; then it stops in order and returns nil. It also
// returns nil when a new process has taken over.
func Run(ctx context.Context, o Start) error {
	tuneMemory()
	p, err := o.Before.takeOver(ctx, func(from *heir) (*proxy, error) { return o.build(from) })
	if err != nil {
		return err
	}
	return p.serve(ctx)
}

// build makes the proxy. from, unless nil, has what the process before sent ahead.
func (o *Start) build(from *heir) (*proxy, error) {
	p, err := newProxy(o.Config, o.Log.Logger(), nil, from)
	if err != nil {
		return nil, err
	}
	p.queue, p.hangups = o.Log, o.Reload
	p.book.SetLeftOut(o.Log.LeftOut)
	p.running.Store(&running{config: o.Config, file: o.Path, from: o.File, lastGood: o.LastGood})
	p.book.SetConfiguration(o.Config.Fingerprint())
	if o.LastGood {
		p.book.SetConfigurationFailed()
	} else {
		p.warn(keepGood(stateDir(o.Config), o.File))
	}
	return p, nil
}

// newProxy takes the ports and wires the parts. tune, unless nil, may change
// what the configuration says about the links. from, unless nil, has what the process
// before sent ahead.
func newProxy(c *config.Config, log *slog.Logger, tune func(*upstream.DirectoryOptions), from *heir) (*proxy, error) {
	native, err := codec.Pretouch()
	if err != nil || !native {
		log.Warn("sonic has no compiled decoder for this platform: JSON will be slow", "error", err)
	}
	files, err := descriptors.RaiseLimit()
	if err != nil {
		return nil, err
	}
	loops := c.Miners.Loops
	if loops == 0 {
		loops = runtime.GOMAXPROCS(0)
	}
	p := &proxy{
		log: log, loops: loops, unshared: unshared(), drain: drainTime, tables: new(tables),
		duck: newLameDuck(), successor: newSuccessor(), failed: make(chan error, 2),
	}
	p.running.Store(&running{config: c})
	p.files = descriptors.New(files, standing(c, p.unshared, loops), 0)
	settings, err := p.plan(c)
	if err != nil {
		return nil, err
	}
	log.Info("farmproxy starts", "version", Version(), "miners_max", settings.miners.MaxMiners, "file_limit", files, "loops", loops)
	tellRoom(log, c, settings.miners.MaxMiners, files, p.files.Total())
	p.book = stats.New(stats.Options{Version: Version(), Loops: loops, CloseReasons: session.Reasons()})
	p.shares = sharelog.New(log)
	p.book.SetShareLog(p.shares.Counts)
	p.server, err = netloop.New(netloop.Options{Loops: loops, Descriptors: p.files, Book: p.book, Shares: p.shares, Log: log, Storm: storm, Inherit: from.ports()})
	if err != nil {
		return nil, err
	}
	p.remember = newRemembering(c, p.book, bans{p.server}.Bans, log)
	if from != nil {
		p.remember.inherit(from.history(), time.Now())
	}
	p.webPort.address = c.HTTP.Address
	if p.webPort.on, err = from.listenHTTP(c.HTTP.Address); err != nil {
		return nil, err
	}
	if p.adminOn, err = from.listenAdmin(c, log); err != nil {
		return nil, err
	}
	if p.store, err = startStore(c, log); err != nil {
		return nil, err
	}
	p.book.SetCertificates(p.certs.ends)
	p.book.SetBans(bans{p.server}.count)
	p.orders = from.orders(stateDir(c), farm{p.server, p}, log)
	p.orders.remember = p.remember.note
	p.viewLinks = openViewLinks(stateDir(c), log)
	p.notify = newNotifying(stateDir(c), p)
	p.alerts = newAlerts(stateDir(c), p, p.notify)
	p.web = api.New(p.webOptions(settings.webAt.secure))
	p.webPort.server = p.web
	p.admin = admin.New(log)
	p.commands()
	options := upstream.DirectoryOptions{StateFile: stateFileOf(c), Descriptors: p.files, Book: p.book, Log: log, Changed: p.remember.changedPool}
	if tune != nil {
		tune(&options)
	}
	p.directory = upstream.NewDirectory(options, p.server)
	p.tables.directory, p.tables.book = p.directory, p.book
	p.splits = newSplits(splitFarm{p.directory, p.server}, p.orders, log)
	p.splits.told = p.remember.moved
	p.book.SetRoutes(p.splits.Routes)
	if err := p.apply(&settings); err != nil {
		return nil, err
	}
	from.recall(p.notify)
	p.orders.tell()
	if p.store != nil {
		p.users = &accounts{store: p.store, directory: p.directory, server: p.server, book: p.book, settings: &p.settings, tables: p.tables, log: log}
	}
	return p, nil
}

// webOptions are what the API answers from.
func (p *proxy) webOptions(secure *tls.Config) api.Options {
	o := api.Options{
		TLS: secure, Version: Version(), Log: p.log, Book: p.book,
		Bans: bans{p.server}, Orders: desk{p.orders}, ViewLinks: p.viewLinks, Alerts: p.alerts, Channels: p.notify,
		History: p.remember.opened, Expect: p.remember.expect, Forget: p.remember.forget,
		Prove: p.prove, Uses: p.uses, Reload: p.reloadFile, Configuration: p.configuration, Overlays: overlays{p},
	}
	if p.store != nil { // not a nil *Store in a Registry that is not nil
		o.Registry, o.AccountEffects = p.store, p.accountEffects
	}
	return o
}

// serve runs the parts until ctx ends or one of them fails, and stops them.
func (p *proxy) serve(ctx context.Context) error {
	lasting := context.WithoutCancel(ctx) // for what stop ends, in its turn
	var registry sync.WaitGroup
	registering, stopRegistering := context.WithCancel(lasting)
	defer stopRegistering()
	p.begin()
	if p.users != nil {
		registry.Go(func() { p.users.run(registering) })
	}
	p.serveWeb()
	if p.adminOn != nil {
		p.parts.Go(func() { p.warn(p.admin.Serve(p.adminOn)) })
	}
	select {
	case err := <-p.failed:
		within(stopTime, p.directory.Close)
		return err // nothing listens: no more to stop
	case <-p.server.Booted():
	}
	p.book.SetReady(nil)
	p.log.Info("serving miners", "addresses", p.server.Addresses())
	p.warn(systemd.Ready())
	p.noteStart()
	watching, stopWatching := context.WithCancel(lasting)
	forgetText(watching)
	p.parts.Go(func() { p.warn(systemd.Watchdog(watching, p.server.Alive)) })
	p.parts.Go(func() { p.status(watching) })
	p.parts.Go(func() { p.reloadOnHangup(watching) })
	p.parts.Go(func() { audit(watching, p.files, p.log) })
	p.parts.Go(func() { p.certs.watch(watching, p.log) })
	p.parts.Go(func() { p.remember.run(watching) })
	p.parts.Go(func() { p.orders.run(watching) })
	p.parts.Go(func() { p.alerts.run(watching) })
	p.parts.Go(func() { p.notify.run(watching) })
	p.parts.Go(func() { p.splits.run(watching) })

	var err error
	select {
	case err = <-p.failed:
		p.log.Error("farmproxy failed", "error", err)
		p.remember.note("stop", "", err.Error())
	case <-ctx.Done():
		p.log.Info("farmproxy stops")
		p.remember.note("stop", "", "")
	case <-p.duck.ended:
		p.log.Info("farmproxy stops: no miner is left")
		p.remember.note("stop", "", "after a lame duck")
	case <-p.successor.handed:
	}
	if p.successor.callOff() {
		stopWatching()
		p.leave(ctx)
		return nil
	}
	p.book.SetReady(errStopping)
	p.warn(systemd.Stopping())
	p.stop()
	stopWatching()
	p.parts.Wait()
	stopRegistering()
	registry.Wait()
	if p.store != nil {
		p.warn(p.store.Close())
	}
	return err
}

// begin starts the parts that an heir has started already.
func (p *proxy) begin() {
	if p.inherited {
		return
	}
	if p.users != nil {
		p.users.follow()
	}
	p.directory.Start(context.Background()) // stop ends it, in its turn
	p.runServer()
}

// runServer starts the event loops.
func (p *proxy) runServer() {
	p.parts.Go(func() {
		if err := p.server.Run(p.directory); err != nil {
			p.failed <- err
		}
	})
}

// noteStart has the start remembered.
func (p *proxy) noteStart() {
	kind := "start"
	if p.inherited {
		kind = "upgrade"
	}
	p.remember.note(kind, "", Version())
}

var errStopping = errors.New("farmproxy is stopping")

// stop ends everything in order: no newcomers, the last verdicts and with them the
// miners, the links, the event loops and the web. A link whose loop went first
// would be taken for lost, and dialled again.
func (p *proxy) stop() {
	p.server.Refuse()
	within(p.drain, func(settled context.Context) {
		within(p.drain+stopTime, func(ctx context.Context) { p.server.CloseMiners(ctx, settled) })
		p.directory.Drain(settled) // what miners did not wait for
	})
	within(stopTime, p.directory.Close)
	within(stopTime, func(ctx context.Context) {
		var ending sync.WaitGroup
		ending.Go(func() { p.warn(p.web.Shutdown(ctx)) })
		ending.Go(func() { p.warn(p.admin.Shutdown(ctx)) })
		p.warn(p.server.Stop(ctx))
		p.warn(p.shares.End(ctx))
		ending.Wait()
	})
}

func within(d time.Duration, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	do(ctx)
}

func (p *proxy) warn(err error) {
	if err != nil {
		p.log.Warn(err.Error())
	}
}

// status keeps the line of systemctl status up to date.
func (p *proxy) status(ctx context.Context) {
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	for {
		s := p.book.Status()
		p.warn(systemd.Status(p.duck.mark()+"%d miners, %d of %d links up, %s, pool %q", s.Miners, s.LinksUp, s.Links, plain.HashRate(s.HashRate), s.Pool))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
