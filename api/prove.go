package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/store"
)

// Before the credentials in use are replaced, farmproxy asks the pool whether it
// accepts the new ones, over a short-lived link of its own. Anyone who may register can
// cause such links, and the pool sees them come from the farm's own address, so there
// are few of them.
const (
	// maxProofs at a time: half of maxRegistry, so that slow proofs leave room for the
	// rest of the API.
	maxProofs = 4

	// proofsPerMinute is the limit per pool. Pools ban addresses that guess passwords,
	// and a ban would take the whole farm offline.
	proofsPerMinute = 6

	// retryProof is the Retry-After, in seconds, when a pool can't be reached.
	retryProof = 30
)

// proofs is the state that Server needs to prove credentials.
type proofs struct {
	gate gate
	now  func() time.Time

	mu    sync.Mutex
	pools map[string]*allowance // by address; as many as the store has pools
}

func newProofs() *proofs {
	p := &proofs{gate: newGate("proofs of credentials", maxProofs), now: time.Now, pools: make(map[string]*allowance)}
	p.gate.wait = 0 // a request to the store waits with it
	return p
}

// take takes one proof from a pool's allowance. If that is not enough, it returns how
// long to wait.
func (p *proofs) take(address string) (wait time.Duration, ok bool) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.pools[address]
	if a == nil {
		p.sweep(now)
		a = &allowance{proofsPerMinute, now}
		p.pools[address] = a
	}
	a.refill(now, proofsPerMinute)
	if a.requests < 1 {
		return time.Duration((1 - a.requests) / proofsPerMinute * float64(time.Minute)), false
	}
	a.requests--
	return 0, true
}

// sweep drops pools with a full allowance; the caller holds p.mu.
func (p *proofs) sweep(now time.Time) {
	for address, a := range p.pools {
		if a.refill(now, proofsPerMinute); a.requests >= proofsPerMinute {
			delete(p.pools, address)
		}
	}
}

// prover returns the function that proves credentials for a request, or nil if there is
// none.
func (s *Server) prover(ctx *fasthttp.RequestCtx) store.Prove {
	if s.options.Prove == nil {
		return nil
	}
	return func(life context.Context, p store.Pool, a store.Account) error {
		if wait, ok := s.proofs.take(p.Address); !ok {
			seconds := max(1, int(math.Ceil(wait.Seconds())))
			ctx.Response.Header.Set("Retry-After", strconv.Itoa(seconds))
			return &httpError{
				fasthttp.StatusTooManyRequests,
				fmt.Sprintf("pool %s was asked to prove credentials %d times within a minute, and might take more for an attack: try again in %d s; nothing was changed", p.Address, proofsPerMinute, seconds),
			}
		}
		if err := s.proofs.gate.enter(); err != nil {
			ctx.Response.Header.Set("Retry-After", strconv.Itoa(retryStore))
			return err
		}
		defer s.proofs.gate.leave()
		err := s.options.Prove(life, p, a)
		if err != nil {
			s.audit(ctx, "a change was not made: the pool does not let the account in so", "account", a.Name, "pool", p.Address, "reason", err)
		}
		return unproven(ctx, err)
	}
}

// unproven maps an error of a proof to its status.
func unproven(ctx *fasthttp.RequestCtx, err error) error {
	switch {
	case errors.Is(err, store.ErrRefused):
		return &httpError{fasthttp.StatusUnprocessableEntity, err.Error() + "; nothing was changed"}
	case errors.Is(err, store.ErrPoolUnasked):
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(retryProof))
		return &httpError{fasthttp.StatusServiceUnavailable, err.Error() + "; nothing was changed"}
	}
	return err
}
