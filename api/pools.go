package api

import (
	"cmp"
	"context"
	"errors"

	"github.com/valyala/fasthttp"

	"farmproxy/stats"
	"farmproxy/store"
)

// poolOptions is a pool as clients add it, change it and see it.
type poolOptions struct {
	Pool              string  `json:"pool"` // host:port
	Algorithm         string  `json:"algorithm"`
	TLS               bool    `json:"tls"`
	TLSInsecure       bool    `json:"tls_insecure"`
	TLSFingerprint    string  `json:"tls_fingerprint"`
	Workers           string  `json:"workers"`
	Mode              string  `json:"mode"`
	Links             int     `json:"links"` // 0: as many as needed
	SuggestDifficulty float64 `json:"suggest_difficulty"`
}

type poolsAnswer struct {
	paging
	Pools    []registeredPool `json:"pools"`
	Compared []comparedPool   `json:"compared"`
}

type registeredPool struct {
	poolOptions
	Divider float64 `json:"divider"` // the algorithm's
	done
}

// pools answers without a store, too: then there are no registered pools, but those of the
// configuration.
func (s *Server) pools(ctx *fasthttp.RequestCtx) error {
	if s.options.Registry != nil {
		return withRegistry((*Server).registeredPools)(s, ctx)
	}
	var f store.Filter
	if err := poolQuery(ctx, &f); err != nil {
		return err
	}
	return s.writePools(ctx, &poolsAnswer{paging{0, f.Page, f.PerPage}, []registeredPool{}, s.compared()})
}

// writePools answers with pools; their table has those in use, with all that is known of
// them.
func (s *Server) writePools(ctx *fasthttp.RequestCtx, a *poolsAnswer) error {
	return writeList(ctx, "pools", a, s.PoolStates().Pools)
}

func poolQuery(ctx *fasthttp.RequestCtx, f *store.Filter) error {
	return listQuery(ctx, f, []parameter{{"algorithm", &f.Algorithm}, {"search", &f.Search}})
}

func (s *Server) registeredPools(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	var f store.Filter
	if err := poolQuery(ctx, &f); err != nil {
		return err
	}
	page, err := r.Pools(life, f)
	if err != nil {
		return err
	}
	a := poolsAnswer{paging: makePaging(page), Pools: make([]registeredPool, len(page.Items)), Compared: s.compared()}
	totals := s.options.Book.PoolTotals()
	for i := range page.Items {
		a.Pools[i] = makeRegisteredPool(r, &page.Items[i], totals)
	}
	return s.writePools(ctx, &a)
}

func (s *Server) pool(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	return s.showPool(life, ctx, r, item(ctx), fasthttp.StatusOK)
}

// showPool answers with the stored pool.
func (s *Server) showPool(life context.Context, ctx *fasthttp.RequestCtx, r Registry, address string, code int) error {
	p, err := r.Pool(life, address)
	if err != nil {
		return err
	}
	return writeJSON(ctx, code, makeRegisteredPool(r, &p, s.options.Book.PoolTotals()))
}

// addPool adds a new pool.
func (s *Server) addPool(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	p, err := readPool(ctx)
	if err != nil {
		return err
	}
	if err := r.AddPool(life, p); err != nil {
		return unknownIn(err, store.ErrUnknownAlgorithm)
	}
	s.audit(ctx, "pool added", "pool", p.Address, "algorithm", p.Algorithm, "options", p.Options)
	return s.showPool(life, ctx, r, p.Address, fasthttp.StatusCreated)
}

// putPool changes a pool, or adds it.
func (s *Server) putPool(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	p, err := readPool(ctx)
	if err != nil {
		return err
	}
	code := fasthttp.StatusOK
	err = r.ChangePool(life, p, s.options.Uses, s.prover(ctx))
	if errors.Is(err, store.ErrUnknownPool) {
		code = fasthttp.StatusCreated
		err = r.AddPool(life, p)
	}
	if err != nil {
		return unknownIn(err, store.ErrUnknownAlgorithm)
	}
	s.audit(ctx, "pool set", "pool", p.Address, "algorithm", p.Algorithm, "options", p.Options)
	return s.showPool(life, ctx, r, p.Address, code)
}

func readPool(ctx *fasthttp.RequestCtx) (store.Pool, error) {
	var o poolOptions
	if err := readJSON(ctx, &o, true); err != nil {
		return store.Pool{}, err
	}
	if o.Algorithm == "" {
		return store.Pool{}, badRequest(`algorithm: required, such as "sha256d" or "scrypt"; GET /api/v1/algorithms lists them`)
	}
	return store.Pool{Address: o.Pool, Algorithm: o.Algorithm, Options: store.PoolOptions{
		TLS:               o.TLS,
		TLSInsecure:       o.TLSInsecure,
		TLSFingerprint:    o.TLSFingerprint,
		Workers:           o.Workers,
		Mode:              o.Mode,
		Links:             o.Links,
		SuggestDifficulty: o.SuggestDifficulty,
	}}, nil
}

func (s *Server) deletePool(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	withAccounts := false
	for key, value := range ctx.QueryArgs().All() {
		if string(key) != "with_accounts" {
			return badRequest("%s: no such parameter; want with_accounts", quoted(string(key)))
		}
		switch v := string(value); v {
		case "true", "false":
			withAccounts = v == "true"
		default:
			return badRequest("with_accounts: want true or false, got %s", quoted(v))
		}
	}
	accounts, err := r.DeletePool(life, item(ctx), withAccounts)
	if errors.Is(err, store.ErrInUse) {
		return &httpError{fasthttp.StatusConflict, err.Error() + ": add ?with_accounts=true"}
	}
	if err != nil {
		return err
	}
	s.audit(ctx, "pool deleted", "pool", item(ctx), "accounts", accounts)
	return noContent(ctx)
}

func makeRegisteredPool(r Registry, p *store.Pool, totals map[string]stats.Total) registeredPool {
	a := registeredPool{
		poolOptions: poolOptions{
			Pool:              p.Address,
			Algorithm:         p.Algorithm,
			TLS:               p.Options.TLS,
			TLSInsecure:       p.Options.TLSInsecure,
			TLSFingerprint:    p.Options.TLSFingerprint,
			Workers:           cmp.Or(p.Options.Workers, store.WorkersAggregate),
			Mode:              cmp.Or(p.Options.Mode, store.ModeAggregate),
			Links:             p.Options.Links,
			SuggestDifficulty: p.Options.SuggestDifficulty,
		},
		Divider: 1,
		done:    makeDone(totals[p.Address]),
	}
	if algorithm := r.Snapshot().Algorithm(p.Algorithm); algorithm != nil {
		a.Divider = algorithm.Divider
	}
	return a
}
