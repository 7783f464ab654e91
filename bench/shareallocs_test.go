package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
	"time"
)

// noWire is a connection that nobody is at the other end of.
type noWire struct{ net.Conn }

func (noWire) Write(b []byte) (int, error)      { return len(b), nil }
func (noWire) SetWriteDeadline(time.Time) error { return nil }
func (noWire) Close() error                     { return nil }

// sharesOf goes through the handshake of a link that nobody reads, and are
// submits that its pool accepts.
func sharesOf(tb testing.TB, l *link, count int) (lines [][]byte) {
	tb.Helper()
	for _, line := range []string{
		`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}`,
		`{"id":2,"method":"mining.subscribe","params":["test"]}`,
		`{"id":3,"method":"mining.authorize","params":["farm.rig1","x"]}`,
	} {
		l.handle([]byte(line))
	}
	job, _, err := newFleetJob([]byte(`{"params":` + l.pool.current.Params + `}`))
	if err != nil {
		tb.Fatal(err)
	}
	limit := newLimit(l.pool.difficulty)
	for n := range count {
		a := attempt{
			extranonce1: l.session.extranonce1, extranonce2: appendCounter(nil, uint64(n), l.session.size2),
			ntime: job.ntime, mask: 0x1fffe000, bits: 0x2000,
		}
		if _, ok := job.search(SHA256d, &a, limit); !ok {
			tb.Fatal("found no share")
		}
		params, _ := json.Marshal([]string{"farm.rig1", l.pool.current.ID, fmt.Sprintf("%x", a.extranonce2),
			fmt.Sprintf("%08x", a.ntime), fmt.Sprintf("%08x", a.nonce), fmt.Sprintf("%08x", a.bits)})
		lines = append(lines, fmt.Appendf(nil, `{"id":%d,"method":"mining.submit","params":%s}`+"\n", n+4, params))
	}
	return lines
}

// TestAShareAllocatesLittle: what the harness allocates for a share keeps its
// collector busy, on the cores that the proxy is measured on.
func TestAShareAllocatesLittle(t *testing.T) {
	const runs = 1000
	p := mustPool(t, func(o *PoolOptions) { o.Difficulty = measuringDifficulty })
	l := newLink(p, noWire{}, 1)
	lines := sharesOf(t, l, runs+1) // AllocsPerRun has one run more
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

// poolAllocs are those of the JSON decoder, and of what the books keep.
const poolAllocs = 15

func TestAMinersShareAllocatesNothing(t *testing.T) {
	const runs = 1000
	f, err := NewFleet(DefaultFleetOptions(""))
	if err != nil {
		t.Fatal(err)
	}
	notify := newTemplate(1, "", 12).params(true, 8, time.Now())
	m := f.miners[0]
	m.begin(noWire{})
	for _, line := range []string{
		`{"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null}`,
		`{"id":2,"result":[[],"01020304",4],"error":null}`,
		`{"id":3,"result":true,"error":null}`,
		`{"id":null,"method":"mining.set_difficulty","params":[` + number(measuringDifficulty) + `]}`,
		`{"id":null,"method":"mining.notify","params":` + notify + `}`,
	} {
		m.handle([]byte(line))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	var a attempt
	var verdict []byte
	n := testing.AllocsPerRun(runs, func() {
		verdict = strconv.AppendInt(append(verdict[:0], `{"id":`...), int64(m.nextID), 10)
		verdict = append(verdict, `,"result":true,"error":null}`+"\n"...)
		m.share(rnd, &a)
		m.handle(verdict)
	})
	if n > 0 {
		t.Errorf("%v allocations a share in the fleet, want none", n)
	}
	if total := f.books.Total(); total.Accepted != runs+1 {
		t.Errorf("%d of %d were accepted: %+v", total.Accepted, runs+1, total)
	}
}

func TestAppendSubmit(t *testing.T) {
	f := func(mask uint32, want string) {
		t.Helper()
		a := attempt{extranonce2: []byte{0, 1}, ntime: 0x66aabbcc, nonce: 7, bits: 0x2000, mask: mask}
		if got := string(a.appendSubmit(nil, 12, `farm."rig"`, `"job"`)); got != want+"\n" {
			t.Errorf("got  %swant %s", got, want)
		}
	}
	f(0, `{"id":12,"method":"mining.submit","params":["farm.\"rig\"","job","0001","66aabbcc","00000007"]}`)
	f(0x1fffe000, `{"id":12,"method":"mining.submit","params":["farm.\"rig\"","job","0001","66aabbcc","00000007","00002000"]}`)
}

// TestSharesOfALinkAreApart: nothing of a share may stand in for what the next
// one leaves out.
func TestSharesOfALinkAreApart(t *testing.T) {
	p := mustPool(t, func(o *PoolOptions) { o.Difficulty = measuringDifficulty })
	l := newLink(p, noWire{}, 1)
	good := sharesOf(t, l, 2)
	var second struct{ Params []string }
	mustJSON(t, string(good[1]), &second)
	was := second.Params
	f := func(line, want string) {
		t.Helper()
		l.handle(good[0]) // accepted, or a duplicate: all of its fields were read
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
