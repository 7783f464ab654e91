package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"
)

// handler answers a request; an error is told to the client, with the status of
// its httpError, or else 500.
type handler func(*Server, *fasthttp.RequestCtx) error

// paths is the whole surface, in the order that it is listed in.
var paths = []struct {
	path   string
	answer handler
}{
	{"/healthz", (*Server).healthz},
	{"/readyz", (*Server).readyz},
	{"/metrics", (*Server).metrics},
	{"/api/v1/status", (*Server).status},
	{"/api/v1/workers", (*Server).workers},
	{"/api/v1/links", (*Server).links},
}

// httpError is an error with the status that it is answered with.
type httpError struct {
	code int
	text string
}

func (e *httpError) Error() string { return e.text }

func badRequest(format string, args ...any) error {
	return &httpError{fasthttp.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// quoted shows a client what it sent, up to a length.
func quoted(s string) string {
	const most = 40
	if len(s) > most {
		s = s[:most] + "..."
	}
	return fmt.Sprintf("%q", s)
}

func (s *Server) route(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("Cache-Control", "no-store")
	if err := s.dispatch(ctx); err != nil {
		s.fail(ctx, err)
	}
}

func (s *Server) dispatch(ctx *fasthttp.RequestCtx) error {
	path := string(ctx.Path())
	for _, p := range paths {
		if p.path != path {
			continue
		}
		if !ctx.IsGet() && !ctx.IsHead() {
			ctx.Response.Header.Set("Allow", "GET, HEAD")
			return &httpError{
				fasthttp.StatusMethodNotAllowed,
				fmt.Sprintf("method %s is not allowed for %s: use GET or HEAD", quoted(string(ctx.Method())), path),
			}
		}
		return p.answer(s, ctx)
	}
	all := make([]string, len(paths))
	for i, p := range paths {
		all[i] = p.path
	}
	return &httpError{
		fasthttp.StatusNotFound,
		fmt.Sprintf("nothing is at %s: there are %s", quoted(path), strings.Join(all, ", ")),
	}
}

// fail answers with an error.
func (s *Server) fail(ctx *fasthttp.RequestCtx, err error) {
	code := fasthttp.StatusInternalServerError
	if e, ok := errors.AsType[*httpError](err); ok {
		code = e.code
	}
	if err := writeJSON(ctx, code, errorAnswer{err.Error()}); err != nil {
		s.options.Log.Error("http: an error could not be answered", "path", string(ctx.Path()), "error", err)
	}
}

// malformed answers what was not a request, or was too much of one.
func (s *Server) malformed(ctx *fasthttp.RequestCtx, err error) {
	e := &httpError{fasthttp.StatusBadRequest, "this is not an HTTP request that can be understood"}
	var timeout interface{ Timeout() bool }
	if _, ok := errors.AsType[*fasthttp.ErrSmallBuffer](err); ok {
		e = &httpError{
			fasthttp.StatusRequestHeaderFieldsTooLarge,
			fmt.Sprintf("the request's header is over %d bytes: leave out cookies, or shorten the query", maxHeader),
		}
	} else if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		e = &httpError{
			fasthttp.StatusRequestEntityTooLarge,
			fmt.Sprintf("the request's body is over %d bytes: nothing here takes one", maxBody),
		}
	} else if errors.As(err, &timeout) && timeout.Timeout() {
		e = &httpError{
			fasthttp.StatusRequestTimeout,
			fmt.Sprintf("the request did not arrive within %v", readTimeout),
		}
	}
	s.fail(ctx, e)
}

// writeJSON answers with v as JSON and a newline.
func writeJSON(ctx *fasthttp.RequestCtx, code int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx.SetStatusCode(code)
	ctx.SetContentType("application/json; charset=utf-8")
	ctx.SetBody(append(body, '\n'))
	return nil
}
