package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"farmproxy/naming"
	"farmproxy/stats"
	"farmproxy/work"
)

// noon is the time of everything in these tests.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// wantJSON compares an answer with want line by line, after replacing the parts that
// depend on the clock.
func (s *site) wantJSON(t *testing.T, path, want string) {
	t.Helper()
	_, body := s.ask(t, "GET", path)
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v in %s", path, err, body)
	}
	got := regexp.MustCompile(`"(pid|uptime_seconds|hashrate)":[0-9.e+]+`).ReplaceAllString(strings.TrimSpace(body), `"$1":0`)
	want = regexp.MustCompile(`\n\s*`).ReplaceAllString(want, "")
	if got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", path, got, want)
	}
}

func TestStatusAnswer(t *testing.T) {
	s := newSite(t)
	s.wantJSON(t, "/api/v1/status", `{"version":"1.2.3","pid":0,"uptime_seconds":0,"ready":false,"error":"farmproxy is starting: it does not listen yet",
		"miners":0,"miners_max":0,"subscribed":0,"authorized":0,"workers":0,"workers_up":0,
		"links_up":0,"links":0,"pool":"","shares":{"accepted":0,"rejected":{}},
		"work":{"accepted":0,"rejected":0},"hashrate":0,"overlay":null}`)

	s.book.SetReady(nil)
	s.book.SetMinersMax(19000)
	s.book.Pool("main", "stratum+tcp://pool.example:3333", 0).Active.Store(true)
	s.book.OpenLink("main", 0).State.Store(uint32(stats.LinkUp))
	s.book.OpenLink("main", 1)
	l := s.book.Loop(0)
	l.Miners.Store(3)
	l.Subscribed.Store(2)
	l.Authorized.Store(1)
	l.Verdicts[work.Accepted].Store(10)
	l.Verdicts[work.Stale].Store(2)
	l.Verdicts[work.BadVersion].Store(1)
	l.Work[work.Accepted].Store(10.5)
	l.Work[work.Stale].Store(3)
	l.Work[work.BadVersion].Store(0.5)
	s.book.Worker("rig").Connected(noon, "", "")
	s.wantJSON(t, "/api/v1/status", `{"version":"1.2.3","pid":0,"uptime_seconds":0,"ready":true,"error":"",
		"miners":3,"miners_max":19000,"subscribed":2,"authorized":1,"workers":1,"workers_up":1,
		"links_up":1,"links":2,"pool":"main","shares":{"accepted":10,"rejected":{"bad_version":1,"stale":2}},
		"work":{"accepted":10.5,"rejected":3.5},"hashrate":0,"overlay":null}`)
}

func TestHashRateAnswer(t *testing.T) {
	s := newSite(t)
	w := s.book.Worker("rig")
	now := time.Now()
	w.Connected(now, "", "")
	w.Share(0, now, work.Accepted, 300)
	_, body := s.ask(t, "GET", "/api/v1/workers")
	var got struct{ Workers []struct{ HashRate float64 } }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if r := got.Workers[0].HashRate; r <= 0 || r > 10*work.HashesPerShare {
		t.Errorf("%v H/s, want 10 shares of difficulty 1 a second, or less when this took longer than a bucket", r)
	}
}

func TestWorkersAnswer(t *testing.T) {
	s := newSite(t)
	w := s.book.Worker(`<rig> "1"`)
	w.Connected(noon, "192.0.2.1:4711", "cgminer/4.12")
	w.Disconnected(noon, 0)
	w.Connected(noon.Add(time.Second), "192.0.2.1:4712", "cgminer/4.12")
	w.Mining("7804e4ad081dc330", "pool.example:3333", "scrypt")
	w.CameBy("0.0.0.0:3333")
	s.groupBy(t, "rack-{ip3}")
	w.SetDifficulty(1024)
	w.Share(0, noon.Add(2*time.Second), work.Accepted, 1024)
	w.Share(0, noon.Add(3*time.Second), work.LowDifficulty, 1024)
	s.book.Worker("rig2").Connected(time.Now(), "", "") // seen now, so it is not forgotten
	s.book.Worker("rig2").Disconnected(time.Now(), 0)
	s.wantJSON(t, "/api/v1/workers", `{"total":2,"page":1,"per_page":100,"workers":[
		{"name":"\u003crig\u003e \"1\"","user":"7804e4ad081dc330","pool":"pool.example:3333","algorithm":"scrypt","listener":"0.0.0.0:3333","group":"rack-2","up":true,"miners":1,"address":"192.0.2.1:4712","agent":"cgminer/4.12",
		"difficulty":1024,"hashrate":0,"accepted":1,"rejected":{"low_difficulty":1},"work":1024,
		"last_share":"2026-01-02T12:00:02Z","reconnects":1,"connected_since":"2026-01-02T12:00:01Z"},
		{"name":"rig2","user":"","pool":"","algorithm":"","listener":"","group":"","up":false,"miners":0,"address":"","agent":"",
		"difficulty":0,"hashrate":0,"accepted":0,"rejected":{},"work":0,
		"last_share":null,"reconnects":0,"connected_since":null}]}`)
}

