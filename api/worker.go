package api

import (
	"time"

	"github.com/valyala/fasthttp"
)

// workerDetail is a worker, and what happened to it since this process has served, the
// latest first.
type workerDetail struct {
	Worker
	LastRefused []refusedShare     `json:"last_refused"`
	LastClosed  []closedConnection `json:"last_closed"`
}

// refusedShare is a share that was rejected.
type refusedShare struct {
	Time       *time.Time `json:"time"`
	Reason     string     `json:"reason"` // as in rejected
	Difficulty float64    `json:"difficulty"`
}

// closedConnection is a connection that is over.
type closedConnection struct {
	Time    *time.Time `json:"time"`
	Address string     `json:"address"`
	Reason  string     `json:"reason"` // as in farmproxy_connections_closed_total
}

// worker answers with what is known of one worker.
func (s *Server) worker(ctx *fasthttp.RequestCtx) error {
	info, lately, ok := s.options.Book.WorkerDetail(item(ctx))
	if !ok {
		return NotFound("no worker is called %s; GET /api/v1/workers lists them", quoted(item(ctx)))
	}
	a := workerDetail{makeWorker(&info), []refusedShare{}, []closedConnection{}}
	for _, r := range lately.Refused {
		a.LastRefused = append(a.LastRefused, refusedShare{orNull(r.At), r.Verdict.String(), r.Difficulty})
	}
	for _, c := range lately.Closed {
		a.LastClosed = append(a.LastClosed, closedConnection{orNull(c.At), c.Address, c.Reason})
	}
	return writeJSON(ctx, fasthttp.StatusOK, &a)
}
