package api

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/stats"
	"farmproxy/store"
)

const (
	// storeTimeout is how long the store may take for one request: shorter than
	// writeTimeout, so that the client gets an answer.
	storeTimeout = 20 * time.Second

	// maxRegistry bounds the requests at the store at a time: it has no more database
	// connections, and lists of 1,000 items are half a megabyte each.
	maxRegistry = 8

	// retryStore is the Retry-After, in seconds, while the database is unavailable.
	retryStore = 5
)

// Registry is what the API needs of a *store.Store, which documents the methods.
type Registry interface {
	Register(ctx context.Context, pool, user, password string, prove store.Prove) (name string, did store.Registered, err error)
	Account(ctx context.Context, name string) (store.Account, error)
	Accounts(ctx context.Context, f store.Filter) (store.Page[store.Account], error)
	SetGoals(ctx context.Context, name string, goals []store.Goal, prove store.Prove) error
	DeleteAccount(ctx context.Context, name string) error

	WouldRegister(ctx context.Context, pool, user, password string) (before, after *store.Account, err error)
	WouldSetGoals(ctx context.Context, name string, goals []store.Goal) (before, after *store.Account, err error)
	WouldDelete(ctx context.Context, name string) (before, after *store.Account, err error)

	Pool(ctx context.Context, address string) (store.Pool, error)
	Pools(ctx context.Context, f store.Filter) (store.Page[store.Pool], error)
	AddPool(ctx context.Context, p store.Pool) error
	ChangePool(ctx context.Context, p store.Pool, uses func(account string) bool, prove store.Prove) error
	DeletePool(ctx context.Context, address string, withAccounts bool) (accounts int, err error)

	Algorithm(ctx context.Context, name string) (store.Algorithm, error)
	Algorithms(ctx context.Context, f store.Filter) (store.Page[store.Algorithm], error)
	AddAlgorithm(ctx context.Context, a store.Algorithm) error
	ChangeAlgorithm(ctx context.Context, a store.Algorithm) error
	DeleteAlgorithm(ctx context.Context, name string) error

	Snapshot() *store.Snapshot
}

// registryHandler answers a request that needs the store. The context ends when
// the store has taken too long.
type registryHandler func(s *Server, life context.Context, ctx *fasthttp.RequestCtx, r Registry) error

// withRegistry makes a handler of one that needs the store: it tells the client what to
// do if there is none, and bounds how many use it at a time.
func withRegistry(answer registryHandler) handler {
	return func(s *Server, ctx *fasthttp.RequestCtx) error {
		if s.options.Registry == nil {
			return &httpError{
				fasthttp.StatusNotFound,
				`there is no store of accounts, pools and algorithms: set [store] url = "sqlite:///var/lib/farmproxy/farmproxy.db" in the configuration and restart farmproxy`,
			}
		}
		if err := s.registry.enter(); err != nil {
			return err
		}
		defer s.registry.leave()
		// Not ctx: fasthttp reuses it for the next request, and the database's driver
		// may look at it after the answer.
		life, cancel := context.WithTimeout(context.Background(), storeTimeout)
		defer cancel()
		return s.registryError(ctx, answer(s, life, ctx, s.options.Registry))
	}
}

// registryError maps an error of the store to its status.
func (s *Server) registryError(ctx *fasthttp.RequestCtx, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*httpError](err); ok {
		return err
	}
	is := func(kinds ...error) bool {
		for _, kind := range kinds {
			if errors.Is(err, kind) {
				return true
			}
		}
		return false
	}
	code, text := fasthttp.StatusInternalServerError, err.Error()
	switch {
	case is(store.ErrBadAddress, store.ErrBadValue, store.ErrBadUser, store.ErrBadPassword):
		code = fasthttp.StatusBadRequest
	case is(store.ErrUnknownAccount, store.ErrUnknownPool, store.ErrUnknownAlgorithm):
		code = fasthttp.StatusNotFound
	case is(store.ErrExists, store.ErrInUse, store.ErrInGoals):
		code = fasthttp.StatusConflict
	case is(store.ErrChanged):
		code = fasthttp.StatusServiceUnavailable
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(retryStore))
	case is(store.ErrUnavailable):
		code, text = fasthttp.StatusServiceUnavailable, store.Public(err)
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(retryStore))
		s.options.Log.Warn("http: the store could not answer", "path", string(ctx.Path()), "error", err)
	default:
		text = "this went wrong; the log says why"
		s.options.Log.Error("http: the store failed", "path", string(ctx.Path()), "error", err)
	}
	return &httpError{code, text}
}

// unknownIn maps an error about something unknown that the body names to the status for
// a body that can't be processed; something unknown in the path is a 404.
func unknownIn(err error, kind error) error {
	if errors.Is(err, kind) {
		return &httpError{fasthttp.StatusUnprocessableEntity, err.Error()}
	}
	return err
}

// done is what an account, a pool or an algorithm has done so far, as answers show it.
type done struct {
	Miners   int     `json:"miners"` // connected now
	HashRate float64 `json:"hashrate"`
	tally
	Work float64 `json:"work"` // accepted
}

func makeDone(t stats.Total) done {
	return done{t.Miners, t.HashRate, makeTally(&t.Shares), t.Work}
}
