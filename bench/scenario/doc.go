// Package scenario plays what the harness measures and checks: a farm's day, the costs
// beside the floor, accounts at several pools, a farm under attack. A scenario starts
// pools and the proxy (stand), brings a fleet to work, goes through its phases, and has
// the books judged and reported.
//
// It owns the phases and their report. The definition of a share belongs to proof, and
// the comparison of the books to judge.
package scenario
