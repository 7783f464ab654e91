// Package wire reads and writes what goes over the harness's connections: lines,
// and the frames of the agent protocol. The harness reads them in its own way, as
// it does everything that it judges.
//
// It knows their form only: what they mean is for pool, fleet and attack.
package wire
