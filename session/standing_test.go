package session

import (
	"testing"
	"time"

	"farmproxy/work"
)

// An honest miner notices nothing of all this.
func TestAnHonestMinerIsForwarded(t *testing.T) {
	var s standing
	for n := range 100_000 {
		if !s.may(0) {
			t.Fatalf("share %d is not forwarded", n)
		}
		v := work.Accepted
		switch {
		case n%100 == 7: // one in a hundred, and its own fault
			v = work.LowDifficulty
		case n%1000 < 40: // a burst at a new block
			v = work.Stale
		}
		if s.settled(v, v == work.LowDifficulty) {
			t.Fatalf("share %d ends it", n)
		}
	}
	if debt := s.leave(50); debt != 0 {
		t.Errorf("it owes %d", debt)
	}
}

func TestWhatALeavingMinerOwes(t *testing.T) {
	for _, q := range []struct {
		name                        string
		refused, accepted, doubtful int
		want                        uint8
	}{
		{"nothing", 0, 0, 0, 0},
		{"shares on their way", 0, 0, 20, 20},
		{"many of them", 0, 0, 250, refusedAt},
		{"shares on their way, proven", 0, 1, 60, 0},
		{"refused ones, and more on their way", 12, 0, 8, 20},
		{"refused ones", 12, 0, 0, 12},
		{"half of them are refused", 20, 20, 0, 0},
		{"four fifths of them are refused", 20, 5, 0, 0},
	} {
		t.Run(q.name, func(t *testing.T) {
			var s standing
			for range q.refused {
				s.settled(work.LowDifficulty, true)
			}
			for range q.accepted {
				s.settled(work.Accepted, false)
			}
			if got := s.leave(q.doubtful); got != q.want {
				t.Errorf("it owes %d, want %d", got, q.want)
			}
		})
	}
}

// An agent's miner can't be closed: a share is forwarded now and then, and once one is
// accepted the miner is back to normal.
func TestAnAgentsMinerIsRefused(t *testing.T) {
	var a Agent
	e := &Env{Terms: &Terms{}}
	a.Registered(e, 7, "user.w7", 0)
	s := &a.miners[0].standing
	for range 2 * refusedAt {
		a.Settled(7, work.PoolRejected, true)
	}
	forwarded := 0
	for now := time.Duration(0); now < 10*time.Minute; now += 100 * time.Millisecond {
		if s.may(now) {
			forwarded++
		}
	}
	if forwarded != 10 {
		t.Errorf("%d shares were forwarded in ten minutes, want one a minute", forwarded)
	}
	for range refusedAt / redeems {
		a.Settled(7, work.Accepted, false)
	}
	if !s.may(0) || a.Leave(7, 0) != 0 {
		t.Error("it is not itself again")
	}
	a.Settled(8, work.PoolRejected, true) // unregistered meanwhile
	a.Inherit(8, 20, 0)
	a.Inherit(7, 20, 0)
	if effect := a.unregister(7); effect.Gone.Leave(0) != 20 || a.Leave(7, 0) != 0 {
		t.Error("it leaves without its debt")
	}
}

// A block goes to the pool, even from a miner whose shares are refused.
func TestABlockOfASlowedMiner(t *testing.T) {
	s, e, _ := authorized(t)
	for range slowedAt {
		s.Settled(work.BadTime, true)
	}
	s.standing.next = momentOf(time.Hour)
	c := Candidate{Job: &work.Job{Algorithm: work.SHA256d}}
	if effect := s.forward(e, &c, 1, true); effect.Kind != Forward {
		t.Errorf("a block: %v", effect.Verdict)
	}
	if effect := s.forward(e, &c, 1, false); effect.Kind != Judged || effect.Text != textSlowed {
		t.Errorf("a share: %v", effect)
	}
}