func TestGroupsAnswer(t *testing.T) {
	s := newSite(t)
	s.wantJSON(t, "/api/v1/groups", `{"total":0,"page":1,"per_page":100,"groups":[]}`)
	s.groupBy(t, `{name:hall(\w)}`)
	now := time.Now() // seen now, so they are not forgotten
	for _, name := range []string{"farm.hallA-1", "farm.hallA-2", "farm.hallB-1", "farm.rig"} {
		w := s.book.Worker(name)
		w.Connected(now, "192.0.2.1:4711", "")
		w.Share(0, noon, work.Accepted, 1024)
		w.Share(0, noon, work.LowDifficulty, 1024)
	}
	s.book.Worker("farm.hallA-2").Disconnected(now, 0)
	const a = `{"name":"A","miners":1,"workers":2,"workers_up":1,"hashrate":0,"accepted":2,"rejected":{"low_difficulty":2},"work":2048}`
	const b = `{"name":"B","miners":1,"workers":1,"workers_up":1,"hashrate":0,"accepted":1,"rejected":{"low_difficulty":1},"work":1024}`
	s.wantJSON(t, "/api/v1/groups", `{"total":2,"page":1,"per_page":100,"groups":[`+a+`,`+b+`]}`)
	s.wantJSON(t, "/api/v1/groups?per_page=1&page=2", `{"total":2,"page":2,"per_page":1,"groups":[`+b+`]}`)
	s.wantJSON(t, "/api/v1/groups?search=a", `{"total":1,"page":1,"per_page":100,"groups":[`+a+`]}`)
}

// groupBy has workers grouped by a template.
func (s *site) groupBy(t *testing.T, template string) {
	t.Helper()
	groups, wrong := naming.ParseGroups([]string{template})
	if len(wrong) > 0 {
		t.Fatal(wrong[0])
	}
	s.book.Configure(stats.Settings{Groups: groups})
}

func TestLinksAnswer(t *testing.T) {
	s := newSite(t)
	s.wantJSON(t, "/api/v1/links", `{"links":[],"pools":[]}`)

	p := s.book.Pool("main", "stratum+tcp://pool.example:3333", 0)
	p.Up.Store(true)
	p.Active.Store(true)
	p.Extranonce2.Store(8)
	p.VersionMask.Store(0x1fffe000)
	p.Probes.Store(5)
	why := "connect to b:1: connection refused"
	p.LastError.Store(&why) // an old error: the pool is up now
	q := s.book.Pool("backup", "stratum+tls://backup.example:3334", 1)
	q.LastError.Store(&why)
	q.Failures.Store(2)
	q.NamesRefused.Store(1)

	l := s.book.OpenLink("main", 0)
	l.State.Store(uint32(stats.LinkUp))
	l.Connects.Store(1)
	l.Jobs.Store(20)
	l.CleanJobs.Store(3)
	l.Submitted.Store(9)
	l.Resubmitted.Store(4)
	l.InFlight.Store(1)
	l.Verdict(work.Accepted, 2048, 25*time.Millisecond)
	l.Verdict(work.PoolRejected, 2048, 27*time.Millisecond)
	l.Difficulty.Store(2048)
	l.Extranonce2.Store(8)
	l.VersionMask.Store(0x1fffe000)
	l.LastNotify.Store(noon.UnixNano() + 1_234_567)
	l.BytesUp.Store(1000)
	l.BytesDown.Store(2000)
	l.Malformed.Store(3)
	user := "alice"
	l.User.Store(&user)
	s.book.OpenLink("main", 1).State.Store(uint32(stats.LinkConnecting))

	s.wantJSON(t, "/api/v1/links", `{"links":[
		{"pool":"main","lane":0,"user":"alice","state":"up","connects":1,"jobs":20,"clean_jobs":3,"submitted":9,"resubmitted":4,
		"in_flight":1,"accepted":1,"rejected":{"pool_rejected":1},"work":2048,"difficulty":2048,
		"extranonce2_size":8,"version_mask":"1fffe000","last_notify":"2026-01-02T12:00:00.001Z",
		"latency_seconds":{"p50":0.025,"p99":0.0299,"mean":0.026},"bytes_up":1000,"bytes_down":2000,"malformed":3},
		{"pool":"main","lane":1,"user":"","state":"connecting","connects":0,"jobs":0,"clean_jobs":0,"submitted":0,"resubmitted":0,
		"in_flight":0,"accepted":0,"rejected":{},"work":0,"difficulty":0,
		"extranonce2_size":0,"version_mask":"00000000","last_notify":null,
		"latency_seconds":{"p50":0,"p99":0,"mean":0},"bytes_up":0,"bytes_down":0,"malformed":0}],
		"pools":[
		{"name":"main","url":"stratum+tcp://pool.example:3333","level":0,"up":true,"active":true,"extranonce2_size":8,
		"version_mask":"1fffe000","probes":5,"failures":0,"names_refused":0,"last_error":"","state":"enabled","order":null},
		{"name":"backup","url":"stratum+tls://backup.example:3334","level":1,"up":false,"active":false,"extranonce2_size":0,
		"version_mask":"00000000","probes":0,"failures":2,"names_refused":1,"last_error":"connect to b:1: connection refused","state":"drained","order":{"by":"ann at 10.0.0.7","since":"2026-01-02T03:04:05Z","until":null}}]}`)
}

