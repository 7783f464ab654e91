package netloop

import (
	"strings"
	"testing"

	"farmproxy/codec"
	"farmproxy/session"
)

// feedLines cuts data, fed in pieces of the given size, and returns the lines and what
// ended it.
func feedLines(data string, size int) (got []string, reason session.Reason, ok bool) {
	var l lines
	var pool halves
	for len(data) > 0 {
		n := min(size, len(data))
		piece := []byte(data[:n])
		data = data[n:]
		for len(piece) > 0 {
			line, rest, why, fine := l.next(piece, &pool)
			if !fine {
				return got, why, false
			}
			piece = rest
			if len(line) > 0 {
				got = append(got, string(line))
			}
		}
	}
	return got, 0, true
}

// Every input gives the same lines wherever it is cut.
func TestLinesAreTheSameWhereverTheyAreCut(t *testing.T) {
	f := func(data string, want ...string) {
		t.Helper()
		for size := 1; size <= len(data); size++ {
			got, _, ok := feedLines(data, size)
			if !ok || strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%q in pieces of %d: %q, %v", data, size, got, ok)
			}
		}
	}
	f("{1}\n{2}\n", "{1}", "{2}")
	f("{1}\r\n{2}\r\n", "{1}", "{2}")
	f("\n\r\n {1}\n\n{2} \n", "{1}", "{2}")
	f("{1}\n{half", "{1}")
	f("{half")
	f("\t{1}\n\x00{2}\n\x00", "{1}", "{2}")
	f("{1}\x00\n{2}\t\x00\r\n", "{1}", "{2}")
	f("\xef\xbb\xbf{1}\n\xef\xbb\xbf{2}\xef\xbb\xbf\n", "{1}", "{2}")
	f("\v\f\x00 \n{1}\n", "{1}")
}

func TestWhatIsNotStratumIsSeenAtItsFirstByte(t *testing.T) {
	f := func(data string, want session.Reason) {
		t.Helper()
		for _, size := range []int{1, 7, len(data)} {
			if _, reason, ok := feedLines(data, size); ok || reason != want {
				t.Errorf("%.20q in pieces of %d: %v, %v", data, size, reason, ok)
			}
		}
	}
	f("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", session.UnexpectedTLS)
	f("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", session.NotStratum)
	f("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00", session.NotStratum)
	f("{1}\nGET /", session.NotStratum)
	f("{"+strings.Repeat("x", codec.MaxMinerLine), session.LineTooLong)
	f("{"+strings.Repeat("x", codec.MaxMinerLine)+"\n", session.LineTooLong)
}

func TestTheLongestLineIsTaken(t *testing.T) {
	line := "{" + strings.Repeat("x", codec.MaxMinerLine-1)
	for _, size := range []int{1, 100, len(line) + 1} {
		if got, reason, ok := feedLines(line+"\n", size); !ok || len(got) != 1 || got[0] != line {
			t.Errorf("in pieces of %d: %d lines, %v", size, len(got), reason)
		}
	}
}

// Buffers for partial lines go back to the loop with the line that they completed.
func TestCarriesAreLentAndReturned(t *testing.T) {
	var l lines
	var pool halves
	for range 3 {
		if line, _, _, _ := l.next([]byte("{ha"), &pool); line != nil {
			t.Fatalf("line %q", line)
		}
		if line, _, _, _ := l.next([]byte("lf}\n"), &pool); string(line) != "{half}" {
			t.Fatalf("line %q", line)
		}
		if l.kept != nil || len(pool.free) != 1 {
			t.Fatalf("%d buffers free, half %q", len(pool.free), l.half())
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		l.next([]byte("{ha"), &pool)
		l.next([]byte("lf}\n"), &pool)
	}); n != 0 {
		t.Errorf("%v allocations for a split line", n)
	}
	l.next([]byte("{ha"), &pool)
	l.drop(&pool)
	if l.kept != nil || len(pool.free) != 1 {
		t.Error("the buffer of a miner that left in mid-line is lost")
	}
}
