package api

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/history"
	"farmproxy/live"
	"farmproxy/stats"
)

// Whoever needs no token gets what the path answers over HTTP, or why there is nothing.
func TestGet(t *testing.T) {
	s := newSite(t, withRemembered(t))
	s.book.Worker("farm.rig1").Connected(time.Now(), "192.0.2.1:7", "bmminer")
	f := func(path string) {
		t.Helper()
		got, err := s.Get(path)
		_, want := s.ask(t, "GET", path)
		var refused errorAnswer
		if json.Unmarshal([]byte(want), &refused); refused.Error != "" {
			want = refused.Error
		}
		if err == nil && string(got) != want || err != nil && err.Error() != want {
			t.Errorf("%s: %s %v, want %s", path, got, err, want)
		}
	}
	f("/api/v1/workers?search=rig&per_page=1000")
	f("/api/v1/workers?sort=size")
	f("/api/v1/history?kind=worker&name=farm.rig1&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&step=1h")
	f("/api/v1/events?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z")
	f("/api/v1/routes")
	f("/api/v1/openapi.json")
	f("/api/v1/routes/hall%201/weights")
	refuses := func(path, want string) {
		t.Helper()
		if got, err := s.Get(path); got != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
	refuses("/metrics", `nothing is to be had at "/metrics": expected the path of a GET below /api`)
	refuses(livePath, `nothing is to be had at "/api/v1/live"`)
	refuses("/api/v1/reload", `nothing is to be had at "/api/v1/reload"`)
	refuses("/api/v1/events?format=csv", `"/api/v1/events?format=csv": the answer is no JSON`)
}

// Events are passed on until the listener has had enough; also where there is no HTTP.
func TestLiveWithoutHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Book: stats.New(stats.Options{Loops: 1}), Alerts: calm{}, History: func() (*history.Store, error) { return nil, nil }})
		defer s.Shutdown(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		enough, events := errors.New("enough"), 0
		var m live.Mirror
		err := s.Live(ctx, func(event json.RawMessage) error {
			if events++; events == 3 {
				return enough
			}
			return m.Take(event)
		})
		if err != enough || m.Farm == nil {
			t.Errorf("%v, %+v", err, m)
		}
		err = s.Live(ctx, func(json.RawMessage) error { cancel(); return nil })
		if err != errEnds {
			t.Error(err)
		}
	})
}
