package session

import (
	"encoding/binary"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/work"
)

// Frame handles one frame of the agent and appends the answer to out, if there is one.
// Invalid frames are counted and skipped.
func (a *Agent) Frame(e *Env, f agent.Frame, out []byte) ([]byte, Effect) {
	switch f.Command() {
	case agent.Register:
		// A miner's login starts with the agent's user, so nothing registers before
		// authorize.
		if sid, agent, worker, ok := f.Register(); ok && a.user != "" {
			return out, Effect{Kind: WantRegister, SID: sid, Agent: agent, Login: a.login(worker)}
		}
	case agent.Unregister:
		if sid, ok := f.Unregister(); ok {
			return out, a.unregister(sid)
		}
	default:
		if share, ok := f.Submit(); ok {
			return a.submit(e, &share, out)
		}
	}
	// Invalid: counted and skipped. The limit on malformed lines does not apply to
	// frames, or one odd miner would disconnect all others of the agent.
	return out, Effect{Kind: Malformed}
}

// login returns the login of one of the agent's miners.
func (a *Agent) login(worker []byte) string {
	if len(worker) == 0 {
		return a.user
	}
	return codec.JoinName(a.user, worker)
}

// Registered does what WantRegister asked for: from now on, the agent's miner with
// that session id works under that name. last is the difficulty that the worker had
// when it was last seen, 0 if never; it takes effect with the next job. Until then the
// miner works on the agent's current job, at the difficulty that mining.set_difficulty
// announced: this one is returned, 0 before the first job.
func (a *Agent) Registered(e *Env, sid uint16, name string, last float64) (difficulty float64) {
	if s := a.miner(sid); s != nil {
		s.name = name
		return s.vardiff.told
	}
	s := &Session{name: name, state: State{opened: momentOf(e.Now), prefixLen: 2, extranonce2: agentMinerExtranonce2, flags: subscribed | working}}
	binary.BigEndian.PutUint16(s.prefix[:], sid)
	a.allow(s)
	s.vardiff.start(e.Now)
	s.vardiff.want, s.vardiff.told = powerOf(last), a.base
	s.headers = a.gone.back(sid)
	if job := a.LastJob(); job != 0 {
		s.remember(job, a.base)
	}
	a.add(s)
	return s.vardiff.told
}

// add adds a miner.
func (a *Agent) add(s *Session) {
	if a.place == nil {
		a.place = make(map[uint16]int)
	}
	a.place[s.prefixValue()] = len(a.miners)
	a.miners = append(a.miners, s)
}

// unregister removes a miner. Unknown ids are ignored: agents also unregister miners
// that they never registered.
func (a *Agent) unregister(sid uint16) Effect {
	at, ok := a.place[sid]
	if !ok {
		return Effect{}
	}
	gone := a.miners[at]
	a.slots -= a.gone.left(sid, gone.headers)
	last := len(a.miners) - 1
	a.miners[at] = a.miners[last]
	a.place[a.miners[at].prefixValue()] = at
	a.miners[last] = nil
	a.miners = a.miners[:last]
	delete(a.place, sid)
	return Effect{Kind: Unregistered, SID: sid, Gone: gone}
}

// submit checks a share. The answer identifies the share by an index: both sides
// count, from 0, the shares of registered sessions in frames of the right length.
// Other shares are neither counted nor answered.
func (a *Agent) submit(e *Env, p *agent.Share, out []byte) ([]byte, Effect) {
	s := a.miner(p.SID)
	if s == nil {
		return out, Effect{Kind: Judged, Verdict: work.Unauthorized}
	}
	id := agent.ShareID(p.SID, a.index)
	a.index++
	effect := s.inFrame(e, id, &a.jobs[p.Job], p)
	out = a.answer(out, &id, &effect)
	return out, effect
}

// inFrame turns a share from a frame into a candidate, or rejects it. sent is the job
// as the agent received it.
func (s *Session) inFrame(e *Env, id codec.ID, sent *agentJob, p *agent.Share) Effect {
	c, no := s.candidate(e, id, sent.job)
	if c == nil {
		return s.reject(e, 1, no)
	}
	c.NTime, c.Nonce = sent.ntime, p.Nonce
	if p.HasTime && p.NTime != 0 { // 0 stands for the job's
		c.NTime = p.NTime
	}
	binary.BigEndian.PutUint32(c.Extranonce2[:], p.Extranonce2)
	if p.VersionMask&^s.rollable(e, c.Job) != 0 {
		return s.reject(e, 1, work.BadVersion)
	}
	c.Version ^= p.VersionMask
	return Effect{Kind: WantHash, Worker: 1, Candidate: c}
}

// Judge judges a candidate by its hash, and answers it if that settles the share. The
// caller calls it in response to WantHash.
func (a *Agent) Judge(e *Env, c *Candidate, out []byte) ([]byte, Effect) {
	sid, _ := agent.ShareOf(&c.ID)
	s := a.miner(sid)
	if s == nil { // unregistered meanwhile
		effect := Effect{Kind: Judged, Verdict: work.Stale}
		out = a.answer(out, &c.ID, &effect)
		return out, effect
	}
	before := int(s.headers.size)
	effect := s.judge(e, c, maxAgentSlots-a.slots)
	a.slots += int(s.headers.size) - before
	out = a.answer(out, &c.ID, &effect)
	return out, effect
}

// answer answers a share if its outcome is known, and sets the effect's session id.
func (a *Agent) answer(out []byte, id *codec.ID, e *Effect) []byte {
	e.SID, _ = agent.ShareOf(id)
	switch {
	case e.Kind == Judged:
		return a.Verdict(id, e.Verdict, out)
	case e.Kind == Forward && e.Candidate.Answered:
		return a.Verdict(id, work.Accepted, out)
	}
	return out
}

// Verdict answers a forwarded share, if the agent wants answers.
func (a *Agent) Verdict(id *codec.ID, v work.Verdict, out []byte) []byte {
	if !a.is(agentAnswers) {
		return out
	}
	_, index := agent.ShareOf(id)
	return agent.AppendSubmitResponse(out, index, agentStatuses[v])
}
