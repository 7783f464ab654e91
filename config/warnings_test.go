package config

import (
	"strings"
	"testing"
)

func TestBoundsWithoutAPowerOfTwoBetweenThem(t *testing.T) {
	f := func(low, high float64, want string) {
		t.Helper()
		d := Difficulty{Min: low, Max: high}
		got := d.warnings()
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0].String(), want)) {
			t.Errorf("min = %v, max = %v: %v, want %q", low, high, got, want)
		}
	}
	f(1, 0, "")
	f(1000, 0, "")
	f(1000, 1024, "")
	f(1024, 1024, "")
	f(1000, 1020, "difficulty.max = 1020: no power of two lies between difficulty.min, which is 1000, and this: every miner gets 1020 itself, and some firmware rounds that or refuses it; try 1024, or difficulty.min = 512")
	f(1025, 2047, "try 2048, or difficulty.min = 1024")
	f(2000, 1000, "") // refused anyway
}
