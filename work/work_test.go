package work

import (
	"encoding/hex"
	"math"
	"testing"
)

func TestLayout(t *testing.T) {
	f := func(size, prefix int, want Layout, wantOK bool) {
		t.Helper()
		got, ok := NewLayout(size, prefix)
		if got != want || ok != wantOK {
			t.Errorf("NewLayout(%d, %d) = %+v, %v, want %+v, %v", size, prefix, got, ok, want, wantOK)
		}
		if ok && got.Size() != size {
			t.Errorf("NewLayout(%d, %d) has size %d", size, prefix, got.Size())
		}
	}
	f(8, 2, Layout{Lead: 2, Prefix: 2, Room: 4}, true)
	f(6, 2, Layout{Lead: 0, Prefix: 2, Room: 4}, true)
	f(5, 2, Layout{Lead: 0, Prefix: 2, Room: 3}, true)
	f(4, 2, Layout{Lead: 0, Prefix: 2, Room: 2}, true)
	f(3, 2, Layout{}, false)
	f(3, 1, Layout{Lead: 0, Prefix: 1, Room: 2}, true)
	f(8, 1, Layout{Lead: 3, Prefix: 1, Room: 4}, true)
	f(2, 1, Layout{}, false)
	f(0, 2, Layout{}, false)
}

func TestPrefixFor(t *testing.T) {
	f := func(size, prefix, extranonce2 int, ok bool) {
		t.Helper()
		p, e, o := PrefixFor(size)
		if o != ok || ok && (p != prefix || e != extranonce2) {
			t.Errorf("PrefixFor(%d) = %d, %d, %v, want %d, %d, %v", size, p, e, o, prefix, extranonce2, ok)
		}
	}
	f(16, 2, 4, true)
	f(8, 2, 4, true)
	f(6, 2, 4, true)
	f(5, 2, 3, true)
	f(4, 2, 2, true)
	f(3, 1, 2, true)
	f(2, 0, 0, false)
}

// Two miners with different prefixes must never make the same extranonce2 for the
// pool, whatever the sizes of theirs.
func TestPrefixesStandApartWhateverTheSize(t *testing.T) {
	l, _ := NewLayout(8, 2)
	at := l.Lead
	for size := MinExtranonce2; size <= l.Room; size++ {
		got := l.Extranonce2(nil, &Solution{Prefix: 0xabcd, Size: uint8(size)})
		if len(got) != l.Size() || got[at] != 0xab || got[at+1] != 0xcd {
			t.Errorf("miner's size %d: pool gets %x", size, got)
		}
	}
}

func TestDifficulty(t *testing.T) {
	f := func(bigEndian string, want float64) {
		t.Helper()
		var target [32]byte
		if _, err := hex.Decode(target[:], []byte(bigEndian)); err != nil {
			t.Fatal(err)
		}
		if got := TargetDifficulty(&target); math.Abs(got-want) > want*1e-12 {
			t.Errorf("target %s has difficulty %v, want %v", bigEndian, got, want)
		}
	}
	f("00000000ffff0000000000000000000000000000000000000000000000000000", 1)
	f("000000007fff8000000000000000000000000000000000000000000000000000", 2)
	f("0000ffff00000000000000000000000000000000000000000000000000000000", 1.0/65536)
	f("00000000000000000000ffff0000000000000000000000000000000000000000", math.Exp2(48))
	if d := Difficulty(new([32]byte)); !math.IsInf(d, 1) {
		t.Errorf("the zero hash has difficulty %v", d)
	}
}

func TestNetworkDifficulty(t *testing.T) {
	f := func(nbits uint32, want float64) {
		t.Helper()
		if got := NetworkDifficulty(nbits); got != want && math.Abs(got-want) > want*1e-6 {
			t.Errorf("nbits %08x: %v, want %v", nbits, got, want)
		}
	}
	f(0x1d00ffff, 1)
	f(0x1c2ac4af, 5.985651)
	f(0x207fffff, 4.6565423739069247e-10) // regtest
	f(0x1d80ffff, math.Inf(1))            // negative
	f(0x00000000, math.Inf(1))
}

func TestFloorPowerOfTwo(t *testing.T) {
	f := func(d, want float64) {
		t.Helper()
		if got := FloorPowerOfTwo(d); got != want {
			t.Errorf("FloorPowerOfTwo(%v) = %v, want %v", d, got, want)
		}
	}
	f(1, 1)
	f(1000, 512)
	f(1024, 1024)
	f(1023.999, 512)
	f(0.001, math.Exp2(-10))
	f(math.Exp2(-24), math.Exp2(-24))
	f(math.Inf(1), math.Inf(1))
}

func TestCeilPowerOfTwo(t *testing.T) {
	f := func(d, want float64) {
		t.Helper()
		if got := CeilPowerOfTwo(d); got != want {
			t.Errorf("CeilPowerOfTwo(%v) = %v, want %v", d, got, want)
		}
	}
	f(1, 1)
	f(1000, 1024)
	f(1024, 1024)
	f(1024.5, 2048)
	f(0.3, 0.5)
	f(1e308, math.Inf(1))
}

func TestWhatIsABlock(t *testing.T) {
	f := func(network, pool, met float64, want bool) {
		t.Helper()
		j := &Job{Network: network, Difficulty: pool, Algorithm: SHA256d}
		if got := j.IsBlock(met, 0); got != want {
			t.Errorf("network %v, pool %v, met %v: %v, want %v", network, pool, met, got, want)
		}
	}
	f(1000, 64, 1000, true)
	f(1000, 64, 999, false)
	f(1000, 1000, 1000, true)
	f(NetworkDifficulty(0x207fffff), 1e-6, 1, false) // a test network
	f(6, 64, 70, false)
	f(1e14, 1e308, 1e14, true) // the pool's mistake must not cost a block
	f(math.Inf(1), 64, 1e30, false)
}

func TestRollVersion(t *testing.T) {
	f := func(job, mask, bits, want uint32) {
		t.Helper()
		if got := RollVersion(job, mask, bits); got != want {
			t.Errorf("%08x with %08x inside %08x = %08x, want %08x", job, bits, mask, got, want)
		}
	}
	f(0x20000000, 0x1fffe000, 0x00002000, 0x20002000)
	f(0x3fffe000, 0x1fffe000, 0x00002000, 0x20002000) // the job's own bits inside the mask go
	f(0x20000010, 0x1fffe000, 0x00000000, 0x20000010) // those outside stay
}

func TestCheckingAShareAllocatesNothing(t *testing.T) {
	v := vectors(t)[0]
	layout, _ := NewLayout(v.Size, 2)
	job := NewJob(v.template(t), mustHex(t, v.Extranonce1), layout)
	s, _ := v.solution(t, layout, false)
	var c Checker
	c.Hash(job, &s)
	if n := testing.AllocsPerRun(100, func() { c.Hash(job, &s) }); n != 0 {
		t.Errorf("%v allocations for a share", n)
	}
}

// What one process remembers of a work means the same to the next.
func TestADigestIsTheSameInEveryProcess(t *testing.T) {
	layout, _ := NewLayout(8, 2)
	j := NewJob(Template{PrevHash: [32]byte{1}, Coinb1: []byte{2}, Coinb2: []byte{3}, Branches: [][32]byte{{4}}, NBits: 5, NTime: 6, Version: 7}, []byte{8}, layout)
	if got := j.Digest(); got != 0xcae3cc12fc5b64f7 {
		t.Errorf("%#x; if that is wanted, works that were handed over are not recognised once", got)
	}
}
