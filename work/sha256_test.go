package work

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// sharesOfEveryShape are shares of jobs with coinbases of all lengths around SHA-256's
// blocks, and with merkle paths of none to many branches.
func sharesOfEveryShape() (jobs []*Job, solutions []*Solution) {
	layout, _ := NewLayout(8, 2)
	for n := range 150 {
		t := Template{Coinb1: bytes.Repeat([]byte{byte(n)}, 40), Coinb2: bytes.Repeat([]byte{0xb2}, n), Version: 0x20000000, NBits: 0x1703bfb3, NTime: uint32(n)}
		for b := range n % 15 {
			t.Branches = append(t.Branches, sha256.Sum256([]byte{byte(n), byte(b)}))
		}
		t.PrevHash = sha256.Sum256([]byte{byte(n)})
		jobs = append(jobs, NewJob(t, []byte{1, 2, 3, 4}, layout))
		s := &Solution{Prefix: 0xaa00 | uint16(n), Version: 0x20002000, NTime: t.NTime + 1, Nonce: uint32(n) * 7919}
		s.SetExtranonce2([]byte{1, 2, 3, 4}[:2+n%3]...)
		solutions = append(solutions, s)
	}
	return jobs, solutions
}

// plainHash computes Checker.Hash step by step, as the protocol specifies it.
func plainHash(j *Job, s *Solution) [32]byte {
	double := func(parts ...[]byte) [32]byte {
		first := sha256.Sum256(bytes.Join(parts, nil))
		return sha256.Sum256(first[:])
	}
	u32 := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	root := double(j.Coinb1, j.Extranonce1, j.Layout.Extranonce2(nil, s), j.Coinb2)
	for _, b := range j.Branches {
		root = double(root[:], b[:])
	}
	return double(u32(s.Version), j.PrevHash[:], root[:], u32(s.NTime), u32(j.NBits), u32(s.Nonce))
}

func TestSharesAreHashedAloneAndInPairs(t *testing.T) {
	if !hasSHA {
		t.Log("this processor has no SHA extensions: the standard library hashes")
	}
	jobs, solutions := sharesOfEveryShape()
	var c Checker
	for a, j := range jobs {
		want := plainHash(j, solutions[a])
		if got := c.Hash(j, solutions[a]); got != want {
			t.Fatalf("share %d: %x, want %x", a, got, want)
		}
		for _, b := range []int{a, (a + 1) % len(jobs), (a + 15) % len(jobs), len(jobs) - 1 - a} {
			got, got2 := c.Hash2(j, jobs[b], solutions[a], solutions[b])
			if want2 := plainHash(jobs[b], solutions[b]); got != want || got2 != want2 {
				t.Fatalf("shares %d and %d: %x, %x, want %x, %x", a, b, got, got2, want, want2)
			}
		}
	}
}

func FuzzSHA256(f *testing.F) {
	if !hasSHA {
		f.Skip("this processor has no SHA extensions")
	}
	f.Add([]byte(nil), []byte(nil))
	f.Add(bytes.Repeat([]byte{0xff}, HeaderSize), bytes.Repeat([]byte{1}, 55))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var got, got2 [32]byte
		sha256dPadded(&got, &got2, appendPadding(bytes.Clone(a)), appendPadding(bytes.Clone(b)))
		if want, want2 := sha256d(a), sha256d(b); got != want || got2 != want2 {
			t.Errorf("%x, %x: %x, %x, want %x, %x", a, b, got, got2, want, want2)
		}
	})
}

// BenchmarkHash measures one share of two that are hashed together.
func BenchmarkHash(b *testing.B) {
	benchmarkHash(b, func(c *Checker, j *Job, s *Solution, n int) {
		if n%2 == 0 {
			c.Hash2(j, j, s, s)
		}
	})
}

func BenchmarkHashAlone(b *testing.B) {
	benchmarkHash(b, func(c *Checker, j *Job, s *Solution, _ int) { c.Hash(j, s) })
}

func benchmarkHash(b *testing.B, hash func(c *Checker, j *Job, s *Solution, n int)) {
	v := vectors(b)[0]
	layout, _ := NewLayout(v.Size, 2)
	job := NewJob(v.template(b), mustHex(b, v.Extranonce1), layout)
	s, _ := v.solution(b, layout, false)
	var c Checker
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		hash(&c, job, &s, n)
	}
}
