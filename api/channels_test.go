package api

import (
	"context"
	"strings"
	"testing"
	"time"
)

// wires are two channels, one of which is broken.
type wires struct{}

func (wires) Channels() []Channel {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return []Channel{
		{Name: "ops", Kind: "email", Gets: []string{"page"}, Sent: 3, LastSent: OrNull(at)},
		{Name: "phone", Kind: "telegram", Gets: []string{"page"}, Waiting: 1, Failed: 2, Lost: 1, FailingSince: OrNull(at), Error: "Unauthorized"},
	}
}

func (wires) Test(_ context.Context, _ string, o TestOrder) (*Tests, error) {
	if o.Channel == "nobody" {
		return nil, NotFound("there is no such channel as %s", quoted(o.Channel))
	}
	return &Tests{[]TestResult{{"ops", "email", true, "", 0.4}, {"phone", "telegram", false, "Unauthorized", 0.1}}}, nil
}

// A test answers what became of it on each channel; who asked is in the log.
func TestTestChannels(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{`{}`, 200, `{"results":[{"channel":"ops","kind":"email","sent":true,"error":"","seconds":0.4},{"channel":"phone","kind":"telegram","sent":false,"error":"Unauthorized","seconds":0.1}]}`},
		{`{"channel":"nobody"}`, 404, `{"error":"there is no such channel as \"nobody\""}`},
		{`{"report":"yearly"}`, 400, `report: want \"daily\" or \"weekly\", got \"yearly\"`},
		{`{"chanel":"ops"}`, 400, `no such field`},
		{``, 400, `the body is empty: want {\"channel\": a string, \"report\": a string}`},
	} {
		resp, text := s.send(t, "POST", testPath, c.body)
		if resp.StatusCode != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.body, resp.StatusCode, text, c.code, c.want)
		}
	}
}
