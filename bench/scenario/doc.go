// Package scenario plays what the harness measures and checks: a farm's day, the
// costs beside the floor, accounts at several pools, a farm under attack. A
// scenario starts pools and the proxy (stand), brings a fleet to work, goes
// through its phases, and has what was booked judged and reported.
//
// It owns the phases and their report. What a share is, and whether the books
// agree, is for proof and judge.
package scenario
