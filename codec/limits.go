package codec

// Limits on what is read. Each is far above what any known firmware or pool
// sends and low enough that a hostile peer gains nothing.
const (
	// MaxMinerLine bounds a miner's line. The longest honest one is a
	// mining.configure with all extensions and long names, about 600 bytes.
	MaxMinerLine = 4 << 10

	// MaxPoolLine bounds a pool's line. A pool that pays 1,500 miners in the coinbase
	// sends a mining.notify of 102 kB; a block has room for more, but no known
	// firmware accepts longer ones.
	MaxPoolLine = 256 << 10

	// MaxDepth bounds nesting. Stratum needs 4: the object, params, the
	// subscription list, a pair.
	MaxDepth = 8

	// MaxParams is how many params are read; mining.notify has 9. Further ones are
	// ignored: some firmwares append their own.
	MaxParams = 16

	// MaxID bounds a request id, quotes included. Most are counters; the longest seen
	// is a UUID (38).
	MaxID = 48

	// MaxName bounds a login. WhatsMiner firmware overflows a buffer beyond 127 bytes,
	// Avalon truncates at 63.
	MaxName = 128

	// MaxBranches bounds a job's merkle path: 2^24 transactions, more than
	// any block can hold.
	MaxBranches = 24

	// MaxJobID bounds a pool's job id, as JSON; the longest seen is 64 hex digits. It
	// is sent back with each share.
	MaxJobID = 512

	// MaxSession bounds a pool's session id; the longest seen is a UUID.
	MaxSession = 128

	// MaxExtranonce1 bounds a pool's extranonce1; the longest seen has 16 bytes.
	MaxExtranonce1 = 32

	// MaxExtranonce2 bounds the size of extranonce2 that a pool may assign; 16 is the
	// largest seen.
	MaxExtranonce2 = 32
)
