package fleet

import (
	"math/rand/v2"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
)

// share finds one share and submits it. If a clean job arrives during the search, it
// starts again with that one. Only the fleet's mining goroutine calls it.
func (m *miner) share(rnd *rand.Rand, a *mine.Attempt) {
	for {
		m.mu.Lock()
		algorithm, job, limit, work, cleans := m.fleet.o.Algorithm, m.job, m.limit, m.work, m.cleans
		a.Extranonce1, a.Mask = m.extranonce1, m.mask
		a.Nonce, a.Bits = rnd.Uint32(), rnd.Uint32()&m.mask
		ready := m.ready && len(m.pending) < minerPending
		m.counter++
		a.Extranonce2 = mine.AppendCounter(a.Extranonce2[:0], m.counter, m.size2)
		m.mu.Unlock()
		switch {
		case !ready:
			m.fleet.books.leaveOut(1)
			return
		case work*(1<<32) > float64(algorithm.Tries)/8:
			m.fleet.books.tooHard()
			return
		}
		if a.NTime = job.NTime; m.fleet.o.RollTime {
			a.NTime += rnd.Uint32N(2) // firmware rolls it a little
		}
		hash, found := job.Search(algorithm, a, limit)
		if !found {
			m.fleet.books.tooHard()
			return
		}
		if m.submit(job, cleans, a, hash, work) {
			return
		}
	}
}

// submit sends a share; it returns false if its job must not be mined any more.
func (m *miner) submit(job *job, cleans int, a *mine.Attempt, hash proof.Hash, work float64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn == nil {
		m.fleet.books.leaveOut(1)
		return true
	}
	if m.cleans != cleans {
		return false
	}
	id := m.nextID
	m.nextID++
	m.pending = append(m.pending, pendingShare{id, Share{
		Miner: m.index, Key: job.arrival.key, Hash: hash, Work: work, Sent: time.Now(),
	}})
	m.fleet.pending.Add(1)
	m.fleet.books.sent(m.index)
	if m.agent != nil {
		m.agent.submit(m, id, a.AgentShare(&job.Job, m.place))
		return true
	}
	a.Line = a.AppendSubmit(a.Line[:0], id, m.name, job.ID)
	m.write(a.Line)
	return true
}
