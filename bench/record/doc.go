// Package record keeps measurements: the quantities with their budgets, all figures
// of all rounds in one file, and what is made of them: a table, a picture, lines
// for benchstat.
//
// It measures nothing.
package record
