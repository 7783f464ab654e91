// Package session is one miner's side of Stratum V1: its handshake, the jobs sent to
// it, the checks of its shares, its difficulty.
//
//	request ──> Step ──┬──> bytes for the miner
//	hash ─────> Judge  │
//	post ─────> Job    ├──> Effect: ask for a prefix, a login or a hash, forward a
//	verdict ──> Verdict│            share, count a verdict, hang up
//	time ─────> Tick   └──> the session's own state, plain data
//
// An Agent is the same for a connection that carries many miners over the agent
// protocol. Behind it each miner is a Session, which judges its shares and finds its
// difficulty, but writes nothing.
//
// Both are plain data, in parts that can be encoded (State, Headers, Append) and
// decoded by another process (Decode, DecodeAgent), which supplies a Translation of
// ids and times.
//
// A session is a state machine: bytes and values in, bytes and effects out. It has no
// socket, clock, goroutine or lock, and knows nothing of pools or links. What it sees
// of the world during a call is in an Env, owned by the same event loop. What it can't
// decide itself (a prefix, a login) it requests through an effect; the caller answers
// with Subscribed or Authorized before the next call. It also requests the hash of a
// share, and the caller answers with Judge when it has the hash: hashing many shares
// together is faster than one by one.
package session
