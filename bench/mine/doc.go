// Package mine is what a miner does with a job: it reads the notification, searches for
// a share and writes its submit. It also reads the replies that everyone who logs in
// gets. The fleet mines with it, and so do attackers and tests of the pool.
//
// It owns no connection. Its search is separate from the pool's verification: they
// share the algorithms of proof and the key of a job, nothing else.
package mine
