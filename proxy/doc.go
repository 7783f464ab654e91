// Package proxy wires the packages into the farmproxy that runs:
//
//	config ──> plan ──> options of ──┬──> netloop (miners) <──> upstream (pools)
//	                                 ├──> stats <── api (HTTP)
//	                                 ├──> store ──> accounts ──> upstream
//	                                 └──> systemd
//
// It owns what the configuration means to each of them, which know nothing of it
// (plan.go: pure functions); the order in which they start and stop (proxy.go); and the
// path of accounts from the store to the directory (accounts.go).
//
// It knows no protocol, and touches no socket of a miner or a pool.
package proxy
