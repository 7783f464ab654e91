// Package netloop is where miners' sockets live: gnet's event loops, the
// peers on them, lines, deadlines, mailboxes, backpressure, admission.
//
//	             ┌──────────────── event loop (one of N) ────────────────┐
//	miner ─────> │ OnTraffic ─> dialect: codec, session.Step ───┬─> reply │ ─> miner
//	             │                                              │ share  │
//	             │                                     gather <─┘        │
//	             │ end of a turn ─> hashes ─> session.Judge ─┬─> reply    │ ─> miner
//	             │                                           └──────────────> upstream.Lane
//	             │                                                       │
//	miners <──── │ fan-out <─ session.Job <─┐                            │
//	miner  <──── │ session.Verdict <────────┴─ mailbox <──────────────────── upstream (posts,
//	             │ session.Tick <─────────────── ticker                  │    verdicts)
//	             │                                                       │
//	pool ──────> │ OnTraffic ─> wire ─> upstream.Carried: jobs, verdicts │
//	pool <────── │ end of a turn ─> upstream.Carried: a batch of shares   │
//	             └───────────────────────────────────────────────────────┘
//
// A loop works in turns: it reads all input that is ready, gathers the shares in it,
// hashes and judges them and passes them to their lanes (gather.go), handles its mail,
// flushes the links that it carries, and under load rests for some milliseconds, so
// that work arrives in batches (turn.go, rest.go).
//
// Between a socket and its messages is the peer's transport (transport.go), nil for
// plain TCP. The protocol that a connection speaks is its dialect (dialect.go): a
// table of functions that cut its bytes into messages and connect a state machine of
// package session to the loop. Stratum V1 is stratum.go, with login.go; the agent
// protocol is agent.go, with agentstream.go. An agent is one peer with many miners: it
// is in the feed of its own lane once, for all of them.
//
// A miner's state belongs to one loop and is touched only there. A gnet.Conn never
// leaves this package: the rest of the process holds a Cookie, which the loop checks
// before use, because the kernel gives a freed descriptor to the next miner. Other
// goroutines talk to a loop only through its mailbox.
//
// Outside the dialects' files the package knows no protocol. Even there, a session
// decides what a message means, and a lane what becomes of a share.
package netloop
