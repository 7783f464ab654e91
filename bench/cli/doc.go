// Package cli holds what all subcommands of the harness share: where they read and
// write, how they take flags and reject wrong ones, and the progress line of a run.
package cli
