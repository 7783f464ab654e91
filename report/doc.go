// Package report says what a farm did on a day or in a week, from its history: for people who
// did not watch. It has no clock; times are those of the clock on the wall, by days of which
// people count.
package report
