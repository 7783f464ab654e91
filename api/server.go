package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/history"
	"farmproxy/live"
	"farmproxy/stats"
	"farmproxy/store"
	"farmproxy/viewlink"
)

// Bounds on what the server spends on its clients. It shares two cores with the miners'
// event loops, and serves a handful of scrapers and browsers.
const (
	// maxHeader holds the largest query and what browsers and proxies add, in bytes;
	// fasthttp keeps this much for each connection.
	maxHeader = 8 << 10

	// maxBody holds the longest user and password, each character escaped, and the
	// extra fields of clients that know more.
	maxBody = 8 << 10

	// readTimeout is for one request's header, which fits into one or two packets.
	readTimeout = 10 * time.Second

	// writeTimeout is for one answer: 10,000 workers are 6 MB of metrics, or 0.5 MB
	// compressed, and the reader may sit behind a bad line.
	writeTimeout = 30 * time.Second

	// idleTimeout keeps the connection of a scraper that comes once a minute.
	idleTimeout = 75 * time.Second

	// maxScrapes bounds concurrent answers of /metrics: each lasts as long as its
	// reader takes, and there are seldom more than two Prometheus servers.
	maxScrapes = 4

	// maxServed is no bound of its own: a connection that gave way takes a moment to
	// disappear.
	maxServed = 4 * (maxConnections + keptForHealth)

	// maxQueries bounds concurrent queries that look at every worker: one core is left
	// to the miners.
	maxQueries = 1

	// gateWait is how long a further one waits for its turn before it is refused.
	gateWait = 5 * time.Second
)

// Options say what a Server answers from.
type Options struct {
	Book    *stats.Book
	Version string       // farmproxy's, for the status
	Log     *slog.Logger // nil: slog.Default()

	// TLS is what the server speaks at the start, see Server.Secure; nil: HTTP without it.
	TLS *tls.Config

	// Registry is the store; nil if there is none.
	Registry Registry

	// History returns what is remembered, or why it can't be read; neither: nothing is to
	// be remembered.
	History func() (*history.Store, error)

	// Expect has the books list workers that an operator has listed; Forget removes
	// those without a miner, and reports how many there were.
	Expect func(names []string)
	Forget func(names []string) int

	// Bans are the banned addresses; nil: none ever are.
	Bans Bans

	// Orders are what operators ask for beside the configuration.
	Orders Orders

	// ViewLinks are links with which somebody may look at the page; nil: there can be none.
	ViewLinks *viewlink.Links

	// Alerts know what is wrong, Channels tell people.
	Alerts   Alerter
	Channels Channels

	// AccountEffects say in words what it would do if an account became another one: nil before:
	// it is new; nil after: it is deleted.
	AccountEffects func(ctx context.Context, before, after *store.Account) ([]string, error)

	// Prove asks a pool whether it accepts an account's credentials before those in use
	// are replaced; nil: no proof.
	Prove store.Prove

	// Uses reports whether an account has miners connected; nil if Prove is nil.
	Uses func(account string) bool

	// Reload reads the configuration file again. An error means that nothing has changed;
	// the answer beside it says why.
	Reload func() (*Reload, error)

	// Configuration returns the one in use.
	Configuration func() *Configuration

	// Overlays has pools and routes set beside the configuration file.
	Overlays Overlays

	Settings // at the start, see Server.Configure
}

// Settings say who may ask for what. They may change at any time.
type Settings struct {
	// NoWorkerMetrics leaves the series per worker and per account out of /metrics.
	NoWorkerMetrics bool

	// Tokens say who may ask for what. nil allows everyone everything, so the listener
	// must be reachable from this machine only.
	Tokens *Tokens

	// Hosts are the names, in lower case, under which a reverse proxy on this machine
	// serves the API. Without tokens, only these and loopback's names are answered.
	Hosts []string

	// RegistrationsPerMinute is the limit per client address; 0: unlimited.
	RegistrationsPerMinute int
}

// Configure has requests answered so from now on. Any goroutine.
func (s *Server) Configure(o Settings) {
	s.registrations.allow(o.RegistrationsPerMinute)
	s.settings.Store(&o)
}

// Server answers HTTP requests. Its methods may be called from any goroutine.
type Server struct {
	options     Options // but Settings
	settings    atomic.Pointer[Settings]
	secure      atomic.Pointer[tls.Config] // nil: no TLS
	http        *fasthttp.Server
	connections *connections
	scrapes     streams
	queries     gate
	recalls     gate
	tests       gate

	registry      gate
	registrations *limiter
	refusals      refusals
	proofs        *proofs
	feed          *live.Feed
	viewers       viewers
	stopped       chan struct{} // closed by Shutdown
	feeding       sync.Once

	ending    sync.Mutex
	over      bool        // Shutdown was called
	listening []*listener // to be closed by Shutdown
}

