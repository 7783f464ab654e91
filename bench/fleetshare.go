package bench

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"
)

// share finds one share and submits it. If a clean job comes while it searches,
// it starts again with that one. Only the fleet's mining goroutine calls it.
func (m *miner) share(rnd *rand.Rand, a *attempt) {
	for {
		m.mu.Lock()
		algorithm, job, limit, work, cleans := m.fleet.o.Algorithm, m.job, m.limit, m.work, m.cleans
		a.extranonce1, a.mask = m.extranonce1, m.mask
		a.nonce, a.bits = rnd.Uint32(), rnd.Uint32()&m.mask
		ready := m.ready && len(m.pending) < minerPending
		m.counter++
		a.extranonce2 = appendCounter(a.extranonce2[:0], m.counter, m.size2)
		m.mu.Unlock()
		switch {
		case !ready:
			m.fleet.books.leaveOut(1)
			return
		case work*(1<<32) > float64(algorithm.search)/8:
			m.fleet.books.tooHard()
			return
		}
		if a.ntime = job.ntime; m.fleet.o.RollTime {
			a.ntime += rnd.Uint32N(2) // firmware rolls it a little
		}
		hash, found := job.search(algorithm, a, limit)
		if !found {
			m.fleet.books.tooHard()
			return
		}
		if m.submit(job, cleans, a, hash, work) {
			return
		}
	}
}

// appendCounter appends the counter as big-endian extranonce2 of that size; it
// wraps.
func appendCounter(b []byte, counter uint64, size int) []byte {
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(counter>>(8*i)))
	}
	return b
}

// submit sends a share, and is false when its job is not to be mined any more.
func (m *miner) submit(job *fleetJob, cleans int, a *attempt, hash Hash, work float64) bool {
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
	m.pending = append(m.pending, pendingShare{id, FleetShare{
		Miner: m.index, Key: job.arrival.key, Hash: hash, Work: work, Sent: time.Now(),
	}})
	m.fleet.pending.Add(1)
	m.fleet.books.sent(m.index)
	if m.agent != nil {
		m.agent.submit(m, id, a.agentShare(job, m.place))
		return true
	}
	a.line = a.appendSubmit(a.line[:0], id, m.name, job.id)
	m.write(a.line)
	return true
}

// appendSubmit appends the line that submits the attempt. Not by fmt, which
// allocates for every number.
func (a *attempt) appendSubmit(b []byte, id int, name, job string) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), int64(id), 10)
	b = strconv.AppendQuote(append(b, `,"method":"mining.submit","params":[`...), name)
	b = append(append(b, ','), job...)
	b = appendHex(b, a.extranonce2)
	words := []uint32{a.ntime, a.nonce, a.bits}
	if a.mask == 0 {
		words = words[:2]
	}
	for _, w := range words {
		b = appendHex(b, []byte{byte(w >> 24), byte(w >> 16), byte(w >> 8), byte(w)})
	}
	return append(b, "]}\n"...)
}

// appendHex appends one more of the params.
func appendHex(b, value []byte) []byte {
	return append(hex.AppendEncode(append(b, `,"`...), value), '"')
}
