package api

import (
	"testing"
	"time"

	"farmproxy/stats"
	"farmproxy/work"
)

// Pools are compared with a store and without one.
func TestPoolsCompared(t *testing.T) {
	s := newSite(t)
	f := func(path, want string) {
		t.Helper()
		if resp, body := s.ask(t, "GET", path); resp.StatusCode != 200 || body != want+"\n" {
			t.Errorf("GET %s: %s\n%s\nwant\n%s", path, resp.Status, body, want)
		}
	}
	f("/api/v1/pools", `{"total":0,"page":1,"per_page":100,"pools":[],"compared":[]}`)
	f("/api/v1/blocks", `{"blocks":[]}`)

	a, b := s.book.Pool("a", "stratum+tcp://a.example:3333", 0), s.book.Pool("b", "stratum+tls://b.example:443", 1)
	told := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.book.NewBlock(a, [32]byte{0: 0xab, 31: 0xcd}, false, told)
	s.book.NewBlock(b, [32]byte{0: 0xab, 31: 0xcd}, true, told.Add(500*time.Millisecond))
	s.book.Filled(b, told.Add(2500*time.Millisecond))
	a.Up.Store(true)
	a.Active.Store(true)
	a.Difficulty.Store(1024)
	a.Disconnects.Add(2)
	a.Expected.Add(4000)
	b.Quiet.Store(true)
	b.Certificate.Store(&stats.PoolCertificate{Ends: time.Date(2026, 12, 9, 12, 0, 0, 0, time.UTC), Signer: "R11", Pinned: true})
	b.QuietDisconnects.Add(7)
	l := s.book.OpenLink("a", 0)
	l.State.Store(uint32(stats.LinkUp))
	for range 3 {
		l.Verdict(work.Accepted, 1024, 10*time.Millisecond)
	}
	l.Verdict(work.Stale, 1024, 10*time.Millisecond)

	const none = `{"p50":0,"p99":0,"mean":0}`
	const first = `{"name":"a","url":"stratum+tcp://a.example:3333","level":0,"up":true,"active":true,"quiet_link":false,"certificate_ends":null,"certificate_signer":"","certificate_pinned":false,"difficulty":1024,"disconnects":2,"quiet_disconnects":0,` +
		`"accepted":3,"rejected":{"stale":1},"reject_rate":0.25,"work":3072,"expected_work":4000,"latency_seconds":{"p50":0.0085,"p99":0.009969999,"mean":0.01},` +
		`"blocks":{"told":1,"first":1,"missed":0,"lag_seconds":{"p50":0.0005,"p99":0.00099,"mean":0},"empty":0,"empty_seconds":` + none + `}}`
	const second = `{"name":"b","url":"stratum+tls://b.example:443","level":1,"up":false,"active":false,"quiet_link":true,"certificate_ends":"2026-12-09T12:00:00Z","certificate_signer":"R11","certificate_pinned":true,"difficulty":0,"disconnects":0,"quiet_disconnects":7,` +
		`"accepted":0,"rejected":{},"reject_rate":0,"work":0,"expected_work":0,"latency_seconds":` + none + `,` +
		`"blocks":{"told":1,"first":0,"missed":0,"lag_seconds":{"p50":0.4,"p99":0.498,"mean":0.5},"empty":1,"empty_seconds":{"p50":1.75,"p99":1.995,"mean":2}}}`
	f("/api/v1/pools", `{"total":0,"page":1,"per_page":100,"pools":[],"compared":[`+first+`,`+second+`]}`)
	f("/api/v1/pools?page=2&per_page=7", `{"total":0,"page":2,"per_page":7,"pools":[],"compared":[`+first+`,`+second+`]}`)
	f("/api/v1/blocks", `{"blocks":[{"hash":"cd000000000000000000000000000000000000000000000000000000000000ab","time":"2026-01-02T03:04:05Z","pools":[`+
		`{"pool":"a","lag_seconds":0,"empty":false,"empty_seconds":null},{"pool":"b","lag_seconds":0.5,"empty":true,"empty_seconds":2}]}]}`)
	if resp, body := s.ask(t, "GET", "/api/v1/pools?level=1"); resp.StatusCode != 400 {
		t.Errorf("an unknown parameter: %s %s", resp.Status, body)
	}
}
