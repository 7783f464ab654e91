package session

import (
	"cmp"
	"math"
	"slices"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/work"
)

// Job sends the feed's last job to the agent: the answers held back for it, a new
// mask, new difficulties, and the notify, for a single write. clean makes the miners
// drop their current work. If the pool's extranonce1 is no longer the one the agent
// has, it hangs up.
func (a *Agent) Job(e *Env, clean bool, out []byte) ([]byte, Effect) {
	if !a.is(agentSubscribing) || e.Feed == nil || e.Feed.Job() == nil {
		return out, Effect{}
	}
	job := e.Feed.Job()
	extranonce1, ok := agentRegion(job.Extranonce1, job.Layout)
	switch {
	case !ok:
		return out, Effect{Kind: Hangup, Reason: ExtranonceTooSmall}
	case !a.is(agentSubscribed):
		a.flags |= agentSubscribed
		a.extranonce1 = extranonce1
		out = append(a.appendSubscribed(&a.subscribe, out), a.held...)
		a.held = nil
	case extranonce1 != a.extranonce1:
		return out, Effect{Kind: Hangup, Reason: ExtranonceChanged}
	}
	a.lane = e.Feed.Lane
	if a.user == "" {
		return out, Effect{} // it has subscribed; mining.authorize comes next
	}
	if a.LastJob() == 0 {
		clean = true
	}
	out = a.setMask(e, out)
	out = a.setDifficulties(e, out)
	out = a.notify(e.Feed, clean, out)
	return out, Effect{}
}

// LastJob returns the id of the job last sent to the agent; 0: none yet.
func (a *Agent) LastJob() uint32 { return a.jobs[uint8(a.sent)].job }

// Notifies returns the number of jobs sent to the agent.
func (a *Agent) Notifies() uint64 { return a.sent }

// notify appends the job under the next id, even if it was sent before with another
// time.
func (a *Agent) notify(f *Feed, clean bool, out []byte) []byte {
	job := f.Job()
	a.sent++
	id := uint8(a.sent)
	a.jobs[id] = agentJob{job.ID, f.ntime}
	return agent.AppendNotify(out, &job.Line, id, agentCut, f.ntime, clean)
}

// Adjust tells the agent what changed without a new job: a new mask takes effect at
// once. Difficulties can only change with a job.
func (a *Agent) Adjust(e *Env, out []byte) []byte {
	if a.LastJob() == 0 {
		return out
	}
	return a.setMask(e, out)
}

// toldMiner is a miner that gets a new difficulty, 2^exponent.
type toldMiner struct {
	miner    *Session
	exponent int
}

// byExponent sorts by exponent, then by session id.
func byExponent(a, b toldMiner) int {
	return cmp.Or(cmp.Compare(a.exponent, b.exponent), cmp.Compare(a.miner.prefixValue(), b.miner.prefixValue()))
}

// setDifficulties finds each miner's difficulty for the feed's last job and announces
// the changed ones, in as few frames as possible. A miner is always told its first
// one, as by btcpool.
//
// A frame can't express a difficulty below 1. Test pools use such; their miners get
// the one of mining.set_difficulty, which is sent again whenever it changes.
func (a *Agent) setDifficulties(e *Env, out []byte) []byte {
	policy := &e.Terms.Difficulty
	var newcomer vardiff
	if base := agentDifficulty(&newcomer, e.Feed, noSID, policy); a.base == 0 || base < 1 && base != a.base {
		a.base = base
		out = codec.AppendSetDifficulty(out, base)
	}
	job := e.Feed.Job().ID
	a.changed = a.changed[:0]
	for _, s := range a.miners {
		v := &s.vardiff
		first := v.told == 0 // it registered before the first job
		if first {
			v.told = a.base
		}
		v.tick(e.Now, policy) // here, since nothing can change between jobs
		d := agentDifficulty(v, e.Feed, s.prefixValue(), policy)
		if d < 1 {
			d = 1
			if s.flags&framed == 0 {
				d = a.base
			}
		}
		if d != v.told || first || d >= 1 && s.flags&framed == 0 {
			v.told = d
			a.changed = append(a.changed, toldMiner{s, math.Ilogb(d)})
		}
		s.remember(job, d)
		before := int(s.headers.size)
		s.tidy(e.Feed)
		a.slots += int(s.headers.size) - before
	}
	a.slots -= a.gone.sweep(e.Feed)
	slices.SortFunc(a.changed, byExponent)
	return a.appendDifficulties(out)
}

// agentDifficulty returns the difficulty for a miner, as a power of two.
func agentDifficulty(v *vardiff, f *Feed, sid uint16, p *Policy) float64 {
	return work.FloorPowerOfTwo(v.next(f, sid, p))
}

// noSID is a session id that no miner has.
const noSID = agent.MaxSID + 1

// appendDifficulties appends one SET_DIFF for each exponent among the changed miners
// that a frame can express.
func (a *Agent) appendDifficulties(out []byte) []byte {
	for rest := a.changed; len(rest) > 0; {
		exponent := rest[0].exponent
		a.ids = a.ids[:0]
		for ; len(rest) > 0 && rest[0].exponent == exponent; rest = rest[1:] {
			if exponent >= 0 {
				rest[0].miner.flags |= framed
				a.ids = append(a.ids, rest[0].miner.prefixValue())
			}
		}
		out = agent.AppendSetDifficulty(out, uint8(min(max(exponent, 0), agent.MaxExponent)), a.ids)
	}
	return out
}

// Changed calls visit with each miner whose difficulty the last call of Job changed,
// and its new difficulty.
func (a *Agent) Changed(visit func(sid uint16, difficulty float64)) {
	for _, c := range a.changed {
		visit(c.miner.prefixValue(), c.miner.vardiff.told)
	}
	clear(a.changed)
	a.changed = a.changed[:0]
}
