package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// overlayPath is where pools and routes are set.
const overlayPath = "/api/v1/config/overlay"

// maxOverlay is the largest overlay: 64 pools with long names, and as many routes as a farm
// has halls.
const maxOverlay = 256 << 10

// Overlays has pools and routes set beside the configuration file. Any goroutine but an
// event loop's.
type Overlays interface {
	Overlay() *Overlay
	// Overlaid says where the overlay in use comes from; nil: there is none.
	Overlaid() *OverlayNote
	// SetOverlay sets it, or says what that would do. An error beside an answer means that
	// nothing has changed, and why.
	SetOverlay(ctx context.Context, o OverlayOrder) (*OverlayChange, error)
}

// Overlay is what there is of pools and routes now.
type Overlay struct {
	Overlay     *OverlayNote `json:"overlay"`     // null: those of the configuration file hold
	Fingerprint string       `json:"fingerprint"` // of the configuration in use
	Pools       any          `json:"pool"`        // in use, with the keys of the file; secrets are ***
	Routes      any          `json:"route"`
}

// OverlayNote says where an overlay comes from.
type OverlayNote struct {
	By    string    `json:"by"`
	Since time.Time `json:"since"`
	File  string    `json:"file"` // where it is kept
}

// String is for people.
func (n *OverlayNote) String() string {
	return fmt.Sprintf("set over the API by %s, since %s", n.By, n.Since.Local().Format(minutes))
}

// OverlayOrder is what is asked for.
type OverlayOrder struct {
	By          string
	Lists       *OverlayLists // nil: those of the configuration file hold again
	DryRun      bool          // only say what it would do
	Connect     bool          // in a dry run: ask the pools that are new for a job
	Fingerprint string        // of the configuration that it changes; "": of whichever is in use
}

// OverlayLists are pools and routes, with the keys of the file.
type OverlayLists struct {
	Pools  []map[string]any `json:"pool"`
	Routes []map[string]any `json:"route"`
}

// OverlayChange says what a change does, or would do.
type OverlayChange struct {
	DryRun      bool             `json:"dry_run"`
	Fingerprint string           `json:"fingerprint"` // of the configuration after it; "" if it is refused
	Changes     []string         `json:"changes"`     // of keys, as of a reload
	Effects     []string         `json:"effects"`     // what miners notice, in words
	Offers      []string         `json:"offers"`      // what the pools that are new answered, where they were asked
	Warnings    []string         `json:"warnings"`
	Problems    []OverlayProblem `json:"problems"` // if there are any, nothing was changed
	Error       string           `json:"error"`    // "" if there are none
}

// OverlayProblem is one mistake.
type OverlayProblem struct {
	Key  string `json:"key"`  // such as pool[2].url, counted from 1; "" if it is of none
	Text string `json:"text"` // the value, what is expected, and what to try
}

// ErrOutdated is the error of a change of a configuration that is not in use any more.
var ErrOutdated = errors.New("the configuration has changed since you read it: read it again, and make the change there")

// Unable returns an error about something that can't be done as farmproxy is set up.
func Unable(format string, args ...any) error {
	return &httpError{fasthttp.StatusConflict, fmt.Sprintf(format, args...)}
}

func (s *Server) overlay(ctx *fasthttp.RequestCtx) error {
	o := s.options.Overlays.Overlay()
	ctx.Response.Header.Set("ETag", `"`+o.Fingerprint+`"`)
	return writeJSON(ctx, fasthttp.StatusOK, o)
}

func (s *Server) setOverlay(ctx *fasthttp.RequestCtx) error {
	lists := new(OverlayLists)
	if err := readJSON(ctx, lists, true); err != nil {
		return err
	}
	if lists.Pools == nil || lists.Routes == nil {
		return badRequest("pool and route: both are required, since they take the place of all that there are; GET %s has those in use, and [] is none", overlayPath)
	}
	return s.changeOverlay(ctx, lists)
}

func (s *Server) removeOverlay(ctx *fasthttp.RequestCtx) error { return s.changeOverlay(ctx, nil) }

// changeOverlay answers a request for other lists, or for none.
func (s *Server) changeOverlay(ctx *fasthttp.RequestCtx, lists *OverlayLists) error {
	o := OverlayOrder{By: askedBy(ctx), Lists: lists}
	if err := o.read(ctx); err != nil {
		return err
	}
	life, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	a, err := s.options.Overlays.SetOverlay(life, o)
	code := fasthttp.StatusOK
	switch {
	case errors.Is(err, ErrOutdated):
		return &httpError{fasthttp.StatusPreconditionFailed, err.Error()}
	case err != nil && a == nil:
		return withCode(fasthttp.StatusServiceUnavailable, err) // without one, an upgrade is under way
	case err != nil:
		code = fasthttp.StatusUnprocessableEntity
	case !o.DryRun && lists == nil:
		s.audit(ctx, "overlay removed", "changes", strings.Join(a.Changes, "; "))
	case !o.DryRun:
		s.audit(ctx, "overlay set", "changes", strings.Join(a.Changes, "; "))
	}
	return writeJSON(ctx, code, a)
}

// read takes what the query and the header say.
func (o *OverlayOrder) read(ctx *fasthttp.RequestCtx) error {
	if err := readSwitches(ctx.QueryArgs(), []boolParameter{{"dry_run", &o.DryRun}, {"connect", &o.Connect}}); err != nil {
		return err
	}
	if o.Connect && !o.DryRun {
		return badRequest("connect=true: only with dry_run=true, which says what the pools answer before anything changes")
	}
	o.Fingerprint = strings.Trim(string(ctx.Request.Header.Peek("If-Match")), `"`)
	return nil
}
