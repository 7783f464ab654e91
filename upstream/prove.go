package upstream

import (
	"context"
	"errors"
	"time"

	"farmproxy/stats"
)

// proveTime is how long a proof may take: a pool that looks an account up in a
// database, over the slowest line. Somebody waits for its answer.
const proveTime = 12 * time.Second

// errUnproven is why a proof failed whose time was up.
var errUnproven = errors.New("the pool did not answer in time")

// Prove makes sure that a pool takes an account's credentials: a link of its own
// subscribes, authorizes, and ends. Nothing of what serves the account is
// touched, and the pool is not blamed for what it says. The error is a *Refusal
// where the pool said no; any other says that it could not be asked.
func (d *Directory) Prove(ctx context.Context, a Account) error {
	ctx, cancel := context.WithTimeoutCause(ctx, proveTime, errUnproven)
	defer cancel()
	r := d.routeToProve(&a)
	reached, err := r.prove(ctx)
	if errors.Is(err, errHungUp) && !reached {
		_, err = r.prove(ctx) // it may have minded an optional request, and is not asked that again
	}
	if errors.Is(err, errProbed) {
		return nil
	}
	return err
}

// routeToProve is a route that nobody can be on, with what is known of the pool.
func (d *Directory) routeToProve(a *Account) *Route {
	d.mu.RLock()
	e := d.endpoints[endpointKey{a.Pool.Name, a.Pool.URL}]
	d.mu.RUnlock()
	if e == nil {
		e = &endpoint{book: new(stats.Pool)} // nobody is to see a pool that is not in use
	}
	return &Route{
		directory: d, account: a.Name, failover: &d.failover, links: 1,
		log:   d.log.With("account", a.Name),
		pools: []*pool{newPool(a.Pool, e, 0, &d.state)},
	}
}

// prove opens the link, and returns errProbed when the pool has let it in.
// reached: it has answered subscribe.
func (r *Route) prove(ctx context.Context) (reached bool, err error) {
	p := r.pools[0]
	p.probed()
	k := r.newLink(ctx, p, nil)
	k.proof = true
	defer k.tried()
	err = k.run()
	return k.reached, err
}
