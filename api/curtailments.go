package api

import (
	"time"

	"github.com/valyala/fasthttp"
)

const curtailmentsPath = "/api/v1/curtailments"

// CurtailOrder says that the miners of a group are off on purpose. It switches nobody off: it
// is only no news then.
type CurtailOrder struct {
	Group  string `json:"group,omitempty"`  // "": all miners
	From   string `json:"from,omitempty"`   // RFC 3339; "": now
	Reason string `json:"reason,omitempty"` // for people
	Term
}

// Times returns when the curtailment begins and ends, if it is ordered now. It needs an end.
func (o *CurtailOrder) Times(now time.Time) (from, until time.Time, err error) {
	from = now
	if o.From != "" {
		if from, err = parseTime(o.From); err != nil || from.Year() < 1970 {
			return from, until, badRequest(`from: want a time such as "2026-01-31T18:00:00+01:00", got %s`, quoted(o.From))
		}
		if from.Sub(now) > maxTerm {
			return from, until, badRequest("from: want ten years from now at most")
		}
	}
	start := from
	if o.Until != "" {
		start = now
	}
	if until, err = o.Term.end(start); err != nil {
		return from, until, err
	}
	switch {
	case until.Sub(start) > maxTerm:
		return from, until, badRequest("until and for: want ten years at most")
	case until.IsZero():
		return from, until, badRequest(`until and for: give one of them, for example "for": "3h": a curtailment needs an end`)
	case !until.After(from):
		return from, until, badRequest("until: want a time after from, which is %s", from.Format(time.RFC3339))
	case !until.After(now):
		return from, until, badRequest("from: the curtailment is over already; it is %s now", now.In(from.Location()).Format(time.RFC3339))
	}
	return from, until, nil
}

// Curtailment is when the miners of a group are off on purpose.
type Curtailment struct {
	Group  string    `json:"group"` // "": all miners
	From   time.Time `json:"from"`
	Reason string    `json:"reason"`
	Note
}

// Curtailments are all that are ordered.
type Curtailments struct {
	Curtailments []Curtailment `json:"curtailments"`
}

func (s *Server) curtailments(ctx *fasthttp.RequestCtx, o Orders, _ string) error {
	return writeJSON(ctx, fasthttp.StatusOK, &Curtailments{o.Curtailments()})
}

func curtail(ctx *fasthttp.RequestCtx, o Orders, _ string) (outcome, error) {
	var order CurtailOrder
	if err := readJSON(ctx, &order, true); err != nil {
		return outcome{}, err
	}
	c, err := o.Curtail(askedBy(ctx), order)
	if err != nil {
		return outcome{}, err
	}
	return outcome{c, "curtailment ordered", []any{"group", c.Group, "from", c.From.Format(time.RFC3339), "until", untilText(&c.Note), "reason", c.Reason}}, nil
}

// uncurtail takes back the curtailment of the group in the query.
func uncurtail(ctx *fasthttp.RequestCtx, o Orders, _ string) (outcome, error) {
	group := string(ctx.QueryArgs().Peek("group"))
	return outcome{nil, "curtailment taken back", []any{"group", group}}, o.Uncurtail(askedBy(ctx), group)
}
