package api

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// oneBan bans 10.0.0.7 until it is lifted.
type oneBan struct{ lifted bool }

var banned = netip.MustParseAddr("10.0.0.7")

func (b *oneBan) Bans() []Ban {
	if b.lifted {
		return nil
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	return []Ban{{banned, "share_flood", 21, at, at.Add(time.Hour)}}
}

func (b *oneBan) Lift(a netip.Addr) bool {
	was := !b.lifted && a == banned
	b.lifted = b.lifted || was
	return was
}

// Bans are listed and lifted; the log says who lifted one.
func TestBansAreListedAndLifted(t *testing.T) {
	var logged bytes.Buffer
	s := newSite(t, func(o *Options) {
		o.Bans, o.Log = &oneBan{}, slog.New(slog.NewTextHandler(&logged, nil))
		o.Tokens = mustTokens(t, "read "+readToken+" grafana\nadmin "+adminToken+" ann\n")
	})
	f := func(method, path, token string, code int, want string) {
		t.Helper()
		got, body := s.ask(t, method, path, "Authorization", "Bearer "+token)
		if got.StatusCode != code || !strings.Contains(body, want) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, got.StatusCode, body, code, want)
		}
	}
	f("GET", "/api/v1/bans", readToken, 200, `{"bans":[{"address":"10.0.0.7","reason":"share_flood","offences":21,"since":"2026-01-02T03:04:05Z","until":"2026-01-02T04:04:05Z"}]}`)
	f("DELETE", "/api/v1/bans/10.0.0.7", readToken, 403, "scope admin")
	f("DELETE", "/api/v1/bans/rig7", adminToken, 400, `want an IP address, as GET /api/v1/bans lists them, got \"rig7\"`)
	f("DELETE", "/api/v1/bans/10.0.0.8", adminToken, 404, "this address is not banned")
	f("DELETE", "/api/v1/bans/10.0.0.7", adminToken, 204, "")
	f("DELETE", "/api/v1/bans/10.0.0.7", adminToken, 404, "this address is not banned")
	f("GET", "/api/v1/bans", readToken, 200, `{"bans":[]}`)
	if want := `msg="a ban was lifted" banned=10.0.0.7 by=ann`; !strings.Contains(logged.String(), want) {
		t.Errorf("the log is %s, want %s", logged.String(), want)
	}
}
