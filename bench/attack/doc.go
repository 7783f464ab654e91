// Package attack has the ways to hurt a farm that somebody has who can reach the
// proxy's ports, or that a pool has: each attack, the connections that it makes,
// and what came of it.
//
// It judges nothing.
package attack