// New returns a Server that listens nowhere yet.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.ViewLinks == nil {
		o.ViewLinks = new(viewlink.Links)
	}
	s := &Server{
		options:     o,
		connections: newConnections(),
		scrapes:     newStreams("scrapes", maxScrapes),
		queries:     newGate("queries over all workers", maxQueries),
		recalls:     newGate("requests for the history", maxRecalls),
		tests:       newGate("tests of alerts", maxTests),

		registry:      newGate("requests to the store", maxRegistry),
		registrations: newLimiter(0),
		refusals:      refusals{limit: newLimiter(refusalsPerMinute)},
		proofs:        newProofs(),
	}
	s.Configure(o.Settings)
	s.Secure(o.TLS)
	s.options.Settings = Settings{}
	s.feed = live.NewFeed(&liveFarm{Server: s})
	s.stopped = make(chan struct{})
	compress := fasthttp.CompressHandlerLevel(s.route, fasthttp.CompressBestSpeed)
	s.http = &fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			if ctx.Request.Header.HasAcceptEncoding("gzip") && string(ctx.Path()) != livePath { // it would hold events back
				compress(ctx) // prefers gzip to everything else
			} else {
				s.route(ctx)
			}
		},
		ErrorHandler:                 s.malformed,
		Logger:                       printer{o.Log},
		Concurrency:                  maxServed,
		ReadBufferSize:               maxHeader,
		MaxRequestBodySize:           maxBody,
		HeaderReceived:               s.room,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		CloseOnShutdown:              true,
	}
	return s
}

// maxRoster is the largest list of workers: 10,000 lines with a name and more of a CSV
// file.
const maxRoster = 1 << 20

// room gives a list of workers, or of pools and routes, more room than other bodies have, if
// its sender may send one.
func (s *Server) room(h *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
	most := 0
	switch path, _, _ := strings.Cut(string(h.RequestURI()), "?"); {
	case h.IsPost() && path == rosterPath:
		most = maxRoster
	case h.IsPut() && path == overlayPath:
		most = maxOverlay
	default:
		return c
	}
	if tokens := s.settings.Load().Tokens; tokens != nil {
		if allowed, _ := tokens.allows(bearer(h)); allowed&scopeWrite == 0 {
			return c
		}
	}
	c.MaxRequestBodySize = most
	return c
}

// Serve answers on l until Shutdown, or until Leave of l, then returns nil; l is closed. An
// error means that l can't be served at all.
func (s *Server) Serve(on net.Listener) error {
	l := &listener{Listener: on, connections: s.connections, tls: &s.secure, log: s.options.Log}
	if !s.listens(l) {
		return l.Close()
	}
	defer s.leaves(l)
	s.feeding.Do(func() { go s.feed.Run(s.stopped) })
	if err := s.http.Serve(l); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("http.address: %s cannot be served any more: %w", l.Addr(), err)
	}
	return nil
}

// listens notes a listener for Shutdown; false if that was called already.
func (s *Server) listens(l *listener) bool {
	s.ending.Lock()
	defer s.ending.Unlock()
	s.listening = append(s.listening, l)
	return !s.over
}

// leaves forgets a listener that is closed.
func (s *Server) leaves(l *listener) {
	s.ending.Lock()
	defer s.ending.Unlock()
	s.listening = slices.DeleteFunc(s.listening, func(other *listener) bool { return other == l })
}

// Leave ends Serve on that listener, and closes it; its connections go on until they are
// idle. Any goroutine.
func (s *Server) Leave(on net.Listener) {
	s.ending.Lock()
	defer s.ending.Unlock()
	for _, l := range s.listening {
		if l.Listener == on {
			_ = l.Close()
			return
		}
	}
	_ = on.Close() // Serve is about to begin, and will find it closed
}

// Shutdown closes the listeners and idle connections and waits for answers under way;
// it returns an error if ctx ends first. Serve returns at once if it is called later.
func (s *Server) Shutdown(ctx context.Context) error {
	s.ending.Lock()
	if !s.over {
		close(s.stopped)
	}
	s.over = true
	for _, l := range s.listening {
		_ = l.Close() // fasthttp closes those that it knows: not one whose Serve is about to begin
	}
	s.ending.Unlock()
	return s.http.ShutdownWithContext(ctx)
}

// listener admits connections. It survives whatever makes accept fail: a shortage of file
// descriptors or of memory, or trouble of the one connection that was to be accepted.
// fasthttp would stop, and with it all of farmproxy.
type listener struct {
	net.Listener
	connections *connections
	tls         *atomic.Pointer[tls.Config]
	log         *slog.Logger
	closed      atomic.Bool
}

// Close closes the listener, however often it is called.
func (l *listener) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	return l.Listener.Close()
}

// acceptPause is the wait during a shortage: long enough not to spin, shorter than a
// scraper's patience.
const acceptPause = 100 * time.Millisecond

func (l *listener) Accept() (net.Conn, error) {
	for said := false; ; {
		c, err := l.Listener.Accept()
		if err == nil {
			if admitted := l.connections.admit(c); admitted != nil {
				return l.secured(admitted), nil
			}
			continue
		}
		if l.closed.Load() || errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if !said {
			l.log.Warn("http: cannot accept connections; still trying", "address", l.Addr(), "error", err)
			said = true
		}
		time.Sleep(acceptPause)
	}
}

// printer logs fasthttp's messages: trouble with single connections, which anyone can
// cause.
type printer struct{ log *slog.Logger }

func (p printer) Printf(format string, args ...any) {
	if p.log.Enabled(context.Background(), slog.LevelDebug) {
		p.log.Debug("http: " + fmt.Sprintf(format, args...))
	}
}
