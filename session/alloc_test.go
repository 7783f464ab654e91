//go:build !race

package session

import (
	"testing"
	"unsafe"

	"farmproxy/codec"
	"farmproxy/work"
)

// forget empties a memory of headers and keeps its slots.
func forget(h *headers) {
	clear(h.slots())
	h.used = 0
}

func TestAShareAndAJobAllocateNothing(t *testing.T) {
	s, e, d := authorized(t)
	line := []byte(`{"id":5,"method":"mining.submit","params":["user.worker","1","0000","65df9900","0fd587d0","00002000"]}`)
	out := make([]byte, 0, 8<<10)
	var r codec.Request
	f := func(name string, do func()) {
		t.Helper()
		do()
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	var checker work.Checker
	list := make([]Candidate, 1)
	share := func(want EffectKind) {
		if err := d.DecodeRequest(line, &r); err != nil {
			t.Fatal(err)
		}
		var effect Effect
		if out, effect = s.Step(e, &r, out[:0]); effect.Kind != WantHash {
			t.Fatalf("effect %d", effect.Kind)
		}
		list[0] = *effect.Candidate
		FindHashes(&checker, list)
		if out, effect = s.Judge(e, &list[0], out); effect.Kind != want {
			t.Fatalf("effect %d, want %d", effect.Kind, want)
		}
	}
	f("share: decode, step, hash, judge, answer", func() {
		forget(&s.headers) // otherwise it would be a duplicate
		share(Forward)
		out = s.Verdict(&r.ID, 0, 0, "", out)
	})
	f("duplicate", func() { share(Judged) })
	f("job", func() { out, _ = s.Job(e, true, out[:0]) })
	f("tick", func() { out, _ = s.Tick(e, out[:0]) })
}

// A farm has tens of thousands of sessions: the size of one is part of the design.
func TestASessionStaysSmall(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 256 {
		t.Errorf("a session takes %d bytes, want at most 256", size)
	}
}

func BenchmarkStep(b *testing.B) {
	s, e, d := authorized(b)
	line := []byte(`{"id":5,"method":"mining.submit","params":["user.worker","1","0000","65df9900","0fd587d0","00002000"]}`)
	out := make([]byte, 0, 8<<10)
	var r codec.Request
	var checker work.Checker
	list := make([]Candidate, 2) // hashed together, as by an event loop
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if err := d.DecodeRequest(line, &r); err != nil {
			b.Fatal(err)
		}
		_, effect := s.Step(e, &r, out[:0])
		list[n%2] = *effect.Candidate
		if n%2 == 0 {
			continue
		}
		FindHashes(&checker, list)
		for i := range list {
			forget(&s.headers)
			out, _ = s.Judge(e, &list[i], out[:0])
		}
	}
}

func BenchmarkJob(b *testing.B) {
	s, e, _ := authorized(b)
	out := make([]byte, 0, 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		out, _ = s.Job(e, true, out[:0])
	}
}
