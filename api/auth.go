package api

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// realm is what clients are told that they are asked a token for.
const realm = `Bearer realm="farmproxy"`

// authorize refuses who may not ask. Without tokens, everybody who reaches the
// server may: it listens on loopback then.
func (s *Server) authorize(ctx *fasthttp.RequestCtx, needed scope) error {
	if needed == scopeNone {
		return nil
	}
	if s.options.Tokens == nil {
		return sameSite(ctx)
	}
	kind, token, _ := strings.Cut(string(ctx.Request.Header.Peek("Authorization")), " ")
	if token == "" || !strings.EqualFold(kind, "Bearer") {
		ctx.Response.Header.Set("WWW-Authenticate", realm)
		return &httpError{
			fasthttp.StatusUnauthorized,
			fmt.Sprintf("this needs a token with scope %v: send the header Authorization: Bearer TOKEN, with one of http.token_file", needed),
		}
	}
	allowed := s.options.Tokens.allows(strings.TrimSpace(token))
	switch {
	case allowed == scopeNone:
		ctx.Response.Header.Set("WWW-Authenticate", realm+`, error="invalid_token"`)
		return &httpError{
			fasthttp.StatusUnauthorized,
			fmt.Sprintf("this token is not known: use one of http.token_file with scope %v; the file is read when farmproxy starts", needed),
		}
	case allowed&needed == 0:
		ctx.Response.Header.Set("WWW-Authenticate", realm+`, error="insufficient_scope"`)
		return &httpError{
			fasthttp.StatusForbidden,
			fmt.Sprintf("this token does not allow that: use one with scope %v", needed),
		}
	}
	return nil
}

// sameSite refuses a change that a web page of somebody else asks for, in a
// browser on this machine: loopback does not keep those out. What is not a
// browser sends neither header.
func sameSite(ctx *fasthttp.RequestCtx) error {
	if ctx.IsGet() || ctx.IsHead() {
		return nil
	}
	header := &ctx.Request.Header
	switch site := string(header.Peek("Sec-Fetch-Site")); site {
	case "same-origin", "none":
		return nil
	case "":
		origin := string(header.Peek("Origin"))
		if u, err := url.Parse(origin); origin == "" || err == nil && u.Host == string(header.Host()) {
			return nil
		}
	}
	return &httpError{
		fasthttp.StatusForbidden,
		"a page of another site may not change anything here: send the request without a browser, or set http.token_file",
	}
}
