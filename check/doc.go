// Package check owns what a configuration needs besides being well written: of
// this machine (ports, names, files), and of the farm's own pools.
//
//	config.File ──> Check ──┐
//	                        ├──> Problems, warnings ──> farmproxy check, run
//	Machine ──> Config ─────┘
//	           Summary ────────> what is on
//
// It asks a Machine, so that tests need no port, no name and no file. It makes
// no file and no directory, never listens, and never shows a password.
package check
