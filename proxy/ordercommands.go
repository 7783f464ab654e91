package proxy

import (
	"context"

	"farmproxy/admin"
	"farmproxy/api"
)

// WeightsArgs are the arguments of the admin commands weights, weights set and weights reset.
type WeightsArgs struct {
	Route string `json:"route"`
	api.WeightsOrder
}

// MoveArgs are those of move and pin.
type MoveArgs struct {
	Worker string `json:"worker"`
	api.MoveOrder
}

// UnpinArgs are those of unpin.
type UnpinArgs struct {
	Worker string `json:"worker"`
}

// PoolArgs are those of drain, disable and enable.
type PoolArgs struct {
	Pool string `json:"pool"`
	api.Term
}

// CurtailArgs are those of curtail and curtail end.
type CurtailArgs struct{ api.CurtailOrder }

// DryRun is what is behind the name of a command that orders something: that command says
// what the order would do.
const DryRun = " dry-run"

// orderCommands registers the commands with which operators order something.
func (p *proxy) orderCommands() {
	d := desk{p.orders}
	p.admin.Query("orders", func(context.Context, *admin.Call) (any, error) { return api.OrderList{Orders: d.Orders()}, nil })
	p.admin.Query("weights", command(func(_ context.Context, _ string, a WeightsArgs) (any, error) { return d.Weights(a.Route) }))
	order(p, "weights set", func(_ context.Context, o api.Orders, by string, a WeightsArgs) (any, error) {
		return o.Weigh(by, a.Route, a.WeightsOrder)
	})
	order(p, "weights reset", func(_ context.Context, o api.Orders, by string, a WeightsArgs) (any, error) {
		if err := o.Unweigh(by, a.Route); err != nil {
			return nil, err
		}
		return o.Weights(a.Route)
	})
	order(p, "move", func(ctx context.Context, o api.Orders, by string, a MoveArgs) (any, error) {
		return o.Move(ctx, by, a.Worker, a.MoveOrder)
	})
	order(p, "pin", func(ctx context.Context, o api.Orders, by string, a MoveArgs) (any, error) {
		return o.Pin(ctx, by, a.Worker, a.MoveOrder)
	})
	order(p, "unpin", func(_ context.Context, o api.Orders, by string, a UnpinArgs) (any, error) {
		return nil, o.Unpin(by, a.Worker)
	})
	p.admin.Query("curtail list", func(context.Context, *admin.Call) (any, error) {
		return api.Curtailments{Curtailments: d.Curtailments()}, nil
	})
	order(p, "curtail", func(_ context.Context, o api.Orders, by string, a CurtailArgs) (any, error) {
		return o.Curtail(by, a.CurtailOrder)
	})
	order(p, "curtail end", func(_ context.Context, o api.Orders, by string, a CurtailArgs) (any, error) {
		return nil, o.Uncurtail(by, a.Group)
	})
	for _, how := range []api.PoolAction{api.Drain, api.Disable, api.Enable} {
		order(p, string(how), func(_ context.Context, o api.Orders, by string, a PoolArgs) (any, error) {
			return o.Leave(by, a.Pool, how, a.Term)
		})
	}
}

// order registers a command that orders something, and the one that says what it would do.
func order[A any](p *proxy, name string, give func(ctx context.Context, o api.Orders, by string, args A) (any, error)) {
	d := desk{p.orders}
	p.admin.Handle(name, command(func(ctx context.Context, by string, a A) (any, error) { return give(ctx, d, by, a) }))
	p.admin.Query(name+DryRun, command(func(ctx context.Context, by string, a A) (any, error) {
		return d.DryRun(ctx, func(o api.Orders) (any, error) { return give(ctx, o, by, a) })
	}))
}

// command makes an admin command of a function of who asks and of the arguments.
func command[A any](do func(ctx context.Context, by string, args A) (any, error)) admin.Func {
	return func(ctx context.Context, c *admin.Call) (any, error) {
		var args A
		if err := c.Args(&args); err != nil {
			return nil, err
		}
		answer, err := do(ctx, c.Peer.String(), args)
		if err != nil {
			return nil, err // a nil pointer in answer is no answer
		}
		return answer, nil
	}
}
