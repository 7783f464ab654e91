package upstream

import (
	"context"
	"errors"
	"time"

	"farmproxy/descriptors"
	"farmproxy/stats"
)

// proveTime is how long a proof may take: a pool that looks an account up in a
// database, over the slowest line. Somebody waits for its answer.
const proveTime = 12 * time.Second

// Why a proof could not be had.
var (
	errUnproven = errors.New("the pool did not answer in time")
	errNoFiles  = errors.New("too few file descriptors: raise LimitNOFILE, or lower miners.max")
)

// Prove makes sure that a pool takes an account's credentials: a link of its own
// subscribes, authorizes, and ends. Nothing of what serves the account is
// touched, and the pool is not blamed for what it says. The error is a *Refusal
// where the pool said no; any other says that it could not be asked.
func (d *Directory) Prove(ctx context.Context, account string, p Pool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, proveTime, errUnproven)
	defer cancel()
	g := d.goalToProve(account, p)
	if err := g.prove(ctx); !errors.Is(err, errProbed) {
		return err
	}
	return nil
}

// goalToProve is a goal that nobody can be on, with what is known of the pool.
func (d *Directory) goalToProve(account string, p Pool) *Goal {
	d.mu.RLock()
	e := d.endpoints[endpointKey{p.Name, p.URL}]
	d.mu.RUnlock()
	if e == nil {
		e = &endpoint{book: new(stats.Pool)} // nobody is to see a pool that is not in use
	}
	g := &Goal{
		directory: d, account: account, form: form{links: 1},
		log: d.log.With("account", account),
	}
	g.pools.Store(&[]*pool{newPool(p, e, &d.state)})
	return g
}

// prove opens the link, and returns errProbed when the pool has let it in. It
// makes no optional request, so that nothing but the credentials can be minded.
func (g *Goal) prove(ctx context.Context) error {
	files, ok := g.directory.hold(descriptors.Probe)
	if !ok {
		return errNoFiles
	}
	p := g.list()[0]
	p.probed()
	k := g.newLink(ctx, p, nil, files)
	k.proof = true
	defer k.tried()
	return k.run()
}
