package api

import (
	"github.com/valyala/fasthttp"
)

// Reload is what came of reading the configuration file again, or would come of it.
type Reload struct {
	File        string   `json:"file"`
	Fingerprint string   `json:"fingerprint"` // of what the file says; "" if it can't be used
	Changes     []string `json:"changes"`     // in the order of the file's keys; none: it says what farmproxy works by already
	Warnings    []string `json:"warnings"`
	Problems    []string `json:"problems"` // if there are any, nothing was changed
	Error       string   `json:"error"`    // "" if there are none
}

// Configuration is the one in use.
type Configuration struct {
	File        string         `json:"file"`        // what a reload reads
	LastGood    bool           `json:"last_good"`   // the file was broken when farmproxy started, so it works by the last good one
	Fingerprint string         `json:"fingerprint"` // the same wherever the configuration says the same, passwords aside
	Overlay     *OverlayNote   `json:"overlay"`     // pools and routes were set over the API, and the file's have no effect; null: they were not
	Config      map[string]any `json:"config"`      // as the file would have it, defaults filled in; secrets are ***
}

func (s *Server) reload(ctx *fasthttp.RequestCtx) error {
	r, err := s.options.Reload()
	code := fasthttp.StatusOK
	if err != nil {
		code = fasthttp.StatusUnprocessableEntity
	}
	s.audit(ctx, "reload", "file", r.File, "changes", len(r.Changes), "problems", len(r.Problems))
	return writeJSON(ctx, code, r)
}

func (s *Server) configuration(ctx *fasthttp.RequestCtx) error {
	return writeJSON(ctx, fasthttp.StatusOK, s.options.Configuration())
}
