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
// A loop works in turns: it reads everything that there is to be read, gathers the
// shares among it, hashes, judges and hands them on to their lanes (gather.go),
// brings its mail, flushes the links that it carries, and under load rests for some
// milliseconds, so that there is much to do at once again (turn.go).
//
// Between a socket and its messages stands the peer's transport (transport.go), nil for
// plain TCP. What a connection speaks is its dialect (dialect.go): a table of functions that cut
// its bytes into messages and connect a state machine of package session with the
// loop. Stratum V1 is stratum.go, with login.go; the agent protocol is agent.go, with
// agentstream.go. An agent is one peer with many miners: it is in the feed of a lane of
// its own once, for all of them.
//
// A miner's state belongs to one loop and is touched only there. A gnet.Conn
// never leaves this package: the rest of the process holds a Cookie, which the
// loop checks before use, because the kernel gives a freed descriptor to the
// next miner. To a loop one talks through its mailbox alone.
//
// Outside the files of the dialects it knows no protocol. In them too a session says
// what a message means, and a lane what becomes of a share.
package netloop
