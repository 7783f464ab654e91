// Package attack has the ways to hurt a farm, for someone who can reach the proxy's
// ports, or for a pool: each attack, the connections that it makes, and what came of
// it.
//
// It judges nothing.
package attack
