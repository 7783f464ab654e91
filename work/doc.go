// Package work determines what a share is worth: jobs, the header that a share
// represents, its hash, and the difficulty that the hash meets.
//
//	coinb1 | pool's extranonce1 | lead | prefix | extranonce2 | trail | coinb2
//	        └────── folded into coinb1 ─┘└ the miner's own ──┘└ into coinb2 ┘
//	  └─> sha256d ─> with the branches ─> merkle root ─> header ─> hash ─> difficulty
//
// It never does I/O, never allocates while it checks a share, and makes no judgement:
// whether a share is stale or a duplicate is for the session to say.
package work
