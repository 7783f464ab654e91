package work

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

func standardSHA256d(b []byte) [32]byte {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

func TestSHA256dOfEveryLength(t *testing.T) {
	if !hasSHA {
		t.Log("this processor has no SHA extensions: it is the standard library's")
	}
	b := make([]byte, 2*maxPadded)
	for i := range b {
		b[i] = byte(i * 7)
	}
	for n := range b {
		if got, want := sha256d(b[:n]), standardSHA256d(b[:n]); got != want {
			t.Fatalf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

func FuzzSHA256d(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(bytes.Repeat([]byte{0xff}, HeaderSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := sha256d(b), standardSHA256d(b); got != want {
			t.Errorf("%x: %x, want %x", b, got, want)
		}
	})
}

func BenchmarkSHA256d(b *testing.B) {
	pair := make([]byte, 64)
	for name, hash := range map[string]func([]byte) [32]byte{"farmproxy": sha256d, "standard": standardSHA256d} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				hash(pair)
			}
		})
	}
}
