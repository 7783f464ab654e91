// Package floor is the yardstick for what a proxy costs: a responder that gives
// every miner the same job and answers every share with true, without looking at
// it. It uses the proxy's event loop (gnet), so no proxy on that loop can cost
// less.
package floor
