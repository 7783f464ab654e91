package session

import (
	"fmt"

	"farmproxy/work"
)

// AgentPrefix is how many bytes the session ids of an agent's miners have: these are
// the miners' prefixes.
const AgentPrefix = 2

// An agent puts 12 bytes between coinb1 and coinb2, of which it is told the
// first four, once:
//
//	| extranonce1: 4 | zeros: 2 | session id: 2 | the miner's extranonce2: 4 |
//
// They are the last 12 of the pool's extranonce1 and extranonce2. The last eight
// lie in the extranonce2, where a Layout with room for four has the same form,
// the session id as prefix. So a pool needs an extranonce2 of at least 8 bytes
// and, with its extranonce1, at least 12.
const (
	agentExtranonce2      = 8 // bytes behind extranonce1, as mining.subscribe tells them
	agentMinerExtranonce2 = 4 // of these: the miner's
	agentZeros            = agentExtranonce2 - AgentPrefix - agentMinerExtranonce2
	agentExtranonce1      = 4

	// agentCut is how much of what stands in front of the prefix is the agent's
	// to put there.
	agentCut = agentExtranonce1 + agentZeros
)

// agentRegion returns the extranonce1 that an agent is told: the four bytes that
// the pool's extranonce1 and the layout's lead have there. ok is false where the
// pool leaves too little.
func agentRegion(extranonce1 []byte, l work.Layout) (told [agentExtranonce1]byte, ok bool) {
	at := len(extranonce1) + l.Lead - agentCut
	if l.Lead < agentZeros || l.Prefix != AgentPrefix || l.Room != agentMinerExtranonce2 || at < 0 {
		return told, false
	}
	copy(told[:], extranonce1[min(at, len(extranonce1)):]) // the lead's zeros follow
	return told, true
}

// NoRoomForAgent says what a pool would have to leave for an agent, and what to do
// about it; job is the pool's last, nil where there is none.
func NoRoomForAgent(pool string, job *work.Job) string {
	text := fmt.Sprintf("Pool %s leaves too little for an agent, which needs an extranonce2 of %d bytes, and %d with extranonce1",
		pool, agentExtranonce2, agentExtranonce1+agentExtranonce2)
	if job != nil {
		text += fmt.Sprintf("; it gives %d, and %d", job.Layout.Size(), job.Layout.Size()+len(job.Extranonce1))
	}
	return text + ": take a pool with more, or connect the miners without an agent; a farmproxy connects by stratum+tcp:// instead, if the pool gives 4 bytes"
}
