package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"time"

	"farmproxy/api"
	"farmproxy/codec"
	"farmproxy/config"
	"farmproxy/netloop"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/systemd"
	"farmproxy/upstream"
)

const (
	// drainTime is how long a stop waits for verdicts that are on their way:
	// a few round trips to the farthest pool.
	drainTime = 5 * time.Second

	// closeTime is over how long a stop closes the miners, so that they do not
	// all knock at their backup pool at once.
	closeTime = 3 * time.Second

	// stopTime bounds everything else of a stop.
	stopTime = 5 * time.Second

	// statusEvery is how often systemctl status gets a new line.
	statusEvery = 10 * time.Second
)

// run serves miners until ctx ends; then it stops in order and returns nil.
func run(ctx context.Context, c *config.Config, stderr io.Writer) error {
	log := newLog(c.Log, stderr)
	native, err := codec.Pretouch()
	if err != nil || !native {
		log.Warn("sonic has no compiled decoder for this platform: JSON will be slow", "error", err)
	}
	files, err := netloop.RaiseFileLimit()
	if err != nil {
		return err
	}
	max := netloop.MaxMiners(files, c.Miners.Max)
	loops := c.Miners.Loops
	if loops == 0 {
		loops = runtime.GOMAXPROCS(0)
	}
	book := stats.New(stats.Options{Version: versionText(), Loops: loops, CloseReasons: session.Reasons()})
	book.SetMinersMax(max)
	log.Info("farmproxy starts", "version", versionText(), "miners_max", max, "file_limit", files, "loops", loops)

	server, err := netloop.New(netloop.Options{
		Addresses:    addresses(c.Listeners),
		Loops:        loops,
		MaxMiners:    max,
		Terms:        terms(c),
		Keepalive:    c.Miners.Keepalive,
		ResumeWindow: c.Miners.ResumeWindow,
		Hold:         c.Failover.Hold.Duration, // 0 when it is for ever
		Book:         book,
		Log:          log,
	})
	if err != nil {
		return err
	}
	web, err := listenHTTP(c.HTTP)
	if err != nil {
		return err
	}
	route := upstream.NewRoute(routeOptions(c, book, log), server)
	return serve(ctx, log, book, server, route, web)
}

// serve runs the parts until ctx ends or one of them fails, and stops them.
func serve(ctx context.Context, log *slog.Logger, book *stats.Book, server *netloop.Server, route *upstream.Route, web net.Listener) error {
	route.Start(context.WithoutCancel(ctx)) // ended by Close, after the miners
	failed := make(chan error, 2)
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := server.Run(route); err != nil {
			failed <- err
		}
	})
	service := api.New(api.Options{Book: book, Version: versionText(), Log: log})
	if web != nil {
		parts.Go(func() {
			if err := service.Serve(web); err != nil {
				failed <- fmt.Errorf("http: %w", err)
			}
		})
		log.Info("web endpoints", "metrics", "http://"+web.Addr().String()+"/metrics", "api", "http://"+web.Addr().String()+"/api/v1/status")
	}

	var err error
	select {
	case err = <-failed:
		return err // nothing listens: nothing to stop in order
	case <-server.Booted():
	}
	book.SetReady(nil)
	log.Info("serving miners", "addresses", server.Addresses())
	warn(log, systemd.Ready())
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	parts.Go(func() { warn(log, systemd.Watchdog(watching, server.Alive)) })
	parts.Go(func() { status(watching, log, book) })

	select {
	case err = <-failed:
		log.Error("farmproxy fails", "error", err)
	case <-ctx.Done():
		log.Info("farmproxy stops")
	}
	book.SetReady(errStopping)
	warn(log, systemd.Stopping())
	stop(log, server, route, service)
	stopWatching()
	parts.Wait()
	return err
}

var errStopping = fmt.Errorf("farmproxy is stopping")

// stop ends everything in order: no newcomers, the last verdicts, the miners,
// the links, the web.
func stop(log *slog.Logger, server *netloop.Server, route *upstream.Route, service *api.Server) {
	server.Refuse()
	within(drainTime, route.Drain)
	within(closeTime+stopTime, func(ctx context.Context) { server.CloseMiners(ctx, closeTime) })
	within(stopTime, func(ctx context.Context) { warn(log, server.Stop(ctx)) })
	within(stopTime, route.Close)
	within(stopTime, func(ctx context.Context) { warn(log, service.Shutdown(ctx)) })
}

func within(d time.Duration, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	do(ctx)
}

func warn(log *slog.Logger, err error) {
	if err != nil {
		log.Warn(err.Error())
	}
}

// status keeps the line of systemctl status up to date.
func status(ctx context.Context, log *slog.Logger, book *stats.Book) {
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	for {
		s := book.Status()
		warn(log, systemd.Status("%d miners, %d of %d links up, %.1f TH/s, pool %q", s.Miners, s.LinksUp, s.Links, s.Hashrate/1e12, s.Pool))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func listenHTTP(c config.HTTP) (net.Listener, error) {
	if c.Address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("http.address = %q: %w: choose another port, or \"\" to serve no HTTP", c.Address, err)
	}
	return l, nil
}
