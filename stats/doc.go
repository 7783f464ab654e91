// Package stats is the farm's books: it owns every number that farmproxy
// shows, from the moment it is counted to the line of the exposition.
//
//	event loops ──> Loop    one each, nobody else writes it     ┐
//	event loops ──> Worker  one for each name, a small mutex    │
//	                └─────> totals by account, pool, algorithm  ├─ Book ──> WriteMetrics (Prometheus)
//	event loops ──> Miner   one for each, only if asked for     │      └──> Status, Workers, Links, Pools
//	links       ──> Link    one for each lane of a pool         │
//	links       ──> Pool    one for each pool, link or no link  ┘
//
// Counting is cheap, never blocks for long and never allocates; who asks pays:
// sums, hash rates and series are made when they are read. No worker is held as
// a named metric. A number that ends in _total never goes back while the
// process lives, whatever becomes of links; of workers see Options.Forget.
//
// It never speaks HTTP, never starts a goroutine, and never decides anything by
// what it counted.
package stats
