package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"farmproxy/certificate"
	"farmproxy/config"
	"farmproxy/netloop"
	"farmproxy/transport"
)

// certificates are those that the configuration names: one for each pair of files. The
// zero value has none.
type certificates struct {
	mu    sync.Mutex
	known map[certificate.Files]*certificate.Certificate // guarded by mu
}

// of returns the certificate in files, which are read if they are new; nil without TLS.
func (s *certificates) of(t *config.TLS) (*certificate.Certificate, error) {
	if !t.On() {
		return nil, nil
	}
	files := certificate.Files{Cert: t.Cert, Key: t.Key}
	s.mu.Lock()
	known := s.known[files]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	c, err := certificate.Load(files) // without the lock: a disk may take for ever
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[certificate.Files]*certificate.Certificate)
	}
	s.known[files] = c
	return c, nil
}

// watch reads the files again, when they change, until ctx ends.
func (s *certificates) watch(ctx context.Context, log *slog.Logger) {
	certificate.Watch(ctx, log, s.list)
}

// check reads the files again now.
func (s *certificates) check(log *slog.Logger) {
	for _, c := range s.list() {
		c.Check(time.Now(), log)
	}
}

// keep forgets those that a configuration does not name.
func (s *certificates) keep(c *config.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.known, func(f certificate.Files, _ *certificate.Certificate) bool {
		names := func(t config.TLS) bool { return t.Cert == f.Cert && t.Key == f.Key }
		return !names(c.HTTP.TLS) && !slices.ContainsFunc(c.Listeners, func(l config.Listener) bool { return names(l.TLS) })
	})
}

// ends returns until when each file's certificate is valid.
func (s *certificates) ends() map[string]time.Time {
	ends := make(map[string]time.Time)
	for _, c := range s.list() {
		ends[c.Files().Cert] = c.Ends()
	}
	return ends
}

func (s *certificates) list() []*certificate.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.known))
}

// tlsMiners makes the transports of miners that connect over TLS.
type tlsMiners struct{ *tls.Config }

// New implements netloop.Transports.
func (m tlsMiners) New() netloop.Transport { return transport.Server(m.Config) }

// listeners returns the configuration's listeners.
func (s *certificates) listeners(configured []config.Listener) (list []netloop.Listener, err error) {
	for i := range configured {
		l := &configured[i]
		n := netloop.Listener{Address: l.Address, ProxyProtocol: l.Balancers(), Route: l.Route,
			Access: netloop.Access{Allow: config.Networks(l.Allow), Deny: config.Networks(l.Deny)}}
		c, err := s.of(&l.TLS)
		if err != nil {
			return nil, fmt.Errorf("listener[%d].tls: %w", i+1, err)
		}
		if c != nil {
			n.Transport = tlsMiners{c.TLS()}
		}
		list = append(list, n)
	}
	return list, nil
}

// web returns the TLS of the HTTP server; nil: it has none.
func (s *certificates) web(h *config.HTTP) (*tls.Config, error) {
	c, err := s.of(&h.TLS)
	if err != nil {
		return nil, fmt.Errorf("http.tls: %w", err)
	}
	if c == nil {
		return nil, nil
	}
	return c.TLS(), nil
}
