package session

import (
	"fmt"

	"farmproxy/work"
)

// AgentPrefix is the size in bytes of the session ids of an agent's miners, which
// serve as the miners' prefixes.
const AgentPrefix = 2

// An agent puts 12 bytes between coinb1 and coinb2. It is told the first four, once:
//
//	| extranonce1: 4 | zeros: 2 | session id: 2 | the miner's extranonce2: 4 |
//
// They are the last 12 bytes of the pool's extranonce1 and extranonce2. The last eight
// lie in the extranonce2, where a Layout with room for four has the same form, with
// the session id as prefix. So a pool must give an extranonce2 of at least 8 bytes,
// and at least 12 together with its extranonce1.
const (
	agentExtranonce2      = 8 // bytes after extranonce1, as announced by mining.subscribe
	agentMinerExtranonce2 = 4 // the miner's part of them
	agentZeros            = agentExtranonce2 - AgentPrefix - agentMinerExtranonce2
	agentExtranonce1      = 4

	// agentCut is how many of the bytes before the prefix the agent fills in itself.
	agentCut = agentExtranonce1 + agentZeros
)

// agentRegion returns the extranonce1 to announce to an agent: the four bytes that the
// pool's extranonce1 and the layout's lead have at that place. ok is false if the pool
// leaves too little room.
func agentRegion(extranonce1 []byte, l work.Layout) (told [agentExtranonce1]byte, ok bool) {
	at := len(extranonce1) + l.Lead - agentCut
	if l.Lead < agentZeros || l.Prefix != AgentPrefix || l.Room != agentMinerExtranonce2 || at < 0 {
		return told, false
	}
	copy(told[:], extranonce1[min(at, len(extranonce1)):]) // the lead's zeros follow
	return told, true
}

// NoRoomForAgent says how much room an agent needs from a pool, and what to do about
// it. job is the pool's last, nil if there is none.
func NoRoomForAgent(pool string, job *work.Job) string {
	text := fmt.Sprintf("Pool %s leaves too little for an agent, which needs an extranonce2 of %d bytes, and %d with extranonce1",
		pool, agentExtranonce2, agentExtranonce1+agentExtranonce2)
	if job != nil {
		text += fmt.Sprintf("; it gives %d, and %d", job.Layout.Size(), job.Layout.Size()+len(job.Extranonce1))
	}
	return text + ": take a pool with more, or connect the miners without an agent; a farmproxy connects by stratum+tcp:// instead, if the pool gives 4 bytes"
}
