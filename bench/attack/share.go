package attack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/bench/wait"
	"farmproxy/bench/wire"
)

// Attacks by shares: repeated ones, or ones that nobody mined.

// circles are how many easy shares go around with the one that the pool gets: too many
// for a memory of 24, and finally more than any affordable memory holds.
var circles = []int{24, 60, 300}

// forgetful is how many easy shares go around if a connection is meant to be
// short-lived. A scrypt hash takes a thousand times as long.
func (r *Raid) forgetful() int {
	if r.Algorithm == proof.Scrypt {
		return 2
	}
	return circles[0]
}

// Timing of the replaying attacks.
const (
	roundEvery  = 100 * time.Millisecond // a circle, or one repeated share
	lifeOfReply = 4 * time.Second        // of a replaying connection: jobs grow old
	staleCode   = "21 "                  // begins the text for a share whose job is over
)

// hard is the pool's difficulty, in shares of difficulty 1.
func (r *Raid) hard() float64 { return r.Algorithm.One(r.Pool.HardestDifficulty()) }

// replay sends a circle of good shares over and over: only the first round is new.
func replay(ctx context.Context, r *Raid, peer int, rnd *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.login(fmt.Sprintf("%s.replay%d", r.Account, peer), fmt.Sprintf("d=%v", r.Algorithm.Easy()), ""); err != nil {
		return err
	}
	job := s.job
	circle, err := r.circle(s, rnd, circles[peer%len(circles)])
	if err != nil {
		return err
	}
	before := make([]bool, len(circle)) // accepted earlier
	for start := time.Now(); time.Since(start) < lifeOfReply; {
		stale, err := r.round(s, job, circle, before)
		if err != nil || stale {
			return err
		}
		if err := wait.For(ctx, roundEvery); err != nil {
			return err
		}
	}
	return nil
}

// circle mines a share that meets the pool's difficulty, and some that do not, if the
// miner's own is lower.
func (r *Raid) circle(s *stranger, rnd *rand.Rand, easy int) (shares []mine.Attempt, err error) {
	least, most := s.work, r.hard()
	if least >= most { // nothing is below the pool's difficulty
		least, most = r.hard(), 0
	}
	for i := range 1 + easy {
		a, found := s.find(rnd, least, most)
		if i == 0 {
			a, found = s.find(rnd, r.hard(), 0)
		}
		if !found {
			return nil, fmt.Errorf("no share of difficulty %v found", least)
		}
		shares = append(shares, a)
	}
	return shares, nil
}

// round submits shares and books their verdicts; stale means that their job is over.
func (r *Raid) round(s *stranger, job *mine.Job, shares []mine.Attempt, before []bool) (stale bool, err error) {
	var lines []byte
	for i := range shares {
		lines = s.submit(lines, job, &shares[i])
	}
	if err := s.write(lines); err != nil {
		return false, err
	}
	r.books.sent.Add(int64(len(shares)))
	verdicts, err := s.verdicts(len(shares))
	for i, v := range verdicts {
		r.books.verdict(v, before[i])
		before[i] = before[i] || v.yes
		stale = stale || len(v.text) > len(staleCode) && v.text[:len(staleCode)] == staleCode
	}
	if len(before) > 0 && before[0] && !s.earned {
		s.earned = true
		r.books.earned.Add(1)
	}
	return stale, err
}

