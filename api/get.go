package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"
)

// Get returns what a GET of a path and its query answers with JSON to a client that may
// read, for callers that need no token. Any goroutine.
func (s *Server) Get(target string) (json.RawMessage, error) {
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetMethod(fasthttp.MethodGet)
	ctx.Request.SetRequestURI(target)
	known, text := pathOf(string(ctx.Path()))
	for i := range endpoints {
		e := &endpoints[i]
		if e.path != known || e.method != fasthttp.MethodGet || !strings.HasPrefix(known, "/api/") || known == livePath {
			continue
		}
		ctx.SetUserValue(itemKey, text)
		if err := e.answer(s, &ctx); err != nil {
			return nil, err
		}
		if body := ctx.Response.Body(); json.Valid(body) {
			return body, nil
		}
		return nil, badRequest("%s: the answer is no JSON: leave out format", quoted(target))
	}
	return nil, &httpError{fasthttp.StatusNotFound, fmt.Sprintf("nothing is to be had at %s: expected the path of a GET below /api, without %s", quoted(target), livePath)}
}

// errEnds tells whoever still listens why nothing more comes.
var errEnds = errors.New("farmproxy stops, or another process takes over")

// Live passes the events of a page to tell, until ctx ends, tell fails, or the page is too
// slow, each of which is an error: it should open again.
func (s *Server) Live(ctx context.Context, tell func(event json.RawMessage) error) error {
	page, err := s.openPage("")
	if err != nil {
		return err
	}
	defer page.Close()
	for {
		select {
		case <-ctx.Done():
			return errEnds
		case event, open := <-page.Events():
			if !open {
				return errors.New("the stream has ended: this end was too slow, or farmproxy stops")
			}
			if err := tell(event); err != nil {
				return err
			}
		}
	}
}
