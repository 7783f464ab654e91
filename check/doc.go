// Package check owns what a configuration needs besides being well formed: on this
// machine (ports, names, files), and of the farm's own pools.
//
//	config.File ──> Check ──┐
//	                        ├──> Problems, warnings ──> farmproxy check, run
//	Machine ──> Config ─────┘
//	           Summary ────────> what is on
//
// It asks a Machine, so that tests need no port, no name and no file. It never creates
// a file or directory, never listens, and never shows a password.
package check
