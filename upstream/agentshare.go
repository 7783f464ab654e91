package upstream

import (
	"encoding/binary"
	"maps"
	"slices"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/work"
)

// What an agent pool is sent.
//
// Two things that btcpool does rule the order. It drops the shares of sessions
// that are not registered, without an answer and without counting them, so that
// all later verdicts would go to the wrong shares: so each share's session is
// registered before it. And it checks shares on another thread, and does not
// answer those whose session has been unregistered meanwhile: so a session is
// unregistered when its shares were written and answered.

// maxRegisters bounds the sessions that are registered, or unregistered, in one
// write: 40 kB of names of common length, 100 kB of the longest.
const maxRegisters = 1 << 10

// noWorker is what the pool knows a worker without a name as; BTCAgent's choice.
const noWorker = "__default__"

// registration is a session as the pool has it.
type registration struct {
	worker, agent string
	flying        int // its shares that have no verdict yet
}

// precede registers who came.
func (a *agentDialect) precede(buf []byte) (out []byte, room int) {
	a.changes, a.more = a.lane.roster.take(a.link, a.changes[:0], maxRegisters)
	for i := range a.changes {
		c := &a.changes[i]
		if a.registered[c.sid] != nil {
			a.due[c.sid] = *c
		} else if c.there {
			buf = a.register(buf, c.sid, c.member)
		}
	}
	return buf, maxQueue
}

// share appends a share's SUBMIT, the shortest that says it all.
func (a *agentDialect) share(buf []byte, s *Share) (out []byte, f fate) {
	sid, extranonce2, ok := sidOf(s)
	if !ok {
		return buf, lost
	}
	r := a.registered[sid]
	if r == nil {
		buf = a.registerSender(buf, sid, s)
		r = a.registered[sid]
	}
	r.flying++
	a.flight.put(s, a.now)
	job, _ := shortJobID(s.Job.PoolID)
	// Bits that the job allowed but the mask does not any more are shown too:
	// without them the pool would see another header than the miner hashed.
	flipped := s.Version ^ s.Job.Version
	return agent.AppendSubmit(buf, &agent.Share{
		Job: job, SID: sid, Extranonce2: extranonce2, Nonce: s.Nonce,
		NTime: s.NTime, HasTime: s.NTime != s.Job.NTime,
		VersionMask: flipped, HasVersion: flipped != 0,
	}), inFlight
}

// sidOf takes the pool's extranonce2 for a share apart: the session is the
// miner's prefix, the rest is its own. false where the pool has no such session.
func sidOf(s *Share) (sid uint16, extranonce2 uint32, ok bool) {
	var all [codec.MaxExtranonce2]byte
	full := s.Job.Layout.Extranonce2(all[:0], &s.Solution)
	if len(full) != agentSize {
		return 0, 0, false
	}
	sid, extranonce2 = binary.BigEndian.Uint16(full[2:]), binary.BigEndian.Uint32(full[4:])
	return sid, extranonce2, sid <= agent.MaxSID
}

// follow unregisters who left, and registers anew who is called something else.
func (a *agentDialect) follow(buf []byte, drained bool) (out []byte, more bool) {
	more = a.more
	if !drained || len(a.due) == 0 {
		return buf, more
	}
	n := 0
	for _, sid := range slices.Sorted(maps.Keys(a.due)) {
		c, r := a.due[sid], a.registered[sid]
		if c.there && r.is(a.registrationOf(c.member)) {
			delete(a.due, sid) // it is back
			continue
		}
		if a.responses && r.flying > 0 {
			// Its last verdict stirs the link. There is no bound: a worker has a
			// share every few seconds, and a verdict takes a fraction of one; where
			// they overlap all the time an old name does less harm than the wrong
			// verdicts that would follow.
			continue
		}
		if n++; n > maxRegisters {
			return buf, true
		}
		delete(a.due, sid)
		delete(a.registered, sid)
		a.dropped[sid] = struct{}{}
		buf = agent.AppendUnregister(buf, sid)
		if c.there {
			buf = a.register(buf, sid, c.member)
		}
	}
	return buf, more
}

// landed implements dialect: the last share of a session that is to be unregistered
// was waited for.
func (a *agentDialect) landed(s *sent) bool {
	sid := s.share.Prefix
	r := a.registered[sid]
	if r == nil {
		return false
	}
	r.flying--
	_, due := a.due[sid]
	return due && r.flying == 0
}

// sent gives shares their verdict where the pool never does.
func (a *agentDialect) sent() {
	for !a.responses {
		s, ok := a.flight.remove(a.flight.low)
		if !ok {
			break
		}
		a.landed(&s)
		a.settled(&s, work.Accepted, codec.PoolError{}, false)
	}
	a.deliver()
}

// register appends a REGISTER.
func (a *agentDialect) register(buf []byte, sid uint16, m member) []byte {
	r := a.registrationOf(m)
	a.registered[sid] = &r
	a.known.add(sid)
	return agent.AppendRegister(buf, sid, r.agent, r.worker)
}

// registerSender appends the REGISTER that a share needs whose session the pool
// does not have: its miner's place on the roster is not come to yet, or the
// link does not serve the lane any more, or the miner has left.
func (a *agentDialect) registerSender(buf []byte, sid uint16, s *Share) []byte {
	m, there := a.lane.roster.find(sid)
	if !there {
		if m = (member{}); s.Worker != nil {
			m.login = s.Worker.Name()
		}
		a.due[sid] = change{sid: sid}
	}
	return a.register(buf, sid, m)
}

// registrationOf puts a member into the pool's terms.
func (a *agentDialect) registrationOf(m member) registration {
	worker := agent.Name(a.to.FixedWorker)
	if worker == "" {
		worker = agent.Name(workerPart(a.to.User, a.goal.account, m.login))
	}
	if worker == "" {
		worker = agent.Name(m.login)
	}
	if worker == "" {
		worker = noWorker
	}
	return registration{worker: worker, agent: m.agent}
}

// is reports that the pool has the session as it is to be.
func (r *registration) is(o registration) bool { return r.worker == o.worker && r.agent == o.agent }
