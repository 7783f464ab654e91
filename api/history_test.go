package api

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"farmproxy/history"
)

// rememberedFarm is a history of two minutes, an hour ago.
func rememberedFarm(t *testing.T) *history.Store {
	t.Helper()
	h, err := history.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), history.DefaultRetention)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	at := time.Now().Add(-time.Hour).Truncate(time.Hour).Add(20 * time.Minute)
	for range 2 {
		err := h.Write(t.Context(), &history.Batch{
			At: at,
			Samples: []history.Entry{
				{Key: history.Key{Kind: history.Farm}, Sample: history.Sample{Work: 30, Accepted: 3, Rejected: 1, Up: 90, Seconds: 60}},
				{Key: history.Key{Kind: history.Worker, Name: "=rig"}, Sample: history.Sample{Work: 30, Accepted: 3, Rejected: 1, Up: 30, Seconds: 60}},
			},
			Roster: []history.Row{{Name: "=rig", Up: true, Since: at, FirstSeen: at, LastSeen: at, Address: "10.0.0.7:1", Agent: "bmminer/2", Pool: "a"}},
			Events: []history.Event{{At: at, Kind: "worker_new", Subject: "=rig"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Minute)
	}
	return h
}

func withRemembered(t *testing.T) func(*Options) {
	h := rememberedFarm(t)
	return func(o *Options) {
		o.History = func() (*history.Store, error) { return h, nil }
		o.Expect = func([]string) {}
		o.Forget = func([]string) int { return 0 }
	}
}

// tooFine finds times with more digits than those of the other answers.
var tooFine = regexp.MustCompile(`T[0-9:]+\.[0-9]{4,}Z`)

func TestHistory(t *testing.T) {
	s := newSite(t, withRemembered(t))
	for _, x := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/api/v1/history?from=-3h", "", 200, `"hashrate":2147483648,"work":30,"accepted":3,"rejected":1,"efficiency":0.75,"up":1.5,"seconds":60}`},
		{"GET", "/api/v1/history?from=-3h&step=24h", "", 200, `"step_seconds":86400`},
		{"GET", "/api/v1/history?kind=worker&name=%3Drig&from=-3h", "", 200, `"accepted":6,`}, // both minutes are in one step
		{"GET", "/api/v1/history?kind=worker&name=nobody", "", 200, `"points":[]`},
		{"GET", "/api/v1/history?kind=worker", "", 400, "name: required with kind worker"},
		{"GET", "/api/v1/history?name=x", "", 400, "name: the farm has none"},
		{"GET", "/api/v1/history?kind=rack", "", 400, "want farm, worker, pool or group"},
		{"GET", "/api/v1/history?from=yesterday", "", 400, "want a time such as 2026-11-26T08:00:00Z"},
		{"GET", "/api/v1/history?to=-3h&from=-2h", "", 400, "from: want a time before to"},
		{"GET", "/api/v1/history?step=1s", "", 400, "step: want a duration from 1m to a year"},
		{"GET", "/api/v1/history?page=2", "", 400, "no such parameter; want kind, name, from"},
		{"GET", "/api/v1/history?format=xml", "", 400, "format: want json or csv"},
		{"GET", "/api/v1/history?from=-3h&format=csv", "", 200, "time,hashrate,work,accepted,rejected,efficiency,up,seconds\n"},
		{"GET", "/api/v1/sparks?name=nobody&name=%3Drig", "", 200, `"rates":[[-1,-1,`},
		{"GET", "/api/v1/sparks?name=nobody&name=%3Drig", "", 200, `-1,2147483648,-1`},
		{"GET", "/api/v1/sparks", "", 400, "name: want 1 to 128 of them, got 0"},
		{"GET", "/api/v1/report?from=-3h", "", 200, `{"name":"=rig","hashrate":2147483648,"work":60,"accepted":6,"rejected":2,"efficiency":0.75,"up":0.5,"seconds":120}`},
		{"GET", "/api/v1/report?from=-3h&format=csv", "", 200, "'=rig,2.147483648e+09,60,6,2,0.75,0.5,120\n"},
		{"GET", "/api/v1/events?from=-3h&kind=worker_new&subject=%3Drig&limit=1", "", 200, `"kind":"worker_new","subject":"=rig","text":""}]}`},
		{"GET", "/api/v1/events?from=-3h&kind=worker_down", "", 200, `{"events":[]}`},
		{"GET", "/api/v1/events?from=-3h&format=csv", "", 200, "time,kind,subject,text\n"},
		{"GET", "/api/v1/events?kind=nope", "", 400, `{"error":"kind: want one of ` + strings.Join(history.EventKinds, ", ") + `, got \"nope\""}`},
		{"GET", "/api/v1/events?limit=0", "", 400, "limit: want a whole number from 1 to 10000"},
		{"GET", "/api/v1/roster", "", 200, `"name":"=rig","expected":false,"up":true,`},
		{"POST", "/api/v1/roster", `{"workers":"farm.r{1-3}\n=rig"}`, 200, `{"listed":4,"added":3}`},
		{"POST", "/api/v1/roster", `{"workers":""}`, 400, "workers: expected names, one per line"},
		{"GET", "/api/v1/roster?format=csv", "", 200, "\nfarm.r2,true,false,"},
		{"DELETE", "/api/v1/roster/farm.r2", "", 204, ""},
		{"DELETE", "/api/v1/roster/farm.r2", "", 404, "no worker of that name"},
	} {
		got, body := s.send(t, x.method, x.path, x.body)
		if got.StatusCode != x.code || !strings.Contains(body, x.want) {
			t.Errorf("%s %s: %d %s, want %d %s", x.method, x.path, got.StatusCode, body, x.code, x.want)
		}
		if time := tooFine.FindString(body); time != "" {
			t.Errorf("%s: %s, want times to the millisecond", x.path, time)
		}
	}
}

// A CSV file lists a whole farm; only who may list workers may send as much.
func TestARosterFromAFile(t *testing.T) {
	s := newSite(t, withRemembered(t), func(o *Options) {
		o.Tokens = mustTokens(t, "read "+readToken+"\nadmin "+adminToken+"\n")
	})
	file := "name,rack\n" + strings.Repeat("x", 64) + ",1\n" + strings.Repeat("hall.rig,12\n", 2*maxBody/12)
	for _, x := range []struct {
		token, body string
		code        int
	}{
		{adminToken, file, 200},
		{readToken, file, 413},
		{adminToken, strings.Repeat("x", maxRoster+1), 413},
	} {
		got, body := s.send(t, "POST", "/api/v1/roster", x.body, "Content-Type", "text/csv", "Authorization", "Bearer "+x.token)
		if got.StatusCode != x.code {
			t.Errorf("%d bytes: %d %s, want %d", len(x.body), got.StatusCode, body, x.code)
		}
	}
}

// Whoever waits for the history keeps nobody from what is in memory.
func TestASlowHistoryKeepsNobodyElseWaiting(t *testing.T) {
	asked, good := make(chan struct{}), make(chan struct{})
	s := newSite(t, func(o *Options) {
		o.History = func() (*history.Store, error) {
			close(asked)
			<-good
			return nil, nil
		}
	})
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if r, err := s.http.Get("http://localhost/api/v1/events"); err == nil {
			r.Body.Close()
		}
	}()
	<-asked
	for _, path := range []string{"/healthz", "/metrics", "/api/v1/status", "/api/v1/workers", "/api/v1/groups"} {
		if r, _ := s.ask(t, "GET", path); r.StatusCode != 200 {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	close(good)
	<-answered
}
