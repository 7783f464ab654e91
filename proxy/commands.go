package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/systemd"
)

// commands registers what an operator can ask for over the admin socket.
func (p *proxy) commands() {
	p.admin.Query("status", func(context.Context, *admin.Call) (any, error) { return p.web.Status() })
	p.admin.Query("workers", p.workers)
	p.admin.Query("pools", func(context.Context, *admin.Call) (any, error) { return p.web.PoolStates(), nil })
	p.admin.Query("routes", func(context.Context, *admin.Call) (any, error) { return p.web.Routes(), nil })
	p.admin.Query("alerts", func(context.Context, *admin.Call) (any, error) { return p.web.AlertList(), nil })
	p.admin.Query("get", p.get)
	p.admin.Query("live", func(ctx context.Context, c *admin.Call) (any, error) {
		return nil, p.web.Live(ctx, func(event json.RawMessage) error { return c.Send(event) })
	})
	p.admin.Query("config", func(context.Context, *admin.Call) (any, error) { return p.configuration(), nil })
	p.admin.Query("diff", func(ctx context.Context, c *admin.Call) (any, error) {
		var args differenceArgs
		if err := c.Args(&args); err != nil {
			return nil, err
		}
		return p.difference(ctx, args.File, args.Text)
	})
	p.admin.Handle("reload", func(ctx context.Context, c *admin.Call) (any, error) {
		var args reloadArgs
		if err := c.Args(&args); err != nil {
			return nil, err
		}
		file, err := args.absolute()
		if err != nil {
			return nil, err
		}
		return p.reload(ctx, file)
	})
	p.overlayCommands()
	p.orderCommands()
	p.viewLinkCommands()
	p.notifyCommands()
	p.admin.Query("trace", p.trace)
	p.admin.Handle("lame-duck", p.lameDuck)
	p.admin.Handle("upgrade", p.upgrade)
}

// WorkersArgs are the arguments of the admin command workers.
type WorkersArgs struct {
	Query string `json:"query"`          // as of GET /api/v1/workers, without page and per_page
	Most  int    `json:"most,omitempty"` // how many are listed; 0: all
}

// workers answers with pages of workers: each but the last is an event.
func (p *proxy) workers(_ context.Context, c *admin.Call) (any, error) {
	var args WorkersArgs
	if err := c.Args(&args); err != nil {
		return nil, err
	}
	last, err := p.web.EachWorkers(args.Query, max(args.Most, 0), func(page *api.Workers) error { return c.Send(page) })
	if err != nil {
		return nil, err // a nil pointer is no answer
	}
	return last, nil
}

// GetArgs are the arguments of the admin command get.
type GetArgs struct {
	Path string `json:"path"` // of a GET of the API, with its query
}

// get answers as the API does.
func (p *proxy) get(_ context.Context, c *admin.Call) (any, error) {
	var args GetArgs
	if err := c.Args(&args); err != nil {
		return nil, err
	}
	return p.web.Get(args.Path)
}

// listenAdmin opens the socket for commands; nil: there is none. Miners are served without
// one, unless the configuration asks for it.
func listenAdmin(c *config.Config, log *slog.Logger) (net.Listener, error) {
	path := c.AdminSocket(systemd.RuntimeDirectory(), stateDir(c))
	if path == "" {
		log.Info("there is no socket for commands: set admin.socket or state_dir to have one")
		return nil, nil
	}
	l, err := admin.Listen(path)
	switch {
	case err == nil:
		return l, nil
	case c.Admin.Socket != "":
		return nil, fmt.Errorf("admin.socket = %q: %w", path, err)
	default:
		log.Warn("there is no socket for commands: set admin.socket to a path that farmproxy may use", "error", err)
		return nil, nil
	}
}
