package session

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/work"
)

// Whatever sizes the pool gives, the coinbase that an agent's miner builds is the one
// with which its share is checked and submitted.
func TestAnAgentsCoinbaseIsThePools(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		extranonce1 := randomBytes(random, random.IntN(17))
		coinb1, coinb2 := randomBytes(random, random.IntN(60)), randomBytes(random, random.IntN(60))
		size := 1 + random.IntN(16)
		layout, shared := work.NewLayout(size, 2)
		told, ok := agentRegion(extranonce1, layout)
		if want := size >= 8 && size+len(extranonce1) >= 12; ok != want || !shared && ok {
			t.Fatalf("extranonce1 of %d bytes, extranonce2 of %d: %v", len(extranonce1), size, ok)
		}
		if !ok {
			continue
		}
		sid, extranonce2 := randomBytes(random, 2), randomBytes(random, 4)
		solution := work.Solution{Prefix: binary.BigEndian.Uint16(sid)}
		solution.SetExtranonce2(extranonce2...)
		pool := slices.Concat(coinb1, extranonce1, layout.Extranonce2(nil, &solution), coinb2)

		line := codec.NewNotifyLine(1, &work.Template{Coinb1: coinb1, Coinb2: coinb2}, layout.Fold(extranonce1))
		notify := strings.Split(string(agent.AppendNotify(nil, &line, 77, agentCut, 0, false)), `"`)
		agent := slices.Concat(mustHex(t, notify[13]), told[:], []byte{0, 0}, sid, extranonce2, mustHex(t, notify[15]))
		if notify[9] != "77" || !bytes.Equal(agent, pool) {
			t.Fatalf("extranonce1 %x, size %d: job %s\nat the agent %x\nat the pool  %x", extranonce1, size, notify[9], agent, pool)
		}
	}
}

func TestWhatAnAgentIsTold(t *testing.T) {
	f := func(extranonce1 string, size int, want string) {
		t.Helper()
		layout, _ := work.NewLayout(size, 2)
		told, ok := agentRegion(mustHex(t, extranonce1), layout)
		if got := hex.EncodeToString(told[:]); ok != (want != "") || ok && got != want {
			t.Errorf("%s, %d: %s, %v", extranonce1, size, got, ok)
		}
	}
	f("01020304", 8, "01020304")    // btcpool's own
	f("0102030405", 8, "02030405")  // the rest goes into coinb1
	f("0102", 10, "01020000")       // the rest is the pool's extranonce2
	f("0102030405", 11, "05000000") // a large one
	f("0102030405060708", 16, "00000000")
	f("01020304", 7, "") // no room for a session id and two zeros
	f("010203", 8, "")   // eleven bytes
	f("", 12, "00000000")
}

func randomBytes(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}
