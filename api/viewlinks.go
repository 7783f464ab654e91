package api

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/plain"
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
	return s.createIn(s.options.ViewLinks, by, o)
}

// createIn makes a view link among those links.
func (s *Server) createIn(links *viewlink.Links, by string, o ViewLinkOrder) (*NewViewLink, error) {
	if s.settings.Load().Tokens == nil {
		return nil, &httpError{fasthttp.StatusConflict, "without http.token_file everybody who reaches the page sees all of it, and needs no link: set it, and http.address to one that others reach"}
	}
	now := time.Now()
	until, err := o.End(now)
	if err != nil {
		return nil, err
	}
	l, secret, err := links.Create(o.Name, by, now, until)
	if err != nil {
		return nil, viewLinkError(err)
	}
	return &NewViewLink{makeViewLink(&l), viewFragment + secret}, nil
}

// RevokeViewLink ends a view link.
func (s *Server) RevokeViewLink(name string) error {
	return viewLinkError(s.options.ViewLinks.Revoke(name, time.Now()))
}

// WouldCreateViewLink says what CreateViewLink would do.
func (s *Server) WouldCreateViewLink(by string, o ViewLinkOrder) (*OrderEffects, error) {
	l, err := s.createIn(s.options.ViewLinks.Rehearsal(), by, o)
	if err != nil {
		return nil, err
	}
	until := "until it is revoked"
	if l.Until != nil {
		until = "until " + plain.Moment(*l.Until)
	}
	return &OrderEffects{true, []string{
		fmt.Sprintf("Whoever has the address of %s sees all of the page, and changes nothing: %s.", l.Name, until),
		"The address is shown once: farmproxy keeps a hash of its secret.",
	}}, nil
}

// WouldRevokeViewLink says what RevokeViewLink would do.
func (s *Server) WouldRevokeViewLink(name string) (*OrderEffects, error) {
	now := time.Now()
	links := s.options.ViewLinks.Rehearsal()
	list := links.List(now)
	if err := links.Revoke(name, now); err != nil {
		return nil, viewLinkError(err)
	}
	l := &list[slices.IndexFunc(list, func(l viewlink.Link) bool { return l.Name == name })]
	pages := "No page is open with it."
	switch n := s.viewers.of(name); {
	case n == 1:
		pages = "1 page is open with it, and closes within seconds."
	case n > 1:
		pages = plain.Several(n, "page") + " are open with it, and close within seconds."
	}
	return &OrderEffects{true, []string{
		fmt.Sprintf("Whoever has the address of %s, which %s made at %s, sees nothing with it any more.", name, l.By, plain.Moment(l.Since)),
		pages,
		"Another link has another address.",
	}}, nil
}

// viewers are the pages that are open with view links.
type viewers struct {
	mu    sync.Mutex
	pages map[string]int // by link; those with one
}

// opened counts a page that was opened with a link, until close; "": with a token.
func (v *viewers) opened(link string) (close func()) {
	if link == "" {
		return func() {}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.pages == nil {
		v.pages = make(map[string]int)
	}
	v.pages[link]++
	return sync.OnceFunc(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.pages[link]--; v.pages[link] == 0 {
			delete(v.pages, link)
		}
	})
}

// of returns how many pages are open with a link.
func (v *viewers) of(link string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.pages[link]
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
	dry, err := dryRun(ctx)
	if err != nil {
		return err
	}
	var o ViewLinkOrder
	if err := readJSON(ctx, &o, true); err != nil {
		return err
	}
	if dry {
		e, err := s.WouldCreateViewLink(askedBy(ctx), o)
		return writeEffects(ctx, e, err)
	}
	l, err := s.CreateViewLink(askedBy(ctx), o)
	if err != nil {
		return err
	}
	s.audit(ctx, "view link made", "link", l.Name, "until", untilText(&l.Note))
	return writeJSON(ctx, fasthttp.StatusCreated, l)
}

func (s *Server) revokeViewLink(ctx *fasthttp.RequestCtx) error {
	dry, err := dryRun(ctx)
	if err != nil {
		return err
	}
	if dry {
		e, err := s.WouldRevokeViewLink(item(ctx))
		return writeEffects(ctx, e, err)
	}
	if err := s.RevokeViewLink(item(ctx)); err != nil {
		return err
	}
	s.audit(ctx, "view link revoked", "link", item(ctx))
	return noContent(ctx)
}

// openedAgain is how long a view link is not logged once more: a page that lost its
// connection opens again.
const openedAgain = time.Hour

// noteOpened logs that the page was opened with a view link, if it was, and returns the link's
// name; "": with a token.
func (s *Server) noteOpened(ctx *fasthttp.RequestCtx) (name string) {
	name, ok := ctx.UserValue(viewLinkKey).(string)
	if !ok {
		return ""
	}
	now := time.Now()
	if before := s.options.ViewLinks.Opened(name, now); before.IsZero() || now.Sub(before) > openedAgain {
		s.options.Log.Info("the page was opened with a view link", "link", name, "address", callerOf(ctx).String())
	}
	return name
}
