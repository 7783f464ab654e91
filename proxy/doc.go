// Package proxy wires the packages into the farmproxy that runs:
//
//	config ──> plan ──> options of ──┬──> netloop (miners) <──> upstream (pools)
//	                                 ├──> stats <── api (HTTP)
//	                                 ├──> store ──> accounts ──> upstream
//	                                 └──> systemd
//
// It owns what the configuration means to each of them, which know nothing of it
// (plan.go: pure functions); the order in which they start and stop (proxy.go);
// and the way of accounts between the store and the directory (accounts.go).
//
// It knows no protocol, and touches no miner's socket and no pool's.
package proxy
