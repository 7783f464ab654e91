package api

import (
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// refusalsPerMinute is how many refused requests of one client address are logged: all
// that a person or a misconfigured scraper makes, but not those of one who guesses.
const refusalsPerMinute = 20

// refusals are the requests that were not let in.
type refusals struct {
	limit *limiter
	left  atomic.Uint64 // out of the log since the last line
}

// byKey is where authorize stores who is asking.
const byKey = "by"

// audit logs a change, or an attempt at one, with who asked for it: the token's name or
// its line in the token file, and the address.
func (s *Server) audit(ctx *fasthttp.RequestCtx, what string, attrs ...any) {
	s.options.Log.Info(what, append(attrs, "by", by(ctx, "anybody"), "address", callerOf(ctx).String())...) // anybody: there are no tokens
}

// refused logs a request that was not let in, and returns err. Of one address, only so
// many per minute are logged; the others are counted.
func (s *Server) refused(ctx *fasthttp.RequestCtx, why string, err *httpError) error {
	if _, ok := s.refusals.limit.take(callerOf(ctx)); !ok {
		s.refusals.left.Add(1)
		return err
	}
	s.options.Log.Warn("http: a request was refused: "+why, "method", fmt.Sprintf("%.16s", ctx.Method()), "path", fmt.Sprintf("%.64s", ctx.Path()),
		"status", err.code, "by", by(ctx, "unknown"), "address", callerOf(ctx).String(), "more_before", s.refusals.left.Swap(0))
	return err
}

// by is who is asking, as far as a token says.
func by(ctx *fasthttp.RequestCtx, other string) string {
	if name, ok := ctx.UserValue(byKey).(string); ok && name != "" {
		return name
	}
	return other
}

// callerOf returns the address of the client, or of its reverse proxy.
func callerOf(ctx *fasthttp.RequestCtx) netip.Addr {
	a, _ := netip.AddrFromSlice(ctx.RemoteIP())
	return a.Unmap()
}
