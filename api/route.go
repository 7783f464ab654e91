package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

// handler answers a request; an error is sent to the client with the status of its
// httpError, or 500.
type handler func(*Server, *fasthttp.RequestCtx) error

// endpoint is a method of a path; GET includes HEAD. A path with {} has any text there: see
// item.
type endpoint struct {
	method, path string
	needs        scope
	answer       handler
}

// endpoints is the whole surface, in the order in which it is listed.
var endpoints = []endpoint{
	{"GET", "/healthz", scopeNone, (*Server).healthz},
	{"GET", "/readyz", scopeNone, (*Server).readyz},
	{"GET", "/metrics", scopeRead, (*Server).metrics},
	{"GET", "/api/v1/status", scopeRead, (*Server).status},
	{"GET", "/api/v1/workers", scopeRead, (*Server).workers},
	{"GET", "/api/v1/groups", scopeRead, (*Server).groups},
	{"GET", "/api/v1/history", scopeRead, withHistory((*Server).history)},
	{"GET", "/api/v1/sparks", scopeRead, withHistory((*Server).sparks)},
	{"GET", "/api/v1/report", scopeRead, withHistory((*Server).report)},
	{"GET", "/api/v1/events", scopeRead, withHistory((*Server).events)},
	{"GET", rosterPath, scopeRead, withHistory((*Server).roster)},
	{"POST", rosterPath, scopeWrite, bare(withHistory((*Server).expect))},
	{"DELETE", rosterPath + "/{}", scopeWrite, bare(withHistory((*Server).forget))},
	{"GET", livePath, scopeRead, (*Server).live},
	{"GET", "/api/v1/links", scopeRead, (*Server).links},
	{"GET", "/api/v1/workers/{}", scopeRead, (*Server).worker},
	{"POST", "/api/v1/workers/{}/move", scopeWrite, order(move).handler()},
	{"POST", "/api/v1/workers/{}/pin", scopeWrite, order(pin).handler()},
	{"DELETE", "/api/v1/workers/{}/pin", scopeWrite, order(unpin).handler()},
	{"GET", "/api/v1/routes", scopeRead, (*Server).routes},
	{"GET", "/api/v1/routes/{}/weights", scopeRead, withOrders((*Server).weights)},
	{"PUT", "/api/v1/routes/{}/weights", scopeWrite, order(weigh).handler()},
	{"DELETE", "/api/v1/routes/{}/weights", scopeWrite, order(unweigh).handler()},
	{"GET", "/api/v1/orders", scopeRead, withOrders((*Server).orders)},
	{"GET", "/api/v1/alerts", scopeRead, (*Server).alerts},
	{"POST", testPath, scopeWrite, bare((*Server).testChannels)},
	{"GET", curtailmentsPath, scopeRead, withOrders((*Server).curtailments)},
	{"POST", curtailmentsPath, scopeWrite, order(curtail).handler()},
	{"DELETE", curtailmentsPath, scopeWrite, order(uncurtail).handler("group")},
	{"GET", "/api/v1/blocks", scopeRead, (*Server).blocks},
	{"GET", bansPath, scopeRead, (*Server).bans},
	{"DELETE", bansPath + "/{}", scopeWrite, bare((*Server).liftBan)},
	{"GET", usersPath, scopeRead, withRegistry((*Server).users)},
	{"POST", usersPath, scopeRegister, withRegistry((*Server).register)},
	{"PUT", usersPath, scopeRegister, withRegistry((*Server).register)},
	{"GET", "/api/v1/users/{}", scopeRead, withRegistry((*Server).user)},
	{"PUT", "/api/v1/users/{}", scopeWrite, withRegistry((*Server).setGoals)},
	{"DELETE", "/api/v1/users/{}", scopeWrite, withRegistry((*Server).deleteUser)},
	{"GET", "/api/v1/pools", scopeRead, (*Server).pools},
	{"POST", "/api/v1/pools", scopeWrite, bare(withRegistry((*Server).addPool))},
	{"PUT", "/api/v1/pools", scopeWrite, bare(withRegistry((*Server).putPool))},
	{"POST", "/api/v1/pools/{}/drain", scopeWrite, leave(Drain).handler()},
	{"POST", "/api/v1/pools/{}/disable", scopeWrite, leave(Disable).handler()},
	{"POST", "/api/v1/pools/{}/enable", scopeWrite, leave(Enable).handler()},
	{"GET", "/api/v1/pools/{}", scopeRead, withRegistry((*Server).pool)},
	{"DELETE", "/api/v1/pools/{}", scopeWrite, withRegistry((*Server).deletePool)},
	{"GET", "/api/v1/algorithms", scopeRead, withRegistry((*Server).algorithms)},
	{"POST", "/api/v1/algorithms", scopeWrite, bare(withRegistry((*Server).addAlgorithm))},
	{"PUT", "/api/v1/algorithms", scopeWrite, bare(withRegistry((*Server).putAlgorithm))},
	{"GET", "/api/v1/algorithms/{}", scopeRead, withRegistry((*Server).algorithm)},
	{"DELETE", "/api/v1/algorithms/{}", scopeWrite, bare(withRegistry((*Server).deleteAlgorithm))},
	{"GET", viewLinksPath, scopeRead, (*Server).viewLinks},
	{"POST", viewLinksPath, scopeWrite, (*Server).createViewLink},
	{"DELETE", viewLinksPath + "/{}", scopeWrite, (*Server).revokeViewLink},
	{"GET", "/api/v1/config", scopeRead, (*Server).configuration},
	{"GET", overlayPath, scopeRead, (*Server).overlay},
	{"PUT", overlayPath, scopeWrite, (*Server).setOverlay},
	{"DELETE", overlayPath, scopeWrite, (*Server).removeOverlay},
	{"POST", "/api/v1/reload", scopeWrite, bare((*Server).reload)},
	{"GET", "/api/v1/openapi.json", scopeRead, (*Server).openAPI},
}

