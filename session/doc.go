// Package session is one miner's side of Stratum V1: its handshake, the jobs
// that it was sent, the checks of its shares, its difficulty.
//
//	request ──> Step ──┬──> bytes for the miner
//	hash ─────> Judge  │
//	post ─────> Job    ├──> Effect: ask for a prefix, a login or a hash, forward a
//	verdict ──> Verdict│            share, count a verdict, hang up
//	time ─────> Tick   └──> the session's own state, plain data
//
// An Agent is the same for a connection that brings many miners, in the agent
// protocol; each of them is a Session behind it, which judges its shares and finds its
// difficulty, and writes nothing.
//
// Both are plain data, in parts that can be written out (State, Headers, Append) and read
// by another process (Decode, DecodeAgent), which says by a Translation what ids and times
// are there.
//
// It is a state machine: bytes and values in, bytes and effects out. It has no
// socket, clock, goroutine or lock, and knows nothing of pools or links. What
// it sees of the world during a call stands in an Env, which its event loop
// owns together with the session. What it can't decide itself (a prefix, a
// login) it asks for by an effect; the caller answers with Subscribed or
// Authorized before the next call. The hash of a share it asks for too, and gets by
// Judge, when the caller has it: many shares are hashed faster than each by itself.
package session
