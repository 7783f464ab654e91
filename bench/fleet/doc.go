// Package fleet is a farm of miners that really mine, each on a connection of its
// own or all behind a few agents. It keeps a book of every share as its miner saw
// it.
//
// It owns the connections and the pace. It never asks what it is pointed at: the proxy,
// a pool, or the floor.
package fleet
