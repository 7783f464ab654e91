package proxy

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/viewlink"
)

// viewLinksFile holds, in the state directory, the hashes of view links.
const viewLinksFile = "viewlinks.json"

// openViewLinks returns the view links that the state directory has; "": there can't be any.
func openViewLinks(dir string, log *slog.Logger) *viewlink.Links {
	path := ""
	if dir != "" {
		path = filepath.Join(dir, viewLinksFile)
	}
	l, err := viewlink.Open(path)
	if err != nil {
		log.Error("view links can't be used", "error", err)
	}
	return l
}

// RevokeArgs are the arguments of the admin command view revoke.
type RevokeArgs struct {
	Name string `json:"name"`
}

// MadeViewLink is the answer to the admin command view create.
type MadeViewLink struct {
	api.NewViewLink
	Address string `json:"address"` // of the page, with the secret
}

// viewLinkCommands registers the commands for view links.
func (p *proxy) viewLinkCommands() {
	p.admin.Query("view list", func(context.Context, *admin.Call) (any, error) { return p.web.ViewLinks(), nil })
	p.admin.Handle("view create", command(func(_ context.Context, by string, o api.ViewLinkOrder) (any, error) {
		l, err := p.web.CreateViewLink(by, o)
		if err != nil {
			return nil, err
		}
		return MadeViewLink{*l, p.pageAddress() + l.Path}, nil
	}))
	p.admin.Query("view create"+DryRun, command(func(_ context.Context, by string, o api.ViewLinkOrder) (any, error) {
		return p.web.WouldCreateViewLink(by, o)
	}))
	p.admin.Handle("view revoke", command(func(_ context.Context, by string, a RevokeArgs) (any, error) {
		return nil, p.web.RevokeViewLink(a.Name)
	}))
	p.admin.Query("view revoke"+DryRun, command(func(_ context.Context, _ string, a RevokeArgs) (any, error) { return p.web.WouldRevokeViewLink(a.Name) }))
}

// pageAddress is where the page is, as others reach it: by this machine's name, if farmproxy
// listens at all addresses.
func (p *proxy) pageAddress() string {
	on, _ := p.webPort.at()
	if on == nil {
		return ""
	}
	at, ok := on.Addr().(*net.TCPAddr)
	if !ok || !at.IP.IsUnspecified() {
		return p.web.Scheme() + "://" + on.Addr().String()
	}
	name, err := os.Hostname()
	if err != nil {
		name = "HOST"
	}
	_, port, _ := net.SplitHostPort(at.String())
	return p.web.Scheme() + "://" + net.JoinHostPort(name, port)
}
