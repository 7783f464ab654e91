// Package figure formats numbers for people: times, sizes, hash rates, counts. It also
// computes medians.
package figure
