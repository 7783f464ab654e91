package pool

import (
	"encoding/json"
	"fmt"
	"testing"

	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
)

// sharesOf does the handshake of a link that nobody reads, and returns submits that its
// pool accepts.
func sharesOf(tb testing.TB, l *link, count int) (lines [][]byte) {
	tb.Helper()
	for _, line := range []string{
		`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}`,
		`{"id":2,"method":"mining.subscribe","params":["test"]}`,
		`{"id":3,"method":"mining.authorize","params":["farm.rig1","x"]}`,
	} {
		l.handle([]byte(line))
	}
	job, _, err := mine.ReadJob([]byte(`{"params":` + l.pool.current.Params + `}`))
	if err != nil {
		tb.Fatal(err)
	}
	limit := mine.NewLimit(l.pool.difficulty)
	for n := range count {
		a := mine.Attempt{
			Extranonce1: l.session.extranonce1, Extranonce2: mine.AppendCounter(nil, uint64(n), l.session.size2),
			NTime: job.NTime, Mask: 0x1fffe000, Bits: 0x2000,
		}
		if _, ok := job.Search(proof.SHA256d, &a, limit); !ok {
			tb.Fatal("found no share")
		}
		params, _ := json.Marshal([]string{"farm.rig1", l.pool.current.ID, fmt.Sprintf("%x", a.Extranonce2),
			fmt.Sprintf("%08x", a.NTime), fmt.Sprintf("%08x", a.Nonce), fmt.Sprintf("%08x", a.Bits)})
		lines = append(lines, fmt.Appendf(nil, `{"id":%d,"method":"mining.submit","params":%s}`+"\n", n+4, params))
	}
	return lines
}

// TestAShareAllocatesLittle: every allocation of the harness per share keeps its
// collector busy, on the cores where the proxy is measured.
func TestAShareAllocatesLittle(t *testing.T) {
	const runs = 1000
	p := mustPool(t, func(o *Options) { o.Difficulty = fewHashes })
	l := newLink(p, noWire{}, 1)
	lines := sharesOf(t, l, runs+1) // AllocsPerRun does one extra run
	n := testing.AllocsPerRun(runs, func() {
		l.out = l.out[:0]
		l.handle(lines[0])
		lines = lines[1:]
	})
	if n > poolAllocs {
		t.Errorf("%v allocations a share in the pool, want %d at the most", n, poolAllocs)
	}
	if total := p.Books().Total(); total.Accepted != runs+1 {
		t.Errorf("the pool accepted %d of %d: %v", total.Accepted, runs+1, total.Refused)
	}
}

// poolAllocs are those of the JSON decoder and of the books.
const poolAllocs = 15

// TestSharesOfALinkAreApart: nothing from one share may fill in for what the next one
// leaves out.
func TestSharesOfALinkAreApart(t *testing.T) {
	p := mustPool(t, func(o *Options) { o.Difficulty = fewHashes })
	l := newLink(p, noWire{}, 1)
	good := sharesOf(t, l, 2)
	var second struct{ Params []string }
	mustJSON(t, string(good[1]), &second)
	was := second.Params
	f := func(line, want string) {
		t.Helper()
		l.handle(good[0]) // accepted or a duplicate: in either case all of its fields were read
		l.out = l.out[:0]
		l.handle([]byte(line))
		if got := string(l.out); got != want+"\n" {
			t.Errorf("%s\ngot  %swant %s", line, got, want)
		}
	}
	submit := func(params ...any) string {
		text, _ := json.Marshal(map[string]any{"id": 7, "method": "mining.submit", "params": params})
		return string(text)
	}
	const bad = `{"id":7,"result":null,"error":[20,"Bad params",null]}`
	f(submit(was[0], was[1], was[2], was[3], nil, was[5]), bad)
	f(submit(was[0], was[1], was[2], was[3], 5, was[5]), bad)
	f(submit(was[0], was[1], was[2], was[3]), bad)
	f(submit(nil, was[1], was[2], was[3], was[4], was[5]), `{"id":7,"result":null,"error":[24,"Unauthorized worker",null]}`)
	f(submit(was[0], nil, was[2], was[3], was[4], was[5]), `{"id":7,"result":null,"error":[21,"Job not found",null]}`)
	f(submit(was[0], was[1], nil, was[3], was[4], was[5]), `{"id":7,"result":null,"error":[20,"Bad extranonce2 size",null]}`)
	f(`{"id":7,"method":"mining.submit"}`, bad)
	f(`{"method":"mining.submit","params":[]}`, `{"id":null,"result":null,"error":[20,"Bad params",null]}`)
	f(string(good[1]), `{"id":5,"result":true,"error":null}`)
	l.out = l.out[:0]
	l.handle([]byte(`{"id":8}`))
	if len(l.out) > 0 {
		t.Errorf("an answer to no method: %s", l.out)
	}
}
