package proxy

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"

	"farmproxy/api"
)

// webSettings say where the API is served.
type webSettings struct {
	address string      // http.address; "": nowhere
	secure  *tls.Config // nil: without TLS
}

// webPort is the port of the API. A reload may put another in its place: that one is open
// before the old one closes, whose connections go on until they are idle.
type webPort struct {
	server *api.Server

	mu      sync.Mutex
	on      net.Listener // nil: no HTTP
	address string       // http.address
	serve   func(net.Listener)
}

// listenHTTP opens the port of the API; nil: there is none.
func listenHTTP(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("http.address = %q: %w: choose another port, or \"\" to serve no HTTP", address, err)
	}
	return l, nil
}

// begin has the port served, and those that take its place, by a goroutine each that serve
// starts.
func (w *webPort) begin(serve func(net.Listener)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serve = serve
	if w.on != nil {
		serve(w.on)
	}
}

// prepare opens the port of an address, unless it is this one; same says that.
func (w *webPort) prepare(address string) (next net.Listener, same bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if address == w.address {
		return nil, true, nil
	}
	next, err = listenHTTP(address)
	return next, false, err
}

// replace has the port at that address take the place of this one.
func (w *webPort) replace(next net.Listener, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on != nil {
		w.server.Leave(w.on)
	}
	w.on, w.address = next, address
	if next != nil && w.serve != nil {
		w.serve(next)
	}
}

// at returns the open port, nil if there is none, and what the configuration calls it.
func (w *webPort) at() (on net.Listener, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.on, w.address
}

// serveWeb has the API served.
func (p *proxy) serveWeb() {
	p.webPort.begin(func(on net.Listener) {
		p.parts.Go(func() {
			if err := p.web.Serve(on); err != nil {
				p.failed <- fmt.Errorf("http: %w", err)
			}
		})
		at := p.web.Scheme() + "://" + on.Addr().String()
		p.log.Info("web endpoints", "metrics", at+"/metrics", "api", at+"/api/v1/status")
	})
}
