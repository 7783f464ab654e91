package api

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

// openAPIDocument describes this API, for programs that make clients of it.
// Tests hold it and the handlers together.
//
//go:embed openapi.json
var openAPIDocument []byte

func (s *Server) openAPI(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("application/json; charset=utf-8")
	ctx.SetBody(openAPIDocument)
	return nil
}
