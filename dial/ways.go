package dial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"
)

// maxProxies bounds the proxies: each dial of a link opens a connection to all of them
// at once.
const maxProxies = 16

// maxFailed bounds the record of which way does not lead to which pool: room for 200 of
// the accounts' pools, each with all ways down but one. Beyond it, everything is
// forgotten and logged once more.
const maxFailed = 200 * maxProxies

// Proxies are the indirect ways to pools.
type Proxies struct {
	// URLs of the proxies, up to 16: scheme://user:password@host:port, or the word
	// system. The scheme is one of
	//
	//	socks5   also spelled socks, socks5h, socks4 and socks4a: SOCKS5, where
	//	         the proxy resolves the pool's name
	//	http     also when there is none: CONNECT
	//	https    CONNECT, over TLS to the proxy
	//
	// The user name and the password are optional; percent-encode / ? # @ : % in them.
	// For socks5 they have up to 255 bytes each, and a password requires a user name;
	// for http and https the user name must not contain a colon. The default ports are
	// 1080, 80 and 443. A path other than /, a query or a fragment is not allowed.
	// Space around a URL is ignored.
	//
	// system is the first of ALL_PROXY, all_proxy, HTTPS_PROXY, https_proxy, HTTP_PROXY
	// and http_proxy in the environment that is set and not empty, in the same form;
	// nothing if none is. NO_PROXY is ignored: Direct takes its place.
	URLs []string

	Direct      DirectWay // without any proxy the only way is the direct one
	TLSInsecure bool      // accept any certificate of an https proxy
}

// DirectWay says when a pool is dialled directly although there are proxies.
type DirectWay uint8

const (
	DirectAfter  DirectWay = iota // after all proxies have failed
	DirectBeside                  // together with the proxies
	DirectFirst                   // before the proxies, which follow if it fails
	DirectNever
)

// Through returns a function that dials a target in all ways at once and returns the
// first connection that gets through: when the pool's TLS handshake is done, or TCP
// with the pool if it uses no TLS. All other attempts are closed by then.
//
// When one stage follows another (DirectAfter, DirectFirst), each gets half of the time
// that the context has left at the start: a proxy that swallows connections without an
// answer does not use all of it.
//
// An error says which of the URLs is wrong and never contains one. The function may be
// called from any goroutine; its errors name proxies without their credentials. log may
// be nil.
func Through(p Proxies, log *slog.Logger) (func(context.Context, Target) (net.Conn, error), error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if len(p.URLs) > maxProxies {
		return nil, fmt.Errorf("%d proxies; expected at most %d: all are dialled at once; keep the fastest ones", len(p.URLs), maxProxies)
	}
	var proxies []*way
	var names []string
	for i, raw := range p.URLs {
		from := ""
		if strings.TrimSpace(raw) == systemProxy {
			if from, raw = proxyOfSystem(); raw == "" {
				log.Warn("the environment names no proxy; set ALL_PROXY, or remove \"system\" from proxies.urls")
				continue
			}
			from = " (" + from + " in the environment)"
		}
		x, err := newProxy(raw, p.TLSInsecure)
		if err != nil {
			return nil, fmt.Errorf("proxy %d of %d%s: %w", i+1, len(p.URLs), from, err)
		}
		proxies = append(proxies, &way{name: x.name, open: x.open})
		names = append(names, x.name)
	}
	direct := []*way{{name: "direct", open: func(ctx context.Context, address string) (net.Conn, error) {
		return tcp.dial(ctx, address)
	}}}
	switch {
	case len(proxies) == 0 && p.Direct == DirectNever:
		return nil, errors.New("there is no proxy, and direct links are not allowed; name a proxy, or allow direct links")
	case len(proxies) == 0:
		return Direct, nil
	}
	d := &dialer{log: log}
	log.Info("connecting to pools through proxies", "proxies", names)
	switch p.Direct {
	case DirectNever:
		d.stages = [][]*way{proxies}
	case DirectBeside:
		d.stages = [][]*way{append(proxies, direct...)}
	case DirectFirst:
		d.stages = [][]*way{direct, proxies}
	default:
		d.stages = [][]*way{proxies, direct}
	}
	return d.dial, nil
}

// dialer dials pools in several ways.
type dialer struct {
	stages [][]*way // each begins once all ways of the one before have failed
	log    *slog.Logger

	mu     sync.Mutex
	failed map[wayTo]struct{} // while others lead to the pool; already logged
}

// wayTo is a way and the URL of a pool.
type wayTo struct {
	*way
	url string
}

// way is one way to pools.
type way struct {
	name string // for logs and errors
	open func(ctx context.Context, address string) (net.Conn, error)
}

// attempt is what became of one way.
type attempt struct {
	*way
	conn net.Conn
	err  error
}

func (d *dialer) dial(ctx context.Context, t Target) (net.Conn, error) {
	var failed []attempt
	for i, ways := range d.stages {
		won, lost := race(ctx, len(d.stages)-i, ways, t)
		failed = append(failed, lost...)
		if won.conn != nil {
			d.tell(won, failed, t)
			return won.conn, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	texts := make([]string, len(failed))
	for i, f := range failed {
		texts[i] = f.name + ": " + f.err.Error()
	}
	return nil, errors.New(strings.Join(texts, "; "))
}

// race dials t in all ways at once, within 1/stages of the time that ctx has left. It
// returns the first that gets through, if any, and those that failed before it. By the
// time it returns, all others have ended and are closed.
func race(ctx context.Context, stages int, ways []*way, t Target) (won attempt, failed []attempt) {
	ctx, cancel := partOf(ctx, stages)
	defer cancel()
	ended := make(chan attempt)
	for _, w := range ways {
		go func() {
			conn, err := w.dial(ctx, t)
			ended <- attempt{w, conn, err}
		}()
	}
	for range ways {
		switch a := <-ended; {
		case won.conn == nil && a.err == nil:
			won = a
			cancel()
		case a.err == nil:
			a.conn.Close()
		case won.conn == nil:
			failed = append(failed, a)
		}
	}
	return won, failed
}

// partOf returns a context that ends after one of n equal parts of the time that ctx
// has left.
func partOf(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	if n == 1 {
		return context.WithCancel(ctx)
	}
	left := Timeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	return context.WithTimeout(ctx, left/time.Duration(n))
}

func (w *way) dial(ctx context.Context, t Target) (net.Conn, error) {
	conn, err := w.open(ctx, t.Address)
	if err != nil {
		return nil, err
	}
	return secure(ctx, conn, t)
}

// tell logs, once per pool, which ways do not lead to it although another does, until
// they do again. When none does, the link reports it.
func (d *dialer) tell(won attempt, failed []attempt, t Target) {
	d.log.Debug("connected to the pool", "pool", t.Name, "way", won.name)
	if d.note(wayTo{won.way, t.URL}, false) {
		d.log.Info("the pool can be reached this way again", "pool", t.Name, "way", won.name)
	}
	for _, f := range failed {
		if d.note(wayTo{f.way, t.URL}, true) {
			d.log.Warn("cannot reach the pool this way; another way works",
				"pool", t.Name, "way", f.name, "error", f.err, "instead", won.name)
		}
	}
}

// note records whether a way has failed, and reports whether that is news.
func (d *dialer) note(w wayTo, failed bool) (news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, had := d.failed[w]; had == failed {
		return false
	}
	if !failed {
		delete(d.failed, w)
		return true
	}
	if d.failed == nil || len(d.failed) >= maxFailed {
		d.failed = make(map[wayTo]struct{})
	}
	d.failed[w] = struct{}{}
	return true
}
