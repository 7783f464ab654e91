// Package pool is a Stratum V1 pool that verifies every share itself and keeps books,
// with scripted failures. It serves agents on the same port.
//
// It owns its sessions, its jobs and its books. It never asks what its clients are: a
// proxy, an agent or a miner.
package pool