func TestWorkersPages(t *testing.T) {
	s := newSite(t)
	for i, name := range []string{"a.one", "a.two", "b.three", "b.four"} {
		w := s.book.Worker(name)
		w.SetDifficulty(float64(i))
	}
	f := func(query, names string, total, page, perPage int) {
		t.Helper()
		resp, body := s.ask(t, "GET", "/api/v1/workers?"+query)
		var a Workers
		if err := json.Unmarshal([]byte(body), &a); err != nil || resp.StatusCode != 200 {
			t.Errorf("%s: %s %v in %s", query, resp.Status, err, body)
			return
		}
		var got []string
		for _, w := range a.Workers {
			got = append(got, w.Name)
		}
		if strings.Join(got, " ") != names || a.Total != total || a.Page != page || a.PerPage != perPage {
			t.Errorf("%s: %v, %d in all, page %d of %d each; want %s, %d, %d, %d", query, got, a.Total, a.Page, a.PerPage, names, total, page, perPage)
		}
	}
	f("", "a.one a.two b.four b.three", 4, 1, 100)
	f("per_page=3", "a.one a.two b.four", 4, 1, 3)
	f("per_page=3&page=2", "b.three", 4, 2, 3)
	f("per_page=3&page=3", "", 4, 3, 3)
	f("per_page=1000&page=2147483647", "", 4, 2147483647, 1000)
	f("sort=difficulty", "a.one a.two b.three b.four", 4, 1, 100)
	f("sort=difficulty&order=desc", "b.four b.three a.two a.one", 4, 1, 100)
	f("order=desc", "b.three b.four a.two a.one", 4, 1, 100)
	f("order=asc&search=b.", "b.four b.three", 2, 1, 100)
	f("search=A%2E", "a.one a.two", 2, 1, 100)
	s.book.Worker("a.one").Mining("a", "pool.example:3333", "scrypt")
	s.book.Worker("b.four").Mining("b", "pool.example:3333", "scrypt")
	f("account=a", "a.one", 1, 1, 100)
	f("pool=pool.example:3333", "a.one b.four", 2, 1, 100)
	f("algorithm=scrypt&search=four", "b.four", 1, 1, 100)
	f("algorithm=x11", "", 0, 1, 100)
	s.book.Worker("a.two").CameBy("0.0.0.0:3334")
	s.groupBy(t, `{name:\.(t)}`)
	f("listener=0.0.0.0:3334", "a.two", 1, 1, 100)
	f("group=t&order=desc", "b.three a.two", 2, 1, 100)
	f("group=t&listener=0.0.0.0:3333", "", 0, 1, 100)
	f("search=&page=1", "a.one a.two b.four b.three", 4, 1, 100)
}

func TestRoutesAnswer(t *testing.T) {
	s := newSite(t)
	s.wantJSON(t, "/api/v1/routes", `{"routes":[]}`)
	until := time.Date(2026, 11, 26, 22, 0, 0, 0, time.UTC)
	s.book.SetRoutes(func() []stats.Route {
		return []stats.Route{{Name: "hall", Goals: []stats.RouteGoal{
			{
				Name: "main", Up: true, Weight: 70, Source: "schedule", Until: until, Wish: 1, Part: 0.75, Wished: 0.7, Owed: -1.5,
				Work: 4096, Miners: 3, Fits: 4, Moves: map[string]uint64{"balance": 2}, Refused: map[string]uint64{"agent": 1},
			},
			{Name: "alt", Weight: 30, Source: "configuration", Part: -1, Wished: -1, Miners: 1, Fits: 4},
		}}}
	})
	s.wantJSON(t, "/api/v1/routes", `{"routes":[{"route":"hall","miners":4,"hashrate":0,"window":600,"goals":[
		{"goal":"main","up":true,"weight":70,"source":"schedule","until":"2026-11-26T22:00:00Z","wish":1,"part":0.75,"wished_part":0.7,"owed":-1.5,
		"work":4096,"hashrate":0,"miners":3,"fits":4,"moves":{"balance":2},"refused":{"agent":1}},
		{"goal":"alt","up":false,"weight":30,"source":"configuration","until":null,"wish":0,"part":null,"wished_part":null,"owed":0,
		"work":0,"hashrate":0,"miners":1,"fits":4,"moves":{},"refused":{}}]}]}`)
}
