package fleet

import (
	"context"
	"net"
	"testing"
	"time"

	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
)

// mustFleet connects a fleet to target and waits until all of it is at work.
func mustFleet(t *testing.T, target string, change func(*Options)) *Fleet {
	t.Helper()
	o := DefaultOptions(target)
	o.Rate = 1000
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	ctx, cancel := context.WithTimeout(t.Context(), wantTime)
	defer cancel()
	if err := f.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	return f
}

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

// settle pauses the fleet and waits for all answers.
func settle(t *testing.T, f *Fleet) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wantTime)
	defer cancel()
	if err := f.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

// wantTime bounds every wait of a test: it only matters if something is broken.
const wantTime = 10 * time.Second

func mustPool(t *testing.T, change func(*pool.Options)) *pool.Pool {
	t.Helper()
	o := pool.DefaultOptions()
	if change != nil {
		change(&o)
	}
	p, err := pool.Start(o)
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