// bare refuses a query before a change that takes none: dry_run may not become the change.
func bare(h handler) handler {
	return func(s *Server, ctx *fasthttp.RequestCtx) error {
		for key := range ctx.QueryArgs().All() {
			return badRequest("%s: no such parameter: this takes none", quoted(string(key)))
		}
		return h(s, ctx)
	}
}

// match reports whether path is the endpoint's, and the text in the place of {}.
func (e *endpoint) match(path string) (item string, ok bool) {
	before, after, open := strings.Cut(e.path, "{}")
	if !open {
		return "", path == e.path
	}
	item, begins := strings.CutPrefix(path, before)
	item, ends := strings.CutSuffix(item, after)
	return item, begins && ends && item != ""
}

// pathOf returns the path of an endpoint that a request's path matches, and the text in the
// place of {}. If several do, it is the one that says most: /pools/{}/drain, not /pools/{}.
func pathOf(path string) (known, item string) {
	for i := range endpoints {
		e := &endpoints[i]
		if text, ok := e.match(path); ok && len(e.path) > len(known) {
			known, item = e.path, text
		}
	}
	return known, item
}

// itemKey is where dispatch stores the text in the place of {} for the handler.
const itemKey = "item"

// item is the text in the place of {} in the path, for endpoints that have it.
func item(ctx *fasthttp.RequestCtx) string {
	text, _ := ctx.UserValue(itemKey).(string)
	return text
}

// httpError is an error with its HTTP status.
type httpError struct {
	code int
	text string
}

func (e *httpError) Error() string { return e.text }

// busyError is an httpError of what can be asked again soon: the answer has a Retry-After.
type busyError struct{ *httpError }

func (e busyError) Unwrap() error { return e.httpError }

// withCode gives an error a status, unless it has one.
func withCode(code int, err error) error {
	if _, has := errors.AsType[*httpError](err); has || err == nil {
		return err
	}
	return &httpError{code, err.Error()}
}

