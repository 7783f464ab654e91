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

// orderCommands registers the commands with which operators order something.
func (p *proxy) orderCommands() {
	d := desk{p.orders}
	p.admin.Query("orders", func(context.Context, *admin.Call) (any, error) { return api.OrderList{Orders: d.Orders()}, nil })
	p.admin.Query("weights", command(func(_ context.Context, _ string, a WeightsArgs) (any, error) { return d.Weights(a.Route) }))
	p.admin.Handle("weights set", command(func(_ context.Context, by string, a WeightsArgs) (any, error) {
		return d.Weigh(by, a.Route, a.WeightsOrder)
	}))
	p.admin.Handle("weights reset", command(func(_ context.Context, by string, a WeightsArgs) (any, error) {
		if err := d.Unweigh(by, a.Route); err != nil {
			return nil, err
		}
		return d.Weights(a.Route)
	}))
	p.admin.Handle("move", command(func(ctx context.Context, by string, a MoveArgs) (any, error) {
		return d.Move(ctx, by, a.Worker, a.MoveOrder)
	}))
	p.admin.Handle("pin", command(func(ctx context.Context, by string, a MoveArgs) (any, error) {
		return d.Pin(ctx, by, a.Worker, a.MoveOrder)
	}))
	p.admin.Handle("unpin", command(func(_ context.Context, by string, a UnpinArgs) (any, error) { return nil, d.Unpin(by, a.Worker) }))
	p.admin.Query("curtail list", func(context.Context, *admin.Call) (any, error) {
		return api.Curtailments{Curtailments: d.Curtailments()}, nil
	})
	p.admin.Handle("curtail", command(func(_ context.Context, by string, a CurtailArgs) (any, error) { return d.Curtail(by, a.CurtailOrder) }))
	p.admin.Handle("curtail end", command(func(_ context.Context, by string, a CurtailArgs) (any, error) { return nil, d.Uncurtail(by, a.Group) }))
	for _, how := range []api.PoolAction{api.Drain, api.Disable, api.Enable} {
		p.admin.Handle(string(how), command(func(_ context.Context, by string, a PoolArgs) (any, error) {
			return d.Leave(by, a.Pool, how, a.Term)
		}))
	}
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
