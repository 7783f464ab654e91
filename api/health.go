package api

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"sync"

	"github.com/valyala/fasthttp"

	"farmproxy/store"
)

// healthz says that the process answers, and nothing else.
func (s *Server) healthz(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString("ok\n")
	return nil
}

// readyz says whether miners that connect now get work.
func (s *Server) readyz(ctx *fasthttp.RequestCtx) error {
	a := readyAnswer{Ready: true}
	if err := s.options.Book.Store(); err != nil {
		a.Store = err.Error()
		// Anyone may ask this, so what the driver says about hosts and users goes to
		// the log.
		if away, ok := errors.AsType[*store.Unavailable](err); ok {
			a.Store = away.Public()
		}
	}
	if err := s.options.Book.Ready(); err != nil {
		a.Ready, a.Error = false, err.Error()
		return writeJSON(ctx, fasthttp.StatusServiceUnavailable, a)
	}
	return writeJSON(ctx, fasthttp.StatusOK, a)
}

// metrics streams the exposition: built as a whole it would take megabytes.
func (s *Server) metrics(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	if ctx.IsHead() {
		return nil
	}
	reader := connOf(ctx)
	if err := s.scrapes.enter(reader); err != nil {
		return err
	}
	compress := ctx.Request.Header.HasAcceptEncoding("gzip")
	if compress {
		ctx.Response.Header.SetContentEncoding("gzip")
		ctx.Response.Header.Set("Vary", "Accept-Encoding")
	}
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.scrapes.leave(reader)
		// An error means that the reader is gone: there is nobody left to tell.
		if compress {
			_ = s.writeCompressed(w)
		} else {
			_ = s.options.Book.WriteMetrics(w, !s.settings.Load().NoWorkerMetrics)
		}
	})
	return nil
}

// compressors are reused: each takes a megabyte. There are as many as concurrent
// scrapes.
var compressors = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant, and valid
	}
	return z
}}

// writeCompressed compresses in the goroutine that writes the metrics, where fasthttp
// would use another one: so a scrape never takes both of two cores from the event
// loops.
func (s *Server) writeCompressed(w io.Writer) error {
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(w)
	err := s.options.Book.WriteMetrics(z, !s.settings.Load().NoWorkerMetrics)
	return errors.Join(err, z.Close())
}
