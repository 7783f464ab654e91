package api

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// Rows become columns named as in JSON: objects within by both names, shares by reason as a
// sum and a column for each that occurs, what is null as an empty cell.
func TestSheet(t *testing.T) {
	type inner struct {
		P50 float64 `json:"p50"`
	}
	type row struct {
		Name string `json:"name"`
		tally
		Latency inner             `json:"latency_seconds"`
		Note    *Note             `json:"order"`
		Moves   map[string]uint64 `json:"moves"`
		Seen    *time.Time        `json:"seen"`
		Pools   []string          `json:"pools"`
		hidden  int
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	note := MakeNote("ann", at, time.Time{})
	f := func(want string, rows ...row) {
		t.Helper()
		s := sheet(rows)
		s.csv.Flush()
		if got := s.text.String(); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
	f("name,accepted,rejected,latency_seconds_p50,order_by,order_since,order_until,moves,seen,pools\n")
	f(`name,accepted,rejected,rejected_duplicate,rejected_stale,latency_seconds_p50,order_by,order_since,order_until,moves,seen,pools
'=rig,7,3,1,2,0.5,,,,0,,null
b,8,1,0,1,0,ann,2026-01-02T03:04:05Z,,0,2026-01-02T03:04:05Z,"[""x"",""y""]"
`,
		row{Name: "=rig", tally: tally{7, map[string]uint64{"stale": 2, "duplicate": 1}}, Latency: inner{0.5}},
		row{Name: "b", tally: tally{8, map[string]uint64{"stale": 1}}, Note: &note, Seen: &at, Pools: []string{"x", "y"}, hidden: 9})
}

// Every table of the API comes as CSV, and each line has all columns; workers and groups come
// whole, unless a page is asked for.
func TestTablesAsCSV(t *testing.T) {
	s := newSite(t, func(o *Options) {
		o.Registry, o.Bans = newRegistry(t), &oneBan{}
	})
	for i := range defaultPerPage + 5 {
		w := s.book.Worker(fmt.Sprintf("farm.rig%03d", i))
		w.Connected(time.Now(), "192.0.2.1:7", "bmminer")
		w.Share(0, time.Now(), work.Stale, 1)
	}
	f := func(path string, lines int, head string) {
		t.Helper()
		resp, body := s.ask(t, "GET", path)
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if resp.StatusCode != 200 || err != nil || len(rows) < 1+lines || lines > 0 && len(rows) != 1+lines || !strings.HasPrefix(body, head) {
			t.Errorf("GET %s: %s, %v, %d lines, want %d: %.200s", path, resp.Status, err, len(rows), 1+lines, body)
		}
		if d := resp.Header.Get("Content-Disposition"); !strings.HasSuffix(d, `.csv"`) {
			t.Errorf("GET %s: the file is called %s", path, d)
		}
	}
	f("/api/v1/workers?format=csv", defaultPerPage+5, "name,user,pool,algorithm,listener,group,up,miners,address,agent,difficulty,hashrate,accepted,rejected,rejected_stale,work,")
	f("/api/v1/workers?format=csv&search=rig007", 1, "name,")
	f("/api/v1/workers?format=csv&per_page=10", 10, "name,")
	f("/api/v1/workers?format=csv&page=2", 5, "name,")
	f("/api/v1/groups?format=csv", 0, "name,miners,workers,workers_up,hashrate,accepted,rejected,work")
	f("/api/v1/pools?format=csv", 0, "name,url,level,up,active,")
	f("/api/v1/routes?format=csv", 0, "route,goal,up,weight,")
	f("/api/v1/links?format=csv", 0, "pool,lane,user,state,")
	f("/api/v1/orders?format=csv", 1, "kind,name,what,by,since,until,effective\n")
	f("/api/v1/bans?format=csv", 1, "address,reason,")
	f("/api/v1/blocks?format=csv", 0, "hash,time,pool,lag_seconds,empty,empty_seconds\n")
	f("/api/v1/users?format=csv", 0, "name,pool,algorithm,")
	f("/api/v1/algorithms?format=csv", 0, "name,divider,checked,")
	f("/api/v1/view-links?format=csv", 0, "name,by,since,until,last_opened\n")
	for _, path := range []string{"/api/v1/workers?format=xml", "/api/v1/bans?format=xml", "/api/v1/users?format=xml"} {
		if resp, body := s.ask(t, "GET", path); resp.StatusCode != 400 || !strings.Contains(body, "format: want json or csv") {
			t.Errorf("GET %s: %s %s", path, resp.Status, body)
		}
	}
}
