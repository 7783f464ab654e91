// Package netloop is where miners' sockets live: gnet's event loops, the
// peers on them, lines, deadlines, mailboxes, backpressure, admission.
//
//	             ┌──────────────── event loop (one of N) ────────────────┐
//	miner ─────> │ OnTraffic ─> lines ─> codec ─> session.Step ─┬─> reply │ ─> miner
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
// An agent is a peer too, of many miners: its lines and frames are cut by
// agentstream.go, and agent.go does what its session.Agent asks for. It stands
// in the feed of a lane of its own once, for all of its miners.
//
// A miner's state belongs to one loop and is touched only there. A gnet.Conn
// never leaves this package: the rest of the process holds a Cookie, which the
// loop checks before use, because the kernel gives a freed descriptor to the
// next miner. To a loop one talks through its mailbox alone.
//
// It knows no protocol: what a line means is the session's to say, what
// becomes of a share the lane's.
package netloop
