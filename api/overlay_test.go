package api

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// overlays notes what it is asked for.
type overlays struct {
	asked  []OverlayOrder
	answer *OverlayChange
	err    error
	note   *OverlayNote
}

func (o *overlays) Overlay() *Overlay {
	return &Overlay{Overlay: o.Overlaid(), Fingerprint: "abc", Pools: []any{map[string]any{"name": "a"}}, Routes: []any{}}
}

func (o *overlays) Overlaid() *OverlayNote { return o.note }

func (o *overlays) SetOverlay(_ context.Context, q OverlayOrder) (*OverlayChange, error) {
	o.asked = append(o.asked, q)
	return o.answer, o.err
}

func changed(problems ...OverlayProblem) *OverlayChange {
	return &OverlayChange{Changes: []string{"add pool b"}, Effects: []string{}, Offers: []string{}, Warnings: []string{}, Problems: append([]OverlayProblem{}, problems...)}
}

// What a client asks for is what is asked, and by whom.
func TestOverlay(t *testing.T) {
	note := &OverlayNote{By: "ann", Since: time.Date(2026, 11, 26, 16, 30, 0, 0, time.UTC), File: "/var/lib/farmproxy/overlay.toml"}
	o := &overlays{answer: changed(), note: note}
	s := newSite(t, func(to *Options) { to.Overlays = o })
	const lists = `{"pool": [{"name": "b", "links": 2}], "route": []}`
	resp, body := s.ask(t, "GET", overlayPath)
	if resp.Header.Get("ETag") != `"abc"` || !strings.Contains(body, `"by":"ann","since":"2026-11-26T16:30:00Z"`) {
		t.Errorf("%v: %s", resp.Header, body)
	}
	f := func(method, query, body string, want OverlayOrder, header ...string) {
		t.Helper()
		resp, text := s.send(t, method, overlayPath+query, body, header...)
		if resp.StatusCode != 200 {
			t.Fatalf("%s %s: %s, %s", method, query, resp.Status, text)
		}
		got := o.asked[len(o.asked)-1]
		if by := got.By; !strings.HasPrefix(by, "anybody at ") {
			t.Errorf("by %q", by)
		}
		if got.By = ""; !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: %+v, want %+v", method, query, got, want)
		}
	}
	l := &OverlayLists{Pools: []map[string]any{{"name": "b", "links": 2.0}}, Routes: []map[string]any{}}
	f("PUT", "", lists, OverlayOrder{Lists: l})
	f("PUT", "?dry_run=true&connect=true", lists, OverlayOrder{Lists: l, DryRun: true, Connect: true, Fingerprint: "abc"}, "If-Match", `"abc"`)
	f("DELETE", "?dry_run=true", "", OverlayOrder{DryRun: true})
	f("DELETE", "", "", OverlayOrder{})
}

// Everything that keeps pools and routes from being set says what to do.
func TestOverlayRefused(t *testing.T) {
	o := new(overlays)
	s := newSite(t, func(to *Options) { to.Overlays = o })
	const lists = `{"pool": [], "route": []}`
	for _, c := range []struct {
		method, query, body string
		answer              *OverlayChange
		err                 error
		code                int
		want                string
	}{
		{"PUT", "", `{"pool": []}`, nil, nil, 400, "pool and route: both are required"},
		{"PUT", "", `{"pool": [], "route": [], "listener": []}`, nil, nil, 400, "no such field"},
		{"PUT", "", `{"pool": {}, "route": []}`, nil, nil, 400, "want a list"},
		{"PUT", "?dry_run=yes", lists, nil, nil, 400, "dry_run: want true or false"},
		{"PUT", "?connect=true", lists, nil, nil, 400, "only with dry_run=true"},
		{"DELETE", "?force=true", "", nil, nil, 400, "no such parameter"},
		{"PUT", "", lists, changed(OverlayProblem{"pool[1].url", "pool[1].url: required"}), errors.New("refused"), 422, `"key":"pool[1].url"`},
		{"PUT", "", lists, nil, ErrOutdated, 412, "read it again"},
		{"PUT", "", lists, nil, Unable("set state_dir"), 409, "set state_dir"},
		{"DELETE", "", "", nil, errors.New("an upgrade is under way"), 503, "an upgrade is under way"},
		{"PUT", "", `{"pool": [{"name": "` + strings.Repeat("x", maxBody) + `"}], "route": []}`, changed(), nil, 200, "add pool b"},
		{"PUT", "", `{"pool": [{"name": "` + strings.Repeat("x", maxOverlay) + `"}], "route": []}`, changed(), nil, 413, "bytes"},
	} {
		o.answer, o.err = c.answer, c.err
		resp, body := s.send(t, c.method, overlayPath+c.query, c.body)
		if resp.StatusCode != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s %s %.60s: %s, %s; want %d with %q", c.method, c.query, c.body, resp.Status, body, c.code, c.want)
		}
	}
}

// everyOverlayAnswer asks for all that a change of pools and routes is answered with.
func everyOverlayAnswer(t *testing.T, s *site, o *overlays, header ...string) {
	t.Helper()
	const lists = `{"pool": [], "route": []}`
	for _, c := range []overlays{{answer: changed()}, {answer: changed(OverlayProblem{"pool", "none"}), err: errors.New("refused")}, {err: ErrOutdated}, {err: Unable("set state_dir")}} {
		o.answer, o.err = c.answer, c.err
		s.send(t, "PUT", overlayPath, lists, header...)
		s.send(t, "DELETE", overlayPath, "", header...)
	}
	s.send(t, "PUT", overlayPath, strings.Repeat(" ", maxOverlay+1), header...)
	s.send(t, "DELETE", overlayPath+"?wrong", "", header...)
}
