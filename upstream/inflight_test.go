package upstream

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"farmproxy/work"
)

func TestInflight(t *testing.T) {
	var f inflight
	f.begin(firstID)
	model := make(map[uint64]uint32) // nonce by id
	rnd := rand.New(rand.NewPCG(1, 2))
	largest := 0
	for step := range uint32(180_000) {
		limit := []int{500, 4000, 3}[step/20_000%3] // a stall, and that it is over
		switch {
		case rnd.IntN(20) == 0:
			f.skip()
		case len(model) < limit && rnd.IntN(3) != 0:
			id := f.put(&Share{Solution: work.Solution{Nonce: step}}, time.Unix(int64(step), 0))
			if _, twice := model[id]; twice {
				t.Fatalf("id %d twice", id)
			}
			model[id] = step
		default:
			for id, nonce := range model {
				s, ok := f.remove(id)
				if !ok || s.share.Nonce != nonce {
					t.Fatalf("id %d: %v %v", id, ok, s.share.Nonce)
				}
				if _, again := f.remove(id); again {
					t.Fatalf("id %d is there twice", id)
				}
				delete(model, id)
				break
			}
		}
		if largest = max(largest, len(f.ring)); len(f.ring) > max(keptInflight, 8*int(f.high-f.low)) {
			t.Fatalf("a ring of %d for a window of %d", len(f.ring), f.high-f.low)
		}
		if f.n != len(model) {
			t.Fatalf("%d in flight, want %d", f.n, len(model))
		}
	}
	equal(t, "it has shrunk", largest > keptInflight && len(f.ring) == keptInflight, true)
	oldest, _, ok := f.overdue(time.Unix(1<<40, 0))
	at := f.ring[oldest&uint64(len(f.ring)-1)].at
	for id := range model {
		if s := f.ring[id&uint64(len(f.ring)-1)]; s.at.Before(at) {
			t.Errorf("share %d is older than the oldest", id)
		}
	}
	equal(t, "there is an oldest", ok, len(model) > 0)
	shares := f.drain(nil)
	equal(t, "drained", len(shares), len(model))
	for i := 1; i < len(shares); i++ {
		if shares[i].Nonce < shares[i-1].Nonce {
			t.Fatal("not in the order they were sent")
		}
	}
	equal(t, "room", f.room(), maxInflight)
}

func TestForeignIDs(t *testing.T) {
	var f inflight
	f.begin(firstID)
	for _, id := range []uint64{0, 1, firstID, 1 << 62} {
		if _, ok := f.remove(id); ok {
			t.Errorf("id %d was never sent", id)
		}
	}
	f.put(&Share{}, time.Now())
	for _, id := range []uint64{0, firstID - 1, firstID + 1, firstID + minInflight} {
		if _, ok := f.remove(id); ok {
			t.Errorf("id %d was never sent", id)
		}
	}
}

// Where the window of unanswered ids is full the writer waits; nothing is lost.
func TestFullWindow(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		a.answer = func(submit) string { return "" }
		f.start()
		job := f.latest().Job
		f.submitFor(job, 1, maxQueue)
		f.after(time.Second)
		f.submitFor(job, maxQueue+1, 2*maxQueue)
		f.after(time.Second)
		f.submitFor(job, 2*maxQueue+1, 2*maxQueue+10)
		f.after(time.Second)
		equal(t, "sent", len(a.shares()), maxInflight)
		first := a.shares()[0]
		first.conn.reply(first.ID, yes)
		f.after(time.Second)
		equal(t, "sent", len(a.shares()), maxInflight+1)
	})
}

// A share of a new name takes two ids, also where there is room for one: then
// the window is full all the same, and goes on when there is room.
func TestFullWindowOfABlockUnderANewName(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		a := f.pools[0]
		a.answer = func(submit) string { return "" }
		f.start()
		l := f.lane()
		job := f.latest().Job
		f.submitFor(job, 1, maxQueue)
		f.submitFor(job, maxQueue+1, maxInflight-1)
		f.after(time.Second)
		block := share(job, maxInflight)
		block.Worker, block.Block = f.book.Worker("acct.rig1"), true
		l.Submit(block)
		f.after(time.Second)
		equal(t, "sent with the block", len(a.shares()), maxInflight)
		equal(t, "room", l.serving.protocol.flight.room(), -1)
		f.submitFor(job, maxInflight+1, maxInflight+10)
		equal(t, "sent while there is no room", len(a.shares()), maxInflight)
		for _, s := range slices.Backward(a.shares()[:2]) { // the oldest last: it makes room for both
			s.conn.reply(s.ID, yes)
		}
		f.after(time.Second)
		equal(t, "sent when there is room for one", len(a.shares()), maxInflight+1)
	})
}
