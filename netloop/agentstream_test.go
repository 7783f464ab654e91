package netloop

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/session"
)

// feedAgent feeds data in pieces of size bytes and returns the messages.
func feedAgent(data string, size int) (got []string, reason session.Reason, ok bool) {
	var a agentStream
	var pool halves
	for len(data) > 0 {
		piece := []byte(data[:min(size, len(data))])
		data = data[len(piece):]
		for len(piece) > 0 {
			var m agentMessage
			if m, piece, reason, ok = a.next(piece, &pool); !ok {
				return got, reason, false
			}
			switch {
			case m.frame != nil:
				got = append(got, hex.EncodeToString(m.frame))
			case m.oversized:
				got = append(got, "oversized")
			case len(m.line) > 0:
				got = append(got, string(m.line))
			}
		}
	}
	return got, 0, true
}

func TestLinesAndFramesAreCutWhereverTheReadsEnd(t *testing.T) {
	f := func(data string, want ...string) {
		t.Helper()
		for size := 1; size <= len(data); size++ {
			got, _, ok := feedAgent(data, size)
			if !ok || strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%q in pieces of %d: %q, %v", data, size, got, ok)
			}
		}
	}
	share := string(agent.AppendSubmit(nil, &agent.Share{Job: '\n', SID: 0x7b0a, Nonce: 0x0a0a0a0a}))
	gone := string(agent.AppendUnregister(nil, 7))
	long := func(n int) string {
		return fmt.Sprintf("\x7f\x01%c%c", rune(n&0xff), rune(n>>8)) + strings.Repeat("{", n-4)
	}
	f("{1}\n"+share+"{2}\n", "{1}", "7f020f000a0a7b000000000a0a0a0a", "{2}")
	f(gone+gone+"\r\n"+gone, "7f0406000700", "7f0406000700", "7f0406000700")
	f("\n"+gone+"{1}\n\n"+gone+"{ha", "7f0406000700", "{1}", "7f0406000700")
	f("\x7f\x99\x04\x00{1}\n", "7f990400", "{1}")
	f("\xef\xbb\xbf{1}\n\x00\t"+gone+"\x00{2}\x00\n", "{1}", "7f0406000700", "{2}")
	f(gone+"\x7f\x04\x06", "7f0406000700")
	f(long(0x300)+gone+long(0x201)+"{1}\n", "oversized", "7f0406000700", "oversized", "{1}")
}

func TestAnAgentsStreamThatCantBeTrusted(t *testing.T) {
	f := func(data string, want session.Reason) {
		t.Helper()
		for _, size := range []int{1, 3, len(data)} {
			if _, reason, ok := feedAgent(data, size); ok || reason != want {
				t.Errorf("%.20q in pieces of %d: %v, %v", data, size, reason, ok)
			}
		}
	}
	f("\x7f\x02\x03\x00", session.BadFrame)
	f("{1}\n\x7f\x02\x00\x00more", session.BadFrame)
	f("\x7f\x04\x06\x00\x01\x00nonsense", session.NotStratum)
	f("{"+strings.Repeat("x", codec.MaxMinerLine), session.LineTooLong)
}

// Whatever arrives, and however it is cut, the messages are the same.
func TestAnAgentsStreamIsTheSameInAnyPieces(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		var data []byte
		for range 1 + random.IntN(12) {
			switch random.IntN(6) {
			case 0:
				data = append(data, "{\"id\":1}\r\n"...)
			case 1:
				data = agent.AppendRegister(data, uint16(random.Uint32()), "a{\n", "w")
			case 2:
				data = append(data, '\n')
			case 3: // of any length
				size := 4 + random.IntN(2*maxAgentFrame)
				data = append(data, agent.Magic, 1, byte(size), byte(size>>8))
				for range size - 4 {
					data = append(data, byte(random.Uint32()))
				}
			default:
				data = agent.AppendSubmit(data, &agent.Share{Nonce: random.Uint32(), HasTime: random.IntN(2) == 0})
			}
		}
		data = append(data, "{end}\n"...)
		want, _, _ := feedAgent(string(data), len(data))
		if len(want) == 0 || want[len(want)-1] != "{end}" {
			t.Fatalf("seed %d: %q", seed, want)
		}
		for _, size := range []int{1, 2, 3, 5, 17, 511, 513} {
			if got, _, _ := feedAgent(string(data), size); !slices.Equal(got, want) {
				t.Fatalf("seed %d, in pieces of %d: %q\nwant %q", seed, size, got, want)
			}
		}
	}
}
