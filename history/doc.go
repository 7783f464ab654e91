// Package history remembers what a farm did: which workers there are and were, what
// each of them, each pool, each group and the farm as a whole have worked, and what
// happened. It survives restarts, in one SQLite file.
//
//	books, once a minute ─> Recorder: what is new since the last time ─> Store.Write, one transaction
//	                                                                        ├ chunks   work, shares, time up
//	                                                                        ├ workers  the roster
//	                                                                        └ events
//
// A chunk holds an hour of fine steps, or a day of coarse ones, of 64 series: a column
// for each quantity, compressed. So 10,000 workers are 157 rows an hour, and one
// worker's week is 168 of them. An hour that is over is folded into a coarse step.
//
// Steps are of wall time, since that is what people ask for. What ages is not: all
// retention counts the minutes that were recorded. A clock that jumps a year ahead
// writes a few hours into the wrong year, and costs no past; one that goes back adds to
// hours that are there already, which know how many seconds they cover.
package history
