// Package store keeps what an operator has registered: algorithms, pools and
// accounts. One SQLite file, or PostgreSQL (and what speaks its wire protocol)
// where several boxes share one registry.
//
//	api, import ──> Register, AddPool, ... ──> one transaction ──> database
//	                                              version + 1        │
//	                                                                 │ rows changed since
//	                 every second: is the version still mine? ───────┤ the version I have
//	                                                                 v
//	a login ──> Snapshot.Account(name) <── immutable, in memory <── refresh ──> Subscribe
//
// Every change raises the one version counter of the registry, in the same
// transaction, so versions become visible in order, and a box that has seen
// version v needs only the rows above v. While the database is away the last
// snapshot keeps serving, and Healthy says since when and why.
//
// It owns the tables, their migrations, the encryption of passwords and its
// key, and the shipped lists of algorithms and pools. It never knows a miner
// or a link, never hashes, and is never asked by the hot path: a login is
// answered from a Snapshot.
package store
