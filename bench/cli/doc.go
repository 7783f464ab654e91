// Package cli is what all subcommands of the harness share: where they read and
// write, how they take flags and refuse wrong ones, and the line that shows how
// far a run is.
package cli
