// Package stats is the farm's books: it owns every number that farmproxy shows, from
// counting it to the line of the exposition.
//
//	event loops ──> Loop    one each, nobody else writes it     ┐
//	event loops ──> Worker  one for each name, a small mutex    │
//	                └─────> by account, pool, algorithm, group  ├─ Book ──> WriteMetrics (Prometheus)
//	event loops ──> Miner   one for each, only if asked for     │      └──> Status, Workers, Links, Pools
//	links       ──> Link    one for each lane of a pool         │
//	links       ──> Pool    one for each pool, link or no link  ┘
//
// Counting is cheap, never blocks for long and never allocates. Readers pay: sums,
// hash rates and series are computed on read, and workers are not registered as
// metrics. A number that ends in _total never decreases while the process lives,
// whatever happens to links; for workers see Options.Forget. Nor does it decrease when
// the process is replaced: State and Restore carry a Book from one to the next.
//
// It never speaks HTTP, never starts a goroutine, and never makes decisions based on
// its counts.
package stats
