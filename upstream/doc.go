// Package upstream holds the links to the pools: it has them dialled, shakes hands,
// publishes jobs, sends shares, brings verdicts back, and fails over; and it
// says which miner's work goes where.
//
//	        loops                                  loops
//	login ──> Route ──────> Goal                     ▲ Downstream.Publish, Verdict,
//	          Directory    │ Join ──> Lane           │ Rerouted
//	                       ▼          │ Submit       │
//	┌─ Goal ──────────────────────────┼──────────────┼───────────────────────────┐
//	│ ┌─ Lane ────────────────────────▼┐             │       one for every slot  │
//	│ │ epoch: shares that wait        │  supervisor: which pool now             │
//	│ │   │                            │             ▲ up, dead                  │
//	│ │ ┌─▼─ link: protocol ───────────┼─────────────┼─────────────┐             │
//	│ │ │ Pending: shares ──> in flight ──> Step, Tick: verdicts,  │ candidates, │
//	│ │ │   │                                jobs, handshake ▲     │ draining    │
//	│ │ └───┼────────────────────────────────────────────────┼─────┘ links       │
//	│ └─────┼────────────────────────────────────────────────┼─────┘             │
//	│       │         pools: this user's health           <──┼── probes          │
//	└───────┼────────────────────────────────────────────────┼───────────────────┘
//	        │         endpoints: everybody's; sizes, masks   │
//	        ▼                     a pool                     │
//
// The directory knows all routes, by one table: that of each account in use, and
// those that serve everybody else, by listener, in multi-user mode one for each user in
// use. A route's miners are divided among its goals, of which most routes have one; each
// leads to an ordered list of pools. A lane is a stable slot of a goal: a miner keeps its
// lane for as long as it keeps its prefix and its goal. A link is one connection to one
// pool; a failover changes the link behind a lane, never the lane. An epoch is one
// extranonce1 at one pool: it may outlive the link, when the pool gives the session back.
//
// What a link and its pool say to each other is a state machine (protocol): bytes and
// the time in, bytes and events out. A goroutine of the link's own dials and drives it
// until there is a job; then an event loop does (Carrier).
//
// How it is said is the pool's dialect: Stratum V1, or the agent protocol, in which
// the pool sees every worker. For that a lane has a roster of who works on it.
//
// Prefixes are unique in the process, so that a miner can join any goal at any
// time: for the miner that is just a clean job. An agent's miners come with
// prefixes of their own: they have a private group, and on each goal a lane, to
// themselves.
//
// It never sees a miner, only cookies, and judges no share: what it is handed
// goes to the pool, and what the pool says goes back.
package upstream
