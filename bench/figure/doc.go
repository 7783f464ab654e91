// Package figure writes numbers for people: times, sizes, hash rates, counts; and
// takes medians.
package figure
