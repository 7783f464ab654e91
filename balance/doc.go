// Package balance decides which miners change their goal, so that each goal of a split
// route gets the work that is wished for it. It is pure: the state of a route goes in,
// moves come out. It knows no clock, no pool and no connection, and keeps nothing; what
// must be kept from one look to the next, the Ledger, is its caller's.
//
// The unit of debts is seconds of the route: the work that all its miners together do
// in a second. Over any window of W seconds, a goal's part of the work differs from its
// wish by what its debt has changed, divided by W. So all that Plan does is keep debts
// small. docs/splits.md has the rule and the proof that it does.
package balance
