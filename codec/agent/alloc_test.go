//go:build !race

package agent

import "testing"

func TestFramesAllocateNothing(t *testing.T) {
	out := make([]byte, 0, 256)
	f := func(name string, do func()) {
		t.Helper()
		do()
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	share := shareForTest
	f("submit", func() { out = AppendSubmit(out[:0], &share) })
	f("submit, read", func() {
		if s, ok := firstFrame(t, out).Submit(); !ok || s != share {
			t.Fatal("not read")
		}
	})
	f("register", func() { out = AppendRegister(out[:0], 7, "bitaxe BM1397/1.0", "rig 0001") })
	f("register, read", func() {
		if _, _, worker, ok := firstFrame(t, out).Register(); !ok || len(worker) != len("rig0001") {
			t.Fatal("not read")
		}
	})
	f("unregister", func() { out = AppendUnregister(out[:0], 7) })
	f("unregister, read", func() {
		if sid, ok := firstFrame(t, out).Unregister(); !ok || sid != 7 {
			t.Fatal("not read")
		}
	})
	sids := make([]uint16, 100)
	f("difficulty", func() { out = AppendSetDifficulty(out[:0], 13, sids) })
	f("difficulty, read", func() {
		if _, sids, ok := firstFrame(t, out).SetDifficulty(sids[:0]); !ok || len(sids) != 100 {
			t.Fatal("not read")
		}
	})
	f("response", func() { out = AppendSubmitResponse(out[:0], 7, Stale) })
	f("response, read", func() {
		if _, status, ok := firstFrame(t, out).SubmitResponse(); !ok || status.Code() != 21 || status.Text() == "" {
			t.Fatal("not read")
		}
	})
	f("name", func() {
		if Name("rig0001") != "rig0001" {
			t.Fatal("changed")
		}
	})
	broken := []byte{Magic, 2, 3, 0}
	f("frame too short", func() {
		if _, _, err := NextFrame(broken); err == nil {
			t.Fatal("taken")
		}
	})
}

var shareForTest = Share{Job: 7, SID: 4386, Extranonce2: 42, Nonce: 0x1a2b3c4d, VersionMask: 0xc00000, HasVersion: true}

func firstFrame(t testing.TB, data []byte) Frame {
	f, n, err := NextFrame(data)
	if err != nil || n == 0 {
		t.Fatal("no frame", err)
	}
	return f
}

func BenchmarkSubmit(b *testing.B) {
	out := make([]byte, 0, 32)
	share := shareForTest
	b.ReportAllocs()
	for b.Loop() {
		out = AppendSubmit(out[:0], &share)
	}
	b.SetBytes(int64(len(out)))
}

func BenchmarkFrame(b *testing.B) {
	data := AppendSubmit(nil, &shareForTest)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := firstFrame(b, data).Submit(); !ok {
			b.Fatal("not read")
		}
	}
}
