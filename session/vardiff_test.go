package session

import (
	"math"
	"testing"

	"farmproxy/codec"
	"farmproxy/work"
)

func TestThePowerOfTwoThatIsWanted(t *testing.T) {
	f := func(want, low, high, told float64) {
		t.Helper()
		if got := powerWithin(want, low, high); got != told {
			t.Errorf("%v wanted of %v to %v: %v, want %v", want, low, high, got, told)
		}
	}
	none := math.Inf(1)
	f(16384, 1, none, 16384)
	f(20000, 1, none, 32768)  // up: a requested difficulty is a minimum
	f(1, 1000, none, 1024)    // so is the lower bound
	f(20000, 1, 30000, 16384) // but never above the upper one
	f(1, 1000, 1020, 1020)    // none fits: the upper bound itself
	f(1, 150000, 200000, 200000)
	f(1, 1000, 900, 512) // a pool below the lower bound
	f(1, 1000, 1e-300, work.FloorPowerOfTwo(1e-300))
	f(1e308, 1, none, none)
	f(1e308, 1, 1e9, 1<<29)
	f(16384, none, 1e9, 1<<29)
}

// A minimum that no float32 holds was taken for infinity, whose power of two was 1: below
// what the operator allows.
func TestAnImmenseMinimumDifficultyIsBounded(t *testing.T) {
	s, e := new(Session), &Env{Terms: &Terms{Difficulty: Policy{Start: 16384, Min: 1024, SharesPerMinute: 6}}}
	var r codec.Request
	line := `{"id":1,"method":"mining.configure","params":[["minimum-difficulty"],{"minimum-difficulty.value":1e39}]}`
	if err := codec.NewDecoder().DecodeRequest([]byte(line), &r); err != nil {
		t.Fatal(err)
	}
	s.Step(e, &r, nil)
	for pool, want := range map[float64]float64{1 << 20: 1 << 20, 0: mostPower} {
		if got := s.vardiff.next(&Feed{Difficulty: pool}, 0, &e.Terms.Difficulty); got != want {
			t.Errorf("at a pool's %v the miner gets %v, want %v", pool, got, want)
		}
	}
}

// Each way of applying the bits that a miner may roll gives the same version.
func TestBitsThatMayBeRolledAreTheSameUnderEachRule(t *testing.T) {
	const mask = 0x1fffe000
	for _, version := range []uint32{0x20000000, 0x32ef0000, 0x20400000, 0x3fffe000, 0} {
		free := rollable(mask, &work.Job{Template: work.Template{Version: version}})
		for _, rolled := range []uint32{0, 0x2000, 0x00a04000, 0x1fffe000, 0x02004000} {
			bits := rolled & free
			replaced := work.RollVersion(version, free, bits)
			if replaced != version|bits || replaced != version^bits {
				t.Errorf("bits %08x of version %08x: replaced %08x, ORed %08x, flipped %08x", bits, version, replaced, version|bits, version^bits)
			}
		}
	}
}
