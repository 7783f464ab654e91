// Package wire reads and writes what goes over the harness's connections: lines, and
// the frames of the agent protocol. The harness has its own parser for them, as for
// everything that it judges.
//
// It knows only their form: their meaning belongs to pool, fleet and attack.
package wire
