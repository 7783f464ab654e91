// Package session is one miner's side of Stratum V1: its handshake, the jobs
// that it was sent, the checks of its shares, its difficulty.
//
//	request ──> Step ──┬──> bytes for the miner
//	post ─────> Job    │
//	verdict ──> Verdict├──> Effect: ask for a prefix or a login, forward a share,
//	time ─────> Tick   │            count a verdict, hang up
//	                   └──> the session's own state, plain data
//
// An Agent is the same for a connection that brings many miners, in the agent
// protocol; each of them is a Session behind it. Neither dialect knows the other.
//
// It is a state machine: bytes and values in, bytes and effects out. It has no
// socket, clock, goroutine or lock, and knows nothing of pools or links. What
// it sees of the world during a call stands in an Env, which its event loop
// owns together with the session. What it can't decide itself (a prefix, a
// login) it asks for by an effect; the caller answers with Subscribed or
// Authorized before the next call.
package session
