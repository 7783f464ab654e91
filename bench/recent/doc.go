// Package recent has a map that forgets, which bounds what a pool or a fleet remembers
// in a run of days.
package recent
