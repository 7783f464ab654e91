package api

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/viewlink"
)

const viewLinksPath = "/api/v1/view-links"

// viewFragment is what comes before a link's secret in its address. Browsers send what is
// behind # to nobody, so no log on the way has it.
const viewFragment = "/#view="

// ViewLinkList are all view links.
type ViewLinkList struct {
	Links []ViewLink `json:"view_links"` // by name
}

// ViewLink is one of them, without its secret.
type ViewLink struct {
	Name string `json:"name"`
	Note
	Opened *time.Time `json:"last_opened"` // when the page was last opened with it; null: not since farmproxy started
}

// ViewLinkOrder asks for one.
type ViewLinkOrder struct {
	Name string `json:"name"`
	Term
}

// NewViewLink is one that was just made. Its address is not shown again.
type NewViewLink struct {
	ViewLink
	Path string `json:"path"` // what follows scheme and host in its address
}

func makeViewLink(l *viewlink.Link) ViewLink {
	return ViewLink{l.Name, MakeNote(l.By, l.Since, l.Until), OrNull(l.Used)}
}

// ViewLinks returns all view links.
func (s *Server) ViewLinks() *ViewLinkList {
	list := s.options.ViewLinks.List(time.Now())
	a := &ViewLinkList{make([]ViewLink, len(list))}
	for i := range list {
		a.Links[i] = makeViewLink(&list[i])
	}
	return a
}

// CreateViewLink makes a view link.
func (s *Server) CreateViewLink(by string, o ViewLinkOrder) (*NewViewLink, error) {
	if s.settings.Load().Tokens == nil {
		return nil, &httpError{fasthttp.StatusConflict, "without http.token_file everybody who reaches the page sees all of it, and needs no link: set it, and http.address to one that others reach"}
	}
	now := time.Now()
	until, err := o.End(now)
	if err != nil {
		return nil, err
	}
	l, secret, err := s.options.ViewLinks.Create(o.Name, by, now, until)
	if err != nil {
		return nil, viewLinkError(err)
	}
	return &NewViewLink{makeViewLink(&l), viewFragment + secret}, nil
}

// RevokeViewLink ends a view link.
func (s *Server) RevokeViewLink(name string) error {
	return viewLinkError(s.options.ViewLinks.Revoke(name, time.Now()))
}

// viewLinkError gives an error its status.
func viewLinkError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, viewlink.ErrTaken):
		return &httpError{fasthttp.StatusConflict, err.Error()}
	case errors.Is(err, viewlink.ErrUnknown):
		return NotFound("%v; GET %s and farmproxy view list list them", err, viewLinksPath)
	}
	return badRequest("%v", err)
}

func (s *Server) viewLinks(ctx *fasthttp.RequestCtx) error {
	a := s.ViewLinks()
	return writeList(ctx, "view-links", a, a.Links)
}

func (s *Server) createViewLink(ctx *fasthttp.RequestCtx) error {
	var o ViewLinkOrder
	if err := readJSON(ctx, &o, true); err != nil {
		return err
	}
	l, err := s.CreateViewLink(askedBy(ctx), o)
	if err != nil {
		return err
	}
	s.audit(ctx, "view link made", "link", l.Name, "until", untilText(&l.Note))
	return writeJSON(ctx, fasthttp.StatusCreated, l)
}

func (s *Server) revokeViewLink(ctx *fasthttp.RequestCtx) error {
	if err := s.RevokeViewLink(item(ctx)); err != nil {
		return err
	}
	s.audit(ctx, "view link revoked", "link", item(ctx))
	return noContent(ctx)
}

// openedAgain is how long a view link is not logged once more: a page that lost its
// connection opens again.
const openedAgain = time.Hour

// noteOpened logs that the page was opened with a view link, if it was.
func (s *Server) noteOpened(ctx *fasthttp.RequestCtx) {
	name, ok := ctx.UserValue(viewLinkKey).(string)
	if !ok {
		return
	}
	now := time.Now()
	if before := s.options.ViewLinks.Opened(name, now); before.IsZero() || now.Sub(before) > openedAgain {
		s.options.Log.Info("the page was opened with a view link", "link", name, "address", callerOf(ctx).String())
	}
}
