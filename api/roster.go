package api

import (
	"context"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/history"
)

const rosterPath = "/api/v1/roster"

// maxListed bounds how many workers one request lists.
const maxListed = 100_000

type rosterAnswer struct {
	Workers []rosterRow `json:"workers"`
}

// rosterRow is a worker that is remembered.
type rosterRow struct {
	Name      string     `json:"name"`
	Expected  bool       `json:"expected"` // an operator listed it: it is never forgotten
	Up        bool       `json:"up"`
	Since     *time.Time `json:"since"`      // it is up, or down
	FirstSeen *time.Time `json:"first_seen"` // null: never
	LastSeen  *time.Time `json:"last_seen"`  // null: never; of one that is up, when it came up
	Address   string     `json:"address"`
	Agent     string     `json:"agent"`
	Group     string     `json:"group"`
	Pool      string     `json:"pool"`
	Usual     float64    `json:"usual_hashrate"` // while it is up; 0: not known yet
}

// roster lists all workers that are remembered.
func (s *Server) roster(life context.Context, ctx *fasthttp.RequestCtx, h *history.Store) error {
	q, err := readSpan(ctx, "format")
	if err != nil {
		return err
	}
	rows, err := h.Roster(life)
	if err != nil {
		return err
	}
	a := rosterAnswer{make([]rosterRow, len(rows))}
	for i := range rows {
		r := &rows[i]
		a.Workers[i] = rosterRow{r.Name, r.Expected, r.Up, OrNull(r.Since), OrNull(r.FirstSeen), OrNull(r.LastSeen), r.Address, r.Agent, r.Group, r.Pool, r.Usual}
	}
	if !q.csv {
		return writeJSON(ctx, fasthttp.StatusOK, &a)
	}
	t := newTable("name", "expected", "up", "since", "first_seen", "last_seen", "address", "agent", "group", "pool", "usual_hashrate")
	for _, r := range a.Workers {
		t.row(r.Name, r.Expected, r.Up, r.Since, r.FirstSeen, r.LastSeen, r.Address, r.Agent, r.Group, r.Pool, r.Usual)
	}
	return t.write(ctx, "roster")
}

type rosterRequest struct {
	Workers string `json:"workers"` // names or patterns, one per line; what follows a comma is ignored
}

type rosterChange struct {
	Listed int `json:"listed"`
	Added  int `json:"added"` // of these, that were not known
}

// expect lists workers that have to be there. The body may be JSON, or a CSV file.
func (s *Server) expect(life context.Context, ctx *fasthttp.RequestCtx, h *history.Store) error {
	var q rosterRequest
	if kind, _, _ := strings.Cut(string(ctx.Request.Header.ContentType()), ";"); kind == "text/csv" {
		q.Workers = string(ctx.PostBody())
	} else if err := readJSON(ctx, &q, true); err != nil {
		return err
	}
	names, err := history.Names(q.Workers, maxListed)
	if err != nil {
		return badRequest("workers: %v", err)
	}
	added, err := h.Expect(life, names, time.Now())
	if err != nil {
		return err
	}
	s.options.Expect(names)
	s.audit(ctx, "workers listed", "workers", len(names), "new", added)
	return writeJSON(ctx, fasthttp.StatusOK, rosterChange{len(names), added})
}

// forget removes a worker from the roster.
func (s *Server) forget(life context.Context, ctx *fasthttp.RequestCtx, h *history.Store) error {
	name := item(ctx)
	removed, err := h.Forget(life, []string{name})
	if err != nil {
		return err
	}
	if removed += s.options.Forget([]string{name}); removed == 0 {
		return &httpError{fasthttp.StatusNotFound, "no worker of that name is remembered without a miner; GET " + rosterPath + " lists them"}
	}
	s.audit(ctx, "a worker was removed", "worker", name)
	return noContent(ctx)
}