// replayResumed sends a circle under one name after another, and on resumed
// connections.
func replayResumed(ctx context.Context, r *Raid, peer int, rnd *rand.Rand) error {
	name := fmt.Sprintf("%s.resume%d", r.Account, peer)
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer func() { s.close() }()
	password := fmt.Sprintf("d=%v", r.Algorithm.Easy())
	if err := s.login(name, password, ""); err != nil {
		return err
	}
	job := s.job
	circle, err := r.circle(s, rnd, r.forgetful())
	if err != nil {
		return err
	}
	before := make([]bool, len(circle))
	for start, n := time.Now(), 0; time.Since(start) < lifeOfReply; n++ {
		if stale, err := r.round(s, job, circle, before); err != nil || stale {
			return err
		}
		if err := wait.For(ctx, roundEvery); err != nil {
			return err
		}
		if n%2 == 0 {
			if _, err := s.again(fmt.Sprintf("%s-%d", name, n%8)); err != nil {
				return err
			}
			continue
		}
		old := s
		old.close()
		if s, err = r.dial(ctx, false); err != nil {
			s = old
			return err
		}
		s.earned = old.earned
		if err := s.login(name, password, old.session); err != nil {
			return err
		}
		if string(s.extranonce1) != string(old.extranonce1) {
			return nil // a different session would mean a different header
		}
	}
	return nil
}

// replayedSession is the session that replayRegistered uses.
const replayedSession = 7

// replayRegistered is an agent whose only miner submits the same share each time it is
// registered.
func replayRegistered(ctx context.Context, r *Raid, peer int, rnd *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.agentLogin(r.Account); err != nil {
		return err
	}
	register := wire.RegisterFrame(replayedSession, "stranger", fmt.Sprintf("again%d", peer))
	if err := s.write(register); err != nil {
		return err
	}
	job := s.job
	s.extranonce1, s.size2 = s.ofSession(replayedSession), wire.AgentExtranonce2-4
	a, found := s.find(rnd, r.hard(), 0)
	if !found {
		return fmt.Errorf("no share of difficulty %v found", r.hard())
	}
	again := append(wire.UnregisterFrame(replayedSession), register...)
	before, index := false, uint16(0)
	for start := time.Now(); time.Since(start) < lifeOfReply; index++ {
		if err := s.write(a.AgentShare(job, replayedSession).Frame()); err != nil {
			return err
		}
		r.books.sent.Add(1)
		status, err := s.agentVerdict(index)
		if err != nil {
			return err
		}
		v := reply{yes: wire.StatusAccepted(status), text: fmt.Sprintf("status %d", status)}
		r.books.verdict(v, before)
		if !before && v.yes {
			r.books.earned.Add(1)
		}
		before = before || v.yes
		if status == pool.StatusOf(proof.RefusedStale) || status == pool.StatusOf(proof.RefusedUnknown) {
			return nil
		}
		if err := s.write(again); err != nil {
			return err
		}
		if err := wait.For(ctx, roundEvery/2); err != nil {
			return err
		}
	}
	return nil
}

// For junk and flood: shares at once, and the time in between.
const (
	junkShares  = 15
	floodShares = 50
	pourEvery   = 100 * time.Millisecond
)

func junk(ctx context.Context, r *Raid, peer int, rnd *rand.Rand) error {
	return r.pour(ctx, fmt.Sprintf("%s.junk%d", r.Account, peer), rnd, junkShares)
}

func flood(ctx context.Context, r *Raid, peer int, rnd *rand.Rand) error {
	return r.pour(ctx, fmt.Sprintf("%s.flood%d", r.Account, peer), rnd, floodShares)
}

// pour sends random shares without waiting for the verdicts on earlier ones.
func (r *Raid) pour(ctx context.Context, name string, rnd *rand.Rand, atOnce int) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.login(name, "x", ""); err != nil {
		return err
	}
	var job atomic.Pointer[mine.Job]
	job.Store(s.job)
	ended := make(chan error, 1)
	go func() { // it owns what a reader changes in s; the loop below owns the rest
		for {
			v, err := s.next(false)
			if err != nil {
				ended <- err
				return
			}
			r.books.verdict(v, false)
			job.Store(s.job)
		}
	}()
	var lines []byte
	for {
		lines = lines[:0]
		for range atOnce {
			a := s.junk(rnd, job.Load())
			lines = s.submit(lines, job.Load(), &a)
		}
		if err := s.write(lines); err != nil {
			s.close()
			<-ended
			return err
		}
		r.books.sent.Add(int64(atOnce))
		select {
		case err := <-ended:
			return err
		case <-time.After(pourEvery):
		}
	}
}
