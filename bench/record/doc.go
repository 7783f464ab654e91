// Package record keeps measurements: the quantities with their budgets, all figures of
// all rounds in one file, and their presentations: a table, a picture, lines for
// benchstat.
//
// It measures nothing.
package record
