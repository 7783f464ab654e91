//go:build !race

package codec

import "testing"

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
	share := PoolShare{User: "farm.rig0001", JobID: `"66a1b2c3"`, Extranonce2: make([]byte, 8), HasVersion: true}
	f("pool submit", func() { out = AppendPoolSubmit(out[:0], 12345, &share) })

	agentShare := agentShareForTest
	f("agent submit", func() { out = AppendAgentSubmit(out[:0], &agentShare) })
	f("agent submit, read", func() {
		if s, ok := firstFrame(t, out).Submit(); !ok || s != agentShare {
			t.Fatal("not read")
		}
	})
	f("agent register", func() { out = AppendAgentRegister(out[:0], 7, "bitaxe BM1397/1.0", "rig 0001") })
	f("agent register, read", func() {
		if _, _, worker, ok := firstFrame(t, out).Register(); !ok || len(worker) != len("rig0001") {
			t.Fatal("not read")
		}
	})
	f("agent unregister", func() { out = AppendAgentUnregister(out[:0], 7) })
	f("agent unregister, read", func() {
		if session, ok := firstFrame(t, out).Unregister(); !ok || session != 7 {
			t.Fatal("not read")
		}
	})
	sessions := make([]uint16, 100)
	f("agent difficulty", func() { out = AppendAgentSetDifficulty(out[:0], 13, sessions) })
	f("agent difficulty, read", func() {
		if _, sessions, ok := firstFrame(t, out).SetDifficulty(sessions[:0]); !ok || len(sessions) != 100 {
			t.Fatal("not read")
		}
	})
	f("agent response", func() { out = AppendAgentSubmitResponse(out[:0], 7, AgentStale) })
	f("agent response, read", func() {
		if _, status, ok := firstFrame(t, out).SubmitResponse(); !ok || status.Code() != 21 || status.Text() == "" {
			t.Fatal("not read")
		}
	})
	f("agent name", func() {
		if AgentName("rig0001") != "rig0001" {
			t.Fatal("changed")
		}
	})
	broken := []byte{AgentMagic, 2, 3, 0}
	f("agent frame too short", func() {
		if _, _, err := NextAgentFrame(broken); err == nil {
			t.Fatal("taken")
		}
	})
}

var agentShareForTest = AgentShare{Job: 7, Session: 4386, Extranonce2: 42, Nonce: 0x1a2b3c4d, VersionMask: 0xc00000, HasVersion: true}

func firstFrame(t testing.TB, data []byte) AgentFrame {
	f, n, err := NextAgentFrame(data)
	if err != nil || n == 0 {
		t.Fatal("no frame", err)
	}
	return f
}

func BenchmarkAgentSubmit(b *testing.B) {
	out := make([]byte, 0, 32)
	share := agentShareForTest
	b.ReportAllocs()
	for b.Loop() {
		out = AppendAgentSubmit(out[:0], &share)
	}
	b.SetBytes(int64(len(out)))
}

func BenchmarkAgentFrame(b *testing.B) {
	data := AppendAgentSubmit(nil, &agentShareForTest)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := firstFrame(b, data).Submit(); !ok {
			b.Fatal("not read")
		}
	}
}

func BenchmarkDecodeSubmit(b *testing.B) {
	d := NewDecoder()
	line := []byte(submitLine)
	var r Request
	if d.DecodeRequest(line, &r) != nil { // the first one makes what the next ones use again
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
