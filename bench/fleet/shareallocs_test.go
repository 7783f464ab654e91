package fleet

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
)

func TestAMinersShareAllocatesNothing(t *testing.T) {
	const runs = 1000
	f, err := New(DefaultOptions(""))
	if err != nil {
		t.Fatal(err)
	}
	notify := proof.NewTemplate(1, "", 12).Params(true, 8, time.Now())
	m := f.miners[0]
	m.begin(noWire{})
	for _, line := range []string{
		`{"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null}`,
		`{"id":2,"result":[[],"01020304",4],"error":null}`,
		`{"id":3,"result":true,"error":null}`,
		`{"id":null,"method":"mining.set_difficulty","params":[` + proof.Number(fewHashes) + `]}`,
		`{"id":null,"method":"mining.notify","params":` + notify + `}`,
	} {
		m.handle([]byte(line))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	var a mine.Attempt
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
	if total := f.Books().Total(); total.Accepted != runs+1 {
		t.Errorf("%d of %d were accepted: %+v", total.Accepted, runs+1, total)
	}
}
