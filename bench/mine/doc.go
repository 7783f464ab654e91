// Package mine is what a miner does with a job: it reads the notification, searches
// for a share and writes its submit; and it reads the replies that everyone gets who
// logs in. The fleet mines with it, and so do attackers and tests of the pool.
//
// It owns no connection. How it searches is apart from how the pool verifies: they
// share the algorithms of proof and the key of a job, nothing else.
package mine
