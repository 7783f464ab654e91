// Package wish owns what an operator wants now: how a route's work is divided among its
// goals, which workers stay at one goal, and which pools are left alone.
//
//	[[route]], schedule ──> Route ─┐
//	orders of operators ──> Orders ┼─ Divide ──> fractions of a route's work
//	goals without a pool ──────────┘
//
// The configuration says what holds usually; an Order is what an operator has asked for
// since, for a time or until it is taken back. Orders outlive a restart: they are plain
// data, which Encode writes and Decode reads.
//
// Everything here is a function of its arguments. The package has no clock: who calls says
// what time it is, in wall time, because operators mean the clock on the wall. It never
// moves a miner, and knows no pool but its name.
package wish
