// Package upstream holds the links to the pools: it dials, shakes hands,
// publishes jobs, sends shares, brings verdicts back, and fails over.
//
//	             loops                             loops
//	               │ Lane.Submit                     ▲ Downstream.Publish, Verdict
//	┌─ Route ──────┼─────────────────────────────────┼───────────────────────────┐
//	│ ┌─ Lane ─────▼──────────────┐                  │       one for every slot  │
//	│ │ epoch: shares that wait   │       supervisor: which pool now             │
//	│ │   │                       │                  ▲ up, dead                  │
//	│ │ ┌─▼─ link ────────────────┼──────────────────┼─────────────┐             │
//	│ │ │ writer: names, batches ─> inflight ─> reader: jobs,      │ candidates, │
//	│ │ │   │                            verdicts, handshake ▲     │ draining    │
//	│ │ └───┼────────────────────────────────────────────────┼─────┘ links       │
//	│ └─────┼────────────────────────────────────────────────┼─────┘             │
//	│       │                 pools: health, sizes, masks <──┼── probes          │
//	└───────┼────────────────────────────────────────────────┼───────────────────┘
//	        ▼                     a pool                     │
//
// A route is an ordered list of pools. A lane is a stable slot of a route: a
// miner keeps its lane for as long as it keeps its prefix. A link is one
// connection to one pool; a failover changes the link behind a lane, never the
// lane. An epoch is one extranonce1 at one pool: it may outlive the link, when
// the pool gives the session back.
//
// It never sees a miner, only cookies, and judges no share: what it is handed
// goes to the pool, and what the pool says goes back.
package upstream
