package mine

import (
	"encoding/binary"
	"encoding/hex"
	"testing"

	"farmproxy/bench/proof"
)

// TestLimitIsTheTarget compares the fleet's and the pool's calculation.
func TestLimitIsTheTarget(t *testing.T) {
	for _, d := range []float64{proof.EasyDifficulty, 1.0 / 3, 1, 1000, 16384.5, 1e13} {
		l, b := NewLimit(d), proof.TargetOf(d)
		for i := range l {
			if got := binary.BigEndian.Uint64(b[8*i:]); got != l[i] {
				t.Errorf("difficulty %v: digit %d is %x for the pool, %x for the fleet", d, i, got, l[i])
			}
		}
		var at proof.Hash // the target itself still counts
		for i := range b {
			at[31-i] = b[i]
		}
		if !l.met(at) || !at.Meets(proof.TargetOf(d)) {
			t.Errorf("difficulty %v: its own target does not meet it", d)
		}
		if at[0]++; at[0] != 0 && (l.met(at) || at.Meets(proof.TargetOf(d))) {
			t.Errorf("difficulty %v: one above the target meets it", d)
		}
	}
}

func TestAppendCounter(t *testing.T) {
	f := func(counter uint64, size int, want string) {
		t.Helper()
		if got := hex.EncodeToString(AppendCounter(nil, counter, size)); got != want {
			t.Errorf("counter %d in %d bytes: got %s, want %s", counter, size, got, want)
		}
	}
	f(1, 1, "01")
	f(258, 2, "0102")
	f(65537, 2, "0001")
	f(258, 4, "00000102")
	f(258, 10, "00000000000000000102")
}

func TestAppendSubmit(t *testing.T) {
	f := func(mask uint32, want string) {
		t.Helper()
		a := Attempt{Extranonce2: []byte{0, 1}, NTime: 0x66aabbcc, Nonce: 7, Bits: 0x2000, Mask: mask}
		if got := string(a.AppendSubmit(nil, 12, `farm."rig"`, `"job"`)); got != want+"\n" {
			t.Errorf("got  %swant %s", got, want)
		}
	}
	f(0, `{"id":12,"method":"mining.submit","params":["farm.\"rig\"","job","0001","66aabbcc","00000007"]}`)
	f(0x1fffe000, `{"id":12,"method":"mining.submit","params":["farm.\"rig\"","job","0001","66aabbcc","00000007","00002000"]}`)
}
