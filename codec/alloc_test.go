//go:build !race

package codec

import (
	"testing"

	"farmproxy/work"
)

const submitLine = `{"id":4711,"method":"mining.submit","params":["farm.rig0001","66a1b2c3","0000002a","66a1b2d0","1a2b3c4d","00c00000"]}`

func TestDecodingAndAnsweringAllocateNothing(t *testing.T) {
	d := NewDecoder()
	line := []byte(submitLine)
	var r Request
	out := make([]byte, 0, 256)
	f := func(name string, do func()) {
		t.Helper()
		do()
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	f("decode", func() {
		if d.DecodeRequest(line, &r) != nil {
			t.Fatal("not decoded")
		}
	})
	f("submit", func() {
		if _, ok := r.Submit(); !ok {
			t.Fatal("not read")
		}
	})
	f("answer", func() { out = AppendTrue(out[:0], &r.ID) })
	f("error", func() { out = AppendError(out[:0], &r.ID, 23, "Low difficulty share") })
	f("difficulty", func() { out = AppendSetDifficulty(out[:0], 16384) })
	layout, _ := work.NewLayout(8, 2)
	share := PoolShare{User: "farm.rig0001", Job: &work.Job{PoolID: `"66a1b2c3"`, Layout: layout}, Solution: new(work.Solution), HasVersion: true}
	f("pool submit", func() { out = AppendPoolSubmit(out[:0], 12345, &share) })
}

func BenchmarkDecodeSubmit(b *testing.B) {
	d := NewDecoder()
	line := []byte(submitLine)
	var r Request
	if d.DecodeRequest(line, &r) != nil { // the first call allocates what the next ones reuse
		b.Fatal("not decoded")
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if d.DecodeRequest(line, &r) != nil {
			b.Fatal("not decoded")
		}
		if _, ok := r.Submit(); !ok {
			b.Fatal("not read")
		}
	}
}
