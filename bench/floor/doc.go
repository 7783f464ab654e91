// Package floor is the yardstick for a proxy's cost: a responder that gives every miner
// the same job and answers every share with true, unseen. It uses the proxy's event
// loop (gnet), so no proxy on that loop can cost less.
package floor
