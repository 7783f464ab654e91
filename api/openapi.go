package api

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

// openAPIDocument describes this API for programs that generate clients. Tests keep it
// and the handlers in step.
//
//go:embed openapi.json
var openAPIDocument []byte

func (s *Server) openAPI(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType("application/json; charset=utf-8")
	ctx.SetBody(openAPIDocument)
	return nil
}
