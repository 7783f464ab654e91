// Package wait waits for a time or for a condition, and stops early when its
// context ends.
package wait
