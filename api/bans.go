package api

import (
	"net/netip"
	"time"

	"github.com/valyala/fasthttp"
)

// Bans are the addresses that may not connect for a while. Any goroutine.
type Bans interface {
	Bans() []Ban
	Lift(address netip.Addr) bool // false: it is not banned
}

// Ban is one of them.
type Ban struct {
	Address  netip.Addr // the first of its /64, if it is of IPv6
	Reason   string     // why the last of its connections was closed that counted
	Offences int        // such connections within a minute
	Since    time.Time
	Until    time.Time
}

type bansAnswer struct {
	Bans []banAnswer `json:"bans"`
}

type banAnswer struct {
	Address  string    `json:"address"`
	Reason   string    `json:"reason"`
	Offences int       `json:"offences"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
}

const bansPath = "/api/v1/bans"

// bans lists the bans, the one that ends first at the beginning.
func (s *Server) bans(ctx *fasthttp.RequestCtx) error {
	a := bansAnswer{Bans: []banAnswer{}}
	if s.options.Bans != nil {
		for _, b := range s.options.Bans.Bans() {
			a.Bans = append(a.Bans, banAnswer{b.Address.String(), b.Reason, b.Offences, b.Since.UTC().Truncate(time.Second), b.Until.UTC().Truncate(time.Second)})
		}
	}
	return writeList(ctx, "bans", &a, a.Bans)
}

// liftBan ends a ban.
func (s *Server) liftBan(ctx *fasthttp.RequestCtx) error {
	text := item(ctx)
	address, err := netip.ParseAddr(text)
	if err != nil {
		return badRequest("address: want an IP address, as GET %s lists them, got %s", bansPath, quoted(text))
	}
	if s.options.Bans == nil || !s.options.Bans.Lift(address) {
		return &httpError{fasthttp.StatusNotFound, "this address is not banned; GET " + bansPath + " lists those that are"}
	}
	s.audit(ctx, "a ban was lifted", "banned", address.String())
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
