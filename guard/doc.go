// Package guard decides which addresses may connect: how many connections one has and how
// fast it opens them, and which are banned, until when. It counts what connections did
// wrong, and bans an address that does little else.
//
//	welcome <─ Come ── a connection          a connection's end ── Left ─> an offence, perhaps a ban
//	                                         a first share ────── Works ─> no ban for a day
//
// A whole farm may be behind one address. So an address is banned only if none of its
// miners works or has worked for a day, and if at least every second connection that it
// opened was an offence.
//
// It is a state machine: times come with each call, as a duration since the same moment,
// and it waits for nothing. Any goroutine may call it.
package guard
