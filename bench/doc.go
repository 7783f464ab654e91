// Package bench is `farmproxy bench`: the subcommands of the harness, their flags
// and their help. The harness stands on both sides of a proxy and compares what
// the two sides saw:
//
//	pool (verifies, keeps books)           fleet (really mines, keeps books)
//	  |  jobs, verdicts                        ^  |
//	  v                                        |  v  shares
//	links <---------- the proxy, a child process ----------> miners
//
// Each of its parts is a package:
//
//	bench -> scenario -> judge -> attack -> pool, mine
//	           |           \---> fleet -> mine -> proof, wire
//	           |            \--> pool -> proof, wire
//	           |-> stand -> pool
//	           |-> record
//	           \-> api
//	bench -> floor -> proof
//
// with cli, figure, wait and recent below. This package owns no scenario, no book and
// no verdict. None of these packages uses one of the proxy's: the judge must not repeat
// a mistake in the proxy's share checking. The pool and the fleet do share proof: the
// harness defines headers, hashes and difficulties once.
package bench
