// Package recent has the map that forgets: what a pool or a fleet remembers over
// a run of days has a bound.
package recent
