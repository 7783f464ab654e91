package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/store"
)

// Before credentials that miners work with are replaced, the pool is asked
// whether it takes the new ones: a link of its own, for a moment. Who may
// register can have such links opened, and the pool sees them come from the same
// address as the farm's: so they are few.
const (
	// maxProofs at a time: half of maxRegistry, so that proofs that take long
	// leave room for the rest of the API.
	maxProofs = 4

	// proofsPerMinute is how many each pool sees. Pools ban addresses that guess
	// passwords, and a ban would take the whole farm off.
	proofsPerMinute = 6

	// retryProof is when to try again where a pool can't be reached, in seconds.
	retryProof = 30
)

// proofs are what Server needs to have credentials proven.
type proofs struct {
	gate gate
	now  func() time.Time

	mu    sync.Mutex
	pools map[string]*allowance // by address; there are as many as the store has
}

func newProofs() *proofs {
	p := &proofs{gate: newGate("proofs of credentials", maxProofs), now: time.Now, pools: make(map[string]*allowance)}
	p.gate.wait = 0 // a request to the store waits with it
	return p
}

// take takes one proof from what a pool may still be asked. Where that is not
// enough, it says how long to wait.
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

// sweep drops pools that may be asked as often as any; p.mu is held.
func (p *proofs) sweep(now time.Time) {
	for address, a := range p.pools {
		if a.refill(now, proofsPerMinute); a.requests >= proofsPerMinute {
			delete(p.pools, address)
		}
	}
}

// prover returns what proves credentials for a request; nil where nothing does.
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

// unproven gives an error of a proof its status.
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

// audit logs a change, or an attempt at one, with who asked for it: the token's
// place in the token file, and the address.
func (s *Server) audit(ctx *fasthttp.RequestCtx, what string, attrs ...any) {
	by, ok := ctx.UserValue(byKey).(string)
	if !ok {
		by = "anybody" // there are no tokens
	}
	address, _ := netip.AddrFromSlice(ctx.RemoteIP())
	s.options.Log.Info(what, append(attrs, "by", by, "address", address.Unmap().String())...)
}

// byKey is where authorize keeps who asks.
const byKey = "by"
