package api

import (
	"time"

	"github.com/valyala/fasthttp"
)

// WorkerDetail is a worker, and what happened to it since this process has served, the
// latest first.
type WorkerDetail struct {
	Worker
	VersionMask string             `json:"version_mask"` // that its most recent miner may roll
	LastRefused []RefusedShare     `json:"last_refused"`
	LastClosed  []ClosedConnection `json:"last_closed"`
}

// RefusedShare is a share that was rejected.
type RefusedShare struct {
	Time       *time.Time `json:"time"`
	Reason     string     `json:"reason"` // as in rejected
	Difficulty float64    `json:"difficulty"`
}

// ClosedConnection is a connection that is over.
type ClosedConnection struct {
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
	a := WorkerDetail{makeWorker(&info), hex(info.VersionMask), []RefusedShare{}, []ClosedConnection{}}
	for _, r := range lately.Refused {
		a.LastRefused = append(a.LastRefused, RefusedShare{OrNull(r.At), r.Verdict.String(), r.Difficulty})
	}
	for _, c := range lately.Closed {
		a.LastClosed = append(a.LastClosed, ClosedConnection{OrNull(c.At), c.Address, c.Reason})
	}
	return writeJSON(ctx, fasthttp.StatusOK, &a)
}
