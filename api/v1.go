package api

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"farmproxy/stats"
	"farmproxy/work"
)

const (
	// maxPerPage bounds one answer to half a megabyte.
	maxPerPage     = 1000
	defaultPerPage = 100

	// maxSearch is as long as the longest name that is kept.
	maxSearch = 256
)

func (s *Server) status(ctx *fasthttp.RequestCtx) error {
	if err := s.queries.enter(); err != nil {
		return err
	}
	defer s.queries.leave()
	st := s.options.Book.Status()
	a := statusAnswer{
		Version:    s.options.Version,
		Uptime:     math.Floor(st.Uptime.Seconds()),
		Ready:      st.Ready == nil,
		Miners:     st.Miners,
		MinersMax:  st.MinersMax,
		Subscribed: st.Subscribed,
		Authorized: st.Authorized,
		Workers:    st.Workers,
		WorkersUp:  st.WorkersUp,
		LinksUp:    st.LinksUp,
		Links:      st.Links,
		Pool:       st.Pool,
		Shares:     makeTally(&st.Shares),
		HashRate:   st.HashRate,
	}
	a.Work.Accepted = st.Work[work.Accepted]
	a.Work.Rejected = st.Work.Rejected()
	return writeJSON(ctx, fasthttp.StatusOK, &a)
}

func (s *Server) workers(ctx *fasthttp.RequestCtx) error {
	q, page, err := workerQuery(ctx.QueryArgs())
	if err != nil {
		return err
	}
	if err := s.queries.enter(); err != nil {
		return err
	}
	defer s.queries.leave()
	infos, total := s.options.Book.Workers(q)
	a := workersAnswer{Total: total, Page: page, PerPage: q.Limit, Workers: make([]worker, len(infos))}
	for i := range infos {
		a.Workers[i] = makeWorker(&infos[i])
	}
	return writeJSON(ctx, fasthttp.StatusOK, &a)
}

func (s *Server) links(ctx *fasthttp.RequestCtx) error {
	a := linksAnswer{Links: []link{}, Pools: []pool{}}
	for _, l := range s.options.Book.Links() {
		a.Links = append(a.Links, makeLink(&l))
	}
	for _, p := range s.options.Book.Pools() {
		a.Pools = append(a.Pools, makePool(p))
	}
	return writeJSON(ctx, fasthttp.StatusOK, &a)
}

// workerQuery reads what /api/v1/workers may be asked.
func workerQuery(args *fasthttp.Args) (q stats.WorkerQuery, page int, err error) {
	q.Limit, page = defaultPerPage, 1
	for key, value := range args.All() {
		v := string(value)
		switch string(key) {
		case "page":
			page, err = whole("page", v, math.MaxInt32)
		case "per_page":
			q.Limit, err = whole("per_page", v, maxPerPage)
		case "sort":
			var ok bool
			if q.Order, ok = stats.ParseWorkerOrder(v); !ok {
				err = badRequest("sort: want one of %s, got %s", strings.Join(stats.WorkerOrders(), ", "), quoted(v))
			}
		case "order":
			if !slices.Contains([]string{"asc", "desc"}, v) {
				err = badRequest("order: want asc or desc, got %s", quoted(v))
			}
			q.Descending = v == "desc"
		case "search":
			if len(v) > maxSearch {
				err = badRequest("search: want up to %d bytes, got %d", maxSearch, len(v))
			}
			q.Search = v
		default:
			err = badRequest("%s: there is no such parameter; want page, per_page, sort, order or search", quoted(string(key)))
		}
		if err != nil {
			return q, 0, err
		}
	}
	q.Offset = (page - 1) * q.Limit
	return q, page, nil
}

// whole reads a whole number from 1 to most.
func whole(key, v string, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err == nil && n >= 1 && n <= most {
		return n, nil
	}
	to := ""
	if most < math.MaxInt32 {
		to = fmt.Sprintf(" to %d", most)
	}
	return 0, badRequest("%s: want a whole number from 1%s, got %s", key, to, quoted(v))
}
