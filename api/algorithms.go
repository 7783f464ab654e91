package api

import (
	"context"
	"errors"

	"github.com/valyala/fasthttp"

	"farmproxy/store"
	"farmproxy/work"
)

// algorithmOptions is an algorithm as clients add it, change it and see it.
type algorithmOptions struct {
	Name    string  `json:"name"`
	Divider float64 `json:"divider"`
}

type algorithmsAnswer struct {
	paging
	Algorithms []algorithm `json:"algorithms"`
}

type algorithm struct {
	algorithmOptions
	Checked bool `json:"checked"` // shares are checked here; otherwise the pool's verdict counts
	done
}

func (s *Server) algorithms(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	var f store.Filter
	if err := listQuery(ctx, &f, []parameter{{"search", &f.Search}}); err != nil {
		return err
	}
	page, err := r.Algorithms(life, f)
	if err != nil {
		return err
	}
	a := algorithmsAnswer{paging: makePaging(page), Algorithms: make([]algorithm, len(page.Items))}
	for i, x := range page.Items {
		a.Algorithms[i] = s.makeAlgorithm(x)
	}
	return writeList(ctx, "algorithms", &a, a.Algorithms)
}

func (s *Server) algorithm(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	return s.showAlgorithm(life, ctx, r, item(ctx), fasthttp.StatusOK)
}

// showAlgorithm answers with the stored algorithm.
func (s *Server) showAlgorithm(life context.Context, ctx *fasthttp.RequestCtx, r Registry, name string, code int) error {
	a, err := r.Algorithm(life, name)
	if err != nil {
		return err
	}
	return writeJSON(ctx, code, s.makeAlgorithm(a))
}

// addAlgorithm adds a new algorithm.
func (s *Server) addAlgorithm(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	a, err := readAlgorithm(ctx)
	if err != nil {
		return err
	}
	if err := r.AddAlgorithm(life, a); err != nil {
		return err
	}
	s.audit(ctx, "algorithm added", "algorithm", a.Name, "divider", a.Divider)
	return s.showAlgorithm(life, ctx, r, a.Name, fasthttp.StatusCreated)
}

// putAlgorithm changes an algorithm, or adds it.
func (s *Server) putAlgorithm(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	a, err := readAlgorithm(ctx)
	if err != nil {
		return err
	}
	code := fasthttp.StatusOK
	err = r.ChangeAlgorithm(life, a)
	if errors.Is(err, store.ErrUnknownAlgorithm) {
		code = fasthttp.StatusCreated
		err = r.AddAlgorithm(life, a)
	}
	if err != nil {
		return err
	}
	s.audit(ctx, "algorithm set", "algorithm", a.Name, "divider", a.Divider)
	return s.showAlgorithm(life, ctx, r, a.Name, code)
}

func readAlgorithm(ctx *fasthttp.RequestCtx) (store.Algorithm, error) {
	var o algorithmOptions
	err := readJSON(ctx, &o, true)
	return store.Algorithm{Name: o.Name, Divider: o.Divider}, err
}

func (s *Server) deleteAlgorithm(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	if err := r.DeleteAlgorithm(life, item(ctx)); err != nil {
		return err
	}
	s.audit(ctx, "algorithm deleted", "algorithm", item(ctx))
	return noContent(ctx)
}

func (s *Server) makeAlgorithm(a store.Algorithm) algorithm {
	known, _ := work.LookupAlgorithm(a.Name)
	return algorithm{algorithmOptions{a.Name, a.Divider}, known.Hash != nil, makeDone(s.options.Book.AlgorithmTotal(a.Name))}
}
