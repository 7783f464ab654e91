// Package bench is the harness: it stands on both sides of a proxy and compares
// what the two sides saw.
//
//	Pool (verifies, keeps books)           Fleet (really mines, keeps books)
//	  |  jobs, verdicts                        ^  |
//	  v                                        |  v  shares
//	links <---------- the proxy, a child process ----------> miners
//
//	Floor stands in the proxy's place: a canned responder, as fast as a Go
//	proxy on the same event loop could ever be.
//
// It owns the pool that checks every share itself, the fleet, the floor, the
// scenarios, the comparison of the two books and the report. It never uses the
// packages work, codec, session or upstream: a mistake in the proxy's share
// checking must not be repeated by what judges it. It never talks to anything
// but what it was told to listen on or to dial.
package bench
