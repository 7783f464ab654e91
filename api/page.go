package api

import (
	"crypto/sha256"
	"fmt"
	"path"

	"github.com/valyala/fasthttp"

	"farmproxy/web"
)

// asset is a file of the page.
type asset struct {
	kind string // its content type
	body []byte
	tag  string
}

// assets are the files of the page, by path.
var assets = func() map[string]asset {
	kinds := map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
	all := make(map[string]asset)
	files, err := web.Dist.ReadDir("dist")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, f := range files {
		body, err := web.Dist.ReadFile("dist/" + f.Name())
		if err != nil {
			panic(err)
		}
		at := "/" + f.Name()
		if at == "/index.html" {
			at = "/"
		}
		sum := sha256.Sum256(body)
		all[at] = asset{kinds[path.Ext(f.Name())], body, `"` + fmt.Sprintf("%x", sum[:16]) + `"`}
	}
	return all
}()

// policy is what the page may do: what is in its own files, and requests to its own
// server. Nobody may show it in a frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page answers with a file of the page, and reports whether there is one at that path.
// Anybody may have them: they are the same everywhere, and know nothing of the farm.
func (s *Server) page(ctx *fasthttp.RequestCtx, at string) bool {
	a, ok := assets[at]
	if !ok || !ctx.IsGet() && !ctx.IsHead() {
		return false
	}
	h := &ctx.Response.Header
	h.Set("Cache-Control", "no-cache") // another version has the same names
	h.Set("ETag", a.tag)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	ctx.SetContentType(a.kind)
	if string(ctx.Request.Header.Peek("If-None-Match")) == a.tag {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return true
	}
	ctx.SetBody(a.body)
	return true
}