func badRequest(format string, args ...any) error {
	return &httpError{fasthttp.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// quoted shows clients what they sent, up to a length.
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
	c := connOf(ctx)
	c.answering()
	if c.healthOnly {
		ctx.Response.SetConnectionClose()
	}
	if err := oneLength(ctx); err != nil {
		return err
	}
	path, method := string(ctx.Path()), string(ctx.Method())
	if method == fasthttp.MethodHead {
		method = fasthttp.MethodGet
	}
	if !c.healthOnly && s.page(ctx, path) {
		return nil
	}
	var allowed []string // methods of this path
	known, text := pathOf(path)
	for i := range endpoints {
		e := &endpoints[i]
		if e.path != known {
			continue
		}
		if e.method != method {
			allowed = append(allowed, e.method)
			continue
		}
		if err := s.authorize(ctx, e.needs); err != nil {
			return err
		}
		ctx.SetUserValue(itemKey, text)
		return e.answer(s, ctx)
	}
	// Clients that may not read are not told what exists.
	if err := s.authorize(ctx, scopeRead); err != nil {
		return err
	}
	if allowed != nil {
		return notAllowed(ctx, path, allowed, below(known, text, method))
	}
	return &httpError{
		fasthttp.StatusNotFound,
		fmt.Sprintf("nothing is at %s: there are %s", quoted(path), strings.Join(allPaths(), ", ")),
	}
}

// notAllowed says which methods a path has.
func notAllowed(ctx *fasthttp.RequestCtx, path string, methods, others []string) error {
	if methods[0] == fasthttp.MethodGet {
		methods = slices.Insert(methods, 1, fasthttp.MethodHead)
	}
	ctx.Response.Header.Set("Allow", strings.Join(methods, ", "))
	last := len(methods) - 1
	use := methods[last]
	if last > 0 {
		use = strings.Join(methods[:last], ", ") + " or " + use
	}
	instead := ""
	if len(others) > 0 {
		instead = fmt.Sprintf("; for %s there are %s", ctx.Method(), strings.Join(others, ", "))
	}
	return &httpError{fasthttp.StatusMethodNotAllowed, fmt.Sprintf("method %s is not allowed for %s: use %s", quoted(string(ctx.Method())), path, use) + instead}
}

// below lists what a request may have meant whose path goes on behind the place of an item: the
// paths that do, and that have its method.
func below(known, item, method string) (paths []string) {
	cut := strings.LastIndexByte(item, '/')
	if cut < 0 {
		return nil
	}
	for i := range endpoints {
		if e := &endpoints[i]; e.method == method && strings.HasPrefix(e.path, known+"/") {
			paths = append(paths, strings.Replace(e.path, "{}", item[:cut], 1))
		}
	}
	return paths
}

// allPaths lists each path once.
func allPaths() []string {
	var all []string
	for i := range endpoints {
		if path := endpoints[i].path; !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	return all
}

// fail answers with an error.
func (s *Server) fail(ctx *fasthttp.RequestCtx, err error) {
	code := fasthttp.StatusInternalServerError
	if e, ok := errors.AsType[*httpError](err); ok {
		code = e.code
	}
	if _, busy := errors.AsType[busyError](err); busy && len(ctx.Response.Header.Peek("Retry-After")) == 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(retryBusy))
	}
	text := err.Error()
	if registers(ctx) {
		err = writeRegistered(ctx, code, registered{Error: text})
	} else {
		err = writeJSON(ctx, code, errorAnswer{text})
	}
	if err != nil {
		s.options.Log.Error("http: an error response could not be sent", "path", string(ctx.Path()), "error", err)
	}
}

// malformed answers something that was not a request, or was too large.
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
			fmt.Sprintf("the request's body is over %d bytes: nothing here needs that many", maxBody),
		}
		drain(ctx)
	} else if errors.As(err, &timeout) && timeout.Timeout() {
		e = &httpError{
			fasthttp.StatusRequestTimeout,
			fmt.Sprintf("the request did not arrive within %v", readTimeout),
		}
	}
	s.fail(ctx, e)
}

// noContent answers that the request is done.
func noContent(ctx *fasthttp.RequestCtx) error {
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
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
