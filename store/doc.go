// Package store keeps what an operator has registered: algorithms, pools and accounts.
// It uses one SQLite file, or PostgreSQL (or anything with its wire protocol) if
// several machines share one registry.
//
//	api, import ──> Register, AddPool, ... ──> one transaction ──> database
//	                                              version + 1        │
//	                                                                 │ rows changed since
//	                 every second: is the version still mine? ───────┤ the version I have
//	                                                                 v
//	a login ──> Snapshot.Account(name) <── immutable, in memory <── refresh ──> Subscribe
//
// Every change raises the registry's single version counter, in the same transaction.
// So versions become visible in order, and a machine that has seen version v needs only
// the rows above v. While the database is unavailable the last snapshot keeps serving,
// and Healthy says since when and why.
//
// It owns the tables, their migrations, the encryption of passwords and its key, and
// the shipped lists of algorithms and pools. It never knows a miner or a link, never
// hashes, and is never on the hot path: a Snapshot answers logins.
package store
