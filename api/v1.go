package api

import (
	"math"
	"os"
	"strings"

	"github.com/valyala/fasthttp"

	"farmproxy/stats"
	"farmproxy/work"
)

func (s *Server) status(ctx *fasthttp.RequestCtx) error {
	a, err := s.Status()
	if err != nil {
		return err
	}
	return writeJSON(ctx, fasthttp.StatusOK, a)
}

// Status returns what GET /api/v1/status answers. It fails when others ask at the same
// time and do not finish soon.
func (s *Server) Status() (*Status, error) {
	if err := s.queries.enter(); err != nil {
		return nil, err
	}
	defer s.queries.leave()
	st := s.options.Book.Status()
	a := &Status{
		Version:    s.options.Version,
		PID:        os.Getpid(),
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
		Overlay:    s.options.Overlays.Overlaid(),
	}
	if st.Ready != nil {
		a.Error = st.Ready.Error()
	}
	a.Work.Accepted = st.Work[work.Accepted]
	a.Work.Rejected = st.Work.Rejected()
	return a, nil
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
	if everything(ctx) {
		q.Offset, q.Limit = 0, math.MaxInt
	}
	infos, total := s.options.Book.Workers(q)
	a := makeWorkers(infos, paging{total, page, q.Limit})
	return writeList(ctx, "workers", a, a.Workers)
}

func makeWorkers(infos []stats.WorkerInfo, p paging) *Workers {
	a := &Workers{paging: p, Workers: make([]Worker, len(infos))}
	for i := range infos {
		a.Workers[i] = makeWorker(&infos[i])
	}
	return a
}

// EachWorkers passes what GET /api/v1/workers answers to a query, page by page, to tell, as
// it is at one moment: all workers that match, or the first most of them. The query is as in
// the path, without page and per_page. It returns the last page.
func (s *Server) EachWorkers(query string, most int, tell func(*Workers) error) (*Workers, error) {
	var args fasthttp.Args
	args.Parse(query)
	q, _, err := workerQuery(&args)
	if err != nil {
		return nil, err
	}
	infos, total, err := s.allWorkers(q, most)
	for page := 1; err == nil; page++ {
		a := makeWorkers(infos[:min(len(infos), maxPerPage)], paging{total, page, maxPerPage})
		if infos = infos[len(a.Workers):]; len(infos) == 0 {
			return a, nil
		}
		err = tell(a)
	}
	return nil, err
}

// allWorkers returns the workers that match a query, most of them if that is not 0.
func (s *Server) allWorkers(q stats.WorkerQuery, most int) ([]stats.WorkerInfo, int, error) {
	if err := s.queries.enter(); err != nil {
		return nil, 0, err
	}
	defer s.queries.leave()
	q.Offset, q.Limit = 0, most
	if most == 0 {
		q.Limit = math.MaxInt
	}
	infos, total := s.options.Book.Workers(q)
	return infos, total, nil
}

func (s *Server) links(ctx *fasthttp.RequestCtx) error {
	a := linksAnswer{Links: []link{}, Pools: []pool{}}
	for _, l := range s.options.Book.Links() {
		a.Links = append(a.Links, makeLink(&l))
	}
	for _, p := range s.options.Book.Pools() {
		a.Pools = append(a.Pools, s.makePool(p))
	}
	return writeList(ctx, "links", &a, a.Links)
}

// workerQuery reads the query parameters of /api/v1/workers.
func workerQuery(args *fasthttp.Args) (q stats.WorkerQuery, page int, err error) {
	q.Limit, page = defaultPerPage, 1
	texts := []parameter{{"search", &q.Search}, {"account", &q.Account}, {"pool", &q.Pool}, {"algorithm", &q.Algorithm}, {"listener", &q.Listener}, {"group", &q.Group}}
	err = readQuery(args, &page, &q.Limit, texts, &moreParameters{
		names: []string{"sort", "order", "up"},
		read: func(key, v string) (known bool, err error) {
			switch key {
			case "sort":
				var ok bool
				if q.Order, ok = stats.ParseWorkerOrder(v); !ok {
					err = badRequest("sort: want one of %s, got %s", strings.Join(stats.WorkerOrders(), ", "), quoted(v))
				}
			case "order":
				if v != "asc" && v != "desc" {
					err = badRequest("order: want asc or desc, got %s", quoted(v))
				}
				q.Descending = v == "desc"
			case "up":
				if v != "true" && v != "false" {
					err = badRequest("up: want true or false, got %s", quoted(v))
				}
				q.Up, q.Down = v == "true", v == "false"
			default:
				return false, nil
			}
			return true, err
		},
	})
	q.Offset = (page - 1) * q.Limit
	return q, page, err
}
