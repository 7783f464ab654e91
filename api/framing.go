package api

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// oneLength refuses a request that states its length twice, or in a form that proxies
// read differently: what one takes for the end of the body, another takes for the next
// request, which nobody sent (RFC 9112, 6.3 and 11.2).
func oneLength(ctx *fasthttp.RequestCtx) error {
	lengths, codings := 0, 0
	for line := range bytes.Lines(ctx.Request.Header.RawHeaders()) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			lengths++
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			codings++
			if !bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked")) {
				codings++
			}
		}
	}
	if lengths+codings <= 1 {
		return nil
	}
	ctx.Response.SetConnectionClose()
	return badRequest("the length of the body is not clear: send either Content-Length or Transfer-Encoding: chunked")
}
