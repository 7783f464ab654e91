package api

import (
	"math"

	"github.com/valyala/fasthttp"

	"farmproxy/stats"
)

type groupsAnswer struct {
	paging
	Groups []group `json:"groups"`
}

// group is what the workers of a hall or a rack do: see miners.worker_group.
type group struct {
	Name      string  `json:"name"`
	Miners    int     `json:"miners"`
	Workers   int     `json:"workers"`    // names remembered
	WorkersUp int     `json:"workers_up"` // those with a miner
	HashRate  float64 `json:"hashrate"`
	tally
	Work float64 `json:"work"` // accepted
}

func makeGroup(i *stats.GroupInfo) group {
	return group{
		Name:      i.Name,
		Miners:    i.Miners,
		Workers:   i.Workers,
		WorkersUp: i.WorkersUp,
		HashRate:  i.HashRate,
		tally:     makeTally(&i.Shares),
		Work:      i.Work,
	}
}

func (s *Server) groups(ctx *fasthttp.RequestCtx) error {
	q, page := stats.GroupQuery{Limit: defaultPerPage}, 1
	if err := readQuery(ctx.QueryArgs(), &page, &q.Limit, []parameter{{"search", &q.Search}}, nil); err != nil {
		return err
	}
	q.Offset = (page - 1) * q.Limit
	if err := s.queries.enter(); err != nil {
		return err
	}
	defer s.queries.leave()
	if everything(ctx) {
		q.Offset, q.Limit = 0, math.MaxInt
	}
	infos, total := s.options.Book.Groups(q)
	a := groupsAnswer{paging: paging{total, page, q.Limit}, Groups: make([]group, len(infos))}
	for i := range infos {
		a.Groups[i] = makeGroup(&infos[i])
	}
	return writeList(ctx, "groups", &a, a.Groups)
}
