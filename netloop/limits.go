package netloop

import "time"

const (
	// maxOutbound is how many bytes of answers may wait for a miner that does not
	// read: those to 1,000 shares. More, and it is closed: see lagging.go.
	maxOutbound = 64 << 10

	// maxAgentOutbound is the same for an agent, which has thousands of miners:
	// a job and the difficulties of 65,535 miners take 150 kB, and the answers
	// to their shares at six a minute 65 kB a second. So it may be a minute late.
	maxAgentOutbound = 4 << 20

	// sendBuffer is the kernel's buffer for each miner. Small, so that a dead
	// miner shows in bytes that maxOutbound counts. The kernel doubles it.
	sendBuffer = 16 << 10

	// readBuffer is each loop's buffer for one read: 64 shares. It is what one socket
	// may bring at a time: the rest waits in the kernel until all others that have
	// something were read once, so that a flood holds up nobody but itself.
	readBuffer = 8 << 10

	// userTimeout is how long the kernel keeps unacknowledged bytes before it
	// declares the miner gone.
	userTimeout = 60 * time.Second

	// keepaliveIdle, keepaliveInterval and keepaliveCount let the kernel find
	// a dead, silent miner in about two minutes.
	keepaliveIdle     = 60 * time.Second
	keepaliveInterval = 20 * time.Second
	keepaliveCount    = 3

	// maxWaiting is how many shares of a miner may be without a verdict of the pool:
	// what one of six shares a minute hands in in 40 minutes, and one of 100 shares a
	// second while the pool takes 2.5 s. More, and the others would wait behind it.
	maxWaiting = 256

	// fanoutChunk is how many miners get a job before the loop looks at its
	// other events, so that shares do not wait for a whole fan-out: 256
	// writes take about 2 ms.
	fanoutChunk = 256

	// tickEvery is how often a loop looks at its clock, tickShare which
	// fraction of its miners it looks at each time: each miner every 4 s.
	tickEvery = time.Second
	tickShare = 4

	// maxHalves is how many buffers for half lines a loop keeps for reuse.
	maxHalves = 256

	// maxUserAgents bounds the table of user agents of a loop; further ones are
	// each their own string.
	maxUserAgents = 1024

	// maxUserAgent is how much of a user agent is kept.
	maxUserAgent = 64

	// maxText bounds what a peer is told when it is closed.
	maxText = 512

	// maxParked bounds the sessions of disconnected miners that can be resumed.
	maxParked = 1 << 16

	// maxParkedSlots bounds what they take besides for headers: 16 MB. That is what
	// all of them need at six shares a minute; a flood of shares that parks itself
	// again and again gets no more.
	maxParkedSlots = 1 << 21

	// maxParkedFresh bounds those of miners that had not handed in a share that
	// counts: each holds a prefix, and of 1-byte ones every 256 take a link.
	maxParkedFresh = 256

	// maxVerdicts is where a mailbox's memory for verdicts is given back after
	// a burst.
	maxVerdicts = 4096
)
