package pool

import (
	"encoding/json"
	"net"
	"testing"
	"time"

	"farmproxy/bench/proof"
)

// wantSoon waits until cond holds.
func wantSoon(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(wantTime); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// wantTime bounds every wait of a test: it only matters if something is broken.
const wantTime = 10 * time.Second

func mustJSON(t *testing.T, line string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), into); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

func mustPool(t *testing.T, change func(*Options)) *Pool {
	t.Helper()
	o := DefaultOptions()
	if change != nil {
		change(&o)
	}
	p, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// easyTwos is an algorithm with 256 hashes at difficulty 1: so a CPU can mine the
// difficulties that frames can express, powers of two from 1 up.
var easyTwos = &proof.Algorithm{Name: "easy", Divider: 1 << 24, Hash: func(header []byte) proof.Hash { return proof.DoubleSHA256(header) }, Tries: 1 << 22}

// fewHashes is a difficulty at which a share takes four hashes.
const fewHashes = 1.0 / (1 << 30)

// noWire is a connection with nobody at the other end.
type noWire struct{ net.Conn }

func (noWire) Write(b []byte) (int, error) { return len(b), nil }

func (noWire) SetWriteDeadline(time.Time) error { return nil }

func (noWire) Close() error { return nil }
