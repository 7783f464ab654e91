package session

import (
	"math/rand/v2"
	"testing"
)

// A memory of headers is compared with a map that forgets nothing: it knows every
// header whose work it did not give up, and no other.
func FuzzHeaders(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint16(2000))
	}
	f.Fuzz(func(t *testing.T, seed uint64, steps uint16) {
		random := rand.New(rand.NewPCG(seed, 1))
		var h headers
		known := map[uint64]uint32{} // fingerprint to work
		spread := 1 + random.Uint64N(1<<20)
		work := 1 + random.Uint32N(1<<18)
		for range steps {
			fingerprint := (1 + random.Uint64N(spread)*random.Uint64N(1<<28)%(1<<48-1)) << 16
			if _, want := known[fingerprint]; h.has(fingerprint) != want {
				t.Fatalf("%x is known: %v, want %v", fingerprint, !want, want)
			}
			switch random.IntN(40) {
			case 0:
				work += random.Uint32N(3)
			case 1:
				h.sweep(work - min(work, random.Uint32N(4)))
				for fingerprint, number := range known {
					if number < h.from {
						delete(known, fingerprint)
					}
				}
			case 2:
				h.shrink()
			}
			if _, is := known[fingerprint]; is || h.full() && !h.grow(maxSlots) || work < h.from {
				continue
			}
			number := work
			if back := work - min(work, random.Uint32N(3)); back >= h.from {
				number = back
			}
			h.put(fingerprint, number)
			known[fingerprint] = number
		}
		for fingerprint := range known {
			if !h.has(fingerprint) {
				t.Fatalf("%x is forgotten", fingerprint)
			}
		}
		if len(known) > int(h.used) {
			t.Errorf("%d are counted, there are %d", h.used, len(known))
		}
	})
}

// Where a header is searched for does not depend on its work: here the work's bits
// reach across the boundary between two homes.
func TestAHeaderIsFoundWhateverItsWork(t *testing.T) {
	var h headers
	h.grow(maxSlots)
	h.grow(maxSlots) // 12 slots: a twelfth of all fingerprints has the same home
	fingerprint := uint64(1<<64/12) &^ workBits
	if h.put(fingerprint, workBits); !h.has(fingerprint) {
		t.Error("a header is forgotten")
	}
}

// Works are numbered with 32 bits, of which a slot holds 16.
func TestAHeaderOfAWorkLongAgoOnlyStaysLonger(t *testing.T) {
	var h headers
	h.grow(maxSlots)
	h.put(1<<16, 5)
	h.put(2<<16, 5+1<<16+10)
	h.sweep(5 + 1<<16)
	if !h.has(1<<16) || h.from != 0 {
		t.Error("a header went, and its work may be answered still")
	}
	h.sweep(5 + 1<<16 + 5)
	if h.has(1<<16) || h.from <= 5 || !h.has(2<<16) {
		t.Errorf("works from %d on are known", h.from)
	}
}

func TestWhatAMinerTakes(t *testing.T) {
	var h headers
	f := func(n uint64, slots int) {
		t.Helper()
		for i := uint64(h.used); i < n; i++ {
			if h.full() && !h.grow(maxSlots) {
				t.Fatalf("no room for header %d", i)
			}
			h.put((i*0x9e3779b97f4a7c15|1)<<16, 1)
		}
		if int(h.size) != slots {
			t.Errorf("%d headers have %d slots, want %d", n, int(h.size), slots)
		}
	}
	f(1, usualSlots)
	f(28, usualSlots)
	f(29, 48)
	f(7168, maxSlots)
	if !h.full() || h.grow(maxSlots) {
		t.Error("there is room for more than maxSlots")
	}
	h.sweep(2)
	if h.shrink(); int(h.size) != usualSlots || h.used != 0 || h.from != 2 {
		t.Errorf("%d slots, %d headers and works from %d on are left", int(h.size), h.used, h.from)
	}
}
