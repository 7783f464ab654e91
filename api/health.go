package api

import (
	"bufio"

	"github.com/valyala/fasthttp"
)

// healthz says that the process answers; nothing else.
func (s *Server) healthz(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString("ok\n")
	return nil
}

// readyz says whether miners that come now get work.
func (s *Server) readyz(ctx *fasthttp.RequestCtx) error {
	a := readyAnswer{Ready: true}
	if err := s.options.Book.Store(); err != nil {
		a.Store = err.Error() // known accounts are served without it
	}
	if err := s.options.Book.Ready(); err != nil {
		a.Ready, a.Error = false, err.Error()
		return writeJSON(ctx, fasthttp.StatusServiceUnavailable, a)
	}
	return writeJSON(ctx, fasthttp.StatusOK, a)
}

// metrics streams the exposition: as a whole it would take megabytes.
func (s *Server) metrics(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	if ctx.IsHead() {
		return nil
	}
	if err := s.scrapes.enter(); err != nil {
		return err
	}
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.scrapes.leave()
		// An error means that the reader has gone: nobody is left to tell.
		_ = s.options.Book.WriteMetrics(w, !s.options.NoWorkerMetrics)
	})
	return nil
}
