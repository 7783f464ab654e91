package api

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// realm is the challenge sent to clients that must show a token.
const realm = `Bearer realm="farmproxy"`

// retryBusy is the Retry-After, in seconds, when there was no room.
const retryBusy = 1

// authorize refuses clients that may not ask. Without tokens the server listens on
// loopback, and everyone who reaches it may ask. Pages of other sites never may.
func (s *Server) authorize(ctx *fasthttp.RequestCtx, needed scope) error {
	if needed == scopeNone {
		return nil
	}
	if connOf(ctx).healthOnly {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(retryBusy))
		return &httpError{
			fasthttp.StatusServiceUnavailable,
			fmt.Sprintf("busy: all %d connections are in use, %d at most by one client; close some, or ask again later. /healthz and /readyz are answered always", s.connections.most, s.connections.perClient),
		}
	}
	o := s.settings.Load() // once: with tokens no host has to be known
	if err := o.knownHost(ctx); err != nil {
		return s.refused(ctx, "it asks for a host of another name", err)
	}
	if err := ownPage(ctx); err != nil {
		return s.refused(ctx, "a page of another site sent it", err)
	}
	if o.Tokens == nil {
		return nil
	}
	token := bearer(&ctx.Request.Header)
	if token == "" {
		ctx.Response.Header.Set("WWW-Authenticate", realm)
		return s.refused(ctx, "it has no token", &httpError{
			fasthttp.StatusUnauthorized,
			fmt.Sprintf("this needs a token with scope %v: send the header Authorization: Bearer TOKEN, with one of http.token_file", needed),
		})
	}
	allowed, by := o.Tokens.allows(token)
	if link, ok := s.options.ViewLinks.Allows(token, time.Now()); ok && allowed == scopeNone {
		allowed, by = scopeRead, "view link "+link
		ctx.SetUserValue(viewLinkKey, link)
	}
	ctx.SetUserValue(byKey, by)
	switch {
	case allowed == scopeNone:
		ctx.Response.Header.Set("WWW-Authenticate", realm+`, error="invalid_token"`)
		return s.refused(ctx, "its token is not known", &httpError{
			fasthttp.StatusUnauthorized,
			fmt.Sprintf("this token is not known, or the view link is over or revoked: use a token of http.token_file with scope %v; the file is read at the start and at a reload", needed),
		})
	case allowed&needed == 0:
		ctx.Response.Header.Set("WWW-Authenticate", realm+`, error="insufficient_scope"`)
		return s.refused(ctx, "its token does not allow it", &httpError{
			fasthttp.StatusForbidden,
			fmt.Sprintf("this token does not allow that: use one with scope %v", needed),
		})
	}
	return nil
}

// viewLinkKey is where authorize stores the name of the view link that is asking.
const viewLinkKey = "view link"

// mayStillRead reports whether a client that was let in with a token, or without one,
// may go on reading.
func (s *Server) mayStillRead(token string) bool {
	tokens := s.settings.Load().Tokens
	if tokens == nil {
		return true
	}
	allowed, _ := tokens.allows(token)
	_, link := s.options.ViewLinks.Allows(token, time.Now())
	return link || allowed&scopeRead != 0
}

// bearer returns the token that a client shows; "": none.
func bearer(h *fasthttp.RequestHeader) string {
	kind, token, _ := strings.Cut(string(h.Peek("Authorization")), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
