// Package stand starts what is measured, as a child process: the proxy in front of
// pools, HAProxy in front of one, or the floor. It measures the child's CPU time,
// memory and profiles, and keeps the harness's own collector out of the way of a load.
//
// It owns the child and its files. It sends jobs through it, and knows no miner.
package stand
