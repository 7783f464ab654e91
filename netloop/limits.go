package netloop

import "time"

const (
	// maxOutbound is how many bytes of answers may wait for a miner that does not
	// read: answers to 1,000 shares. With more it is closed: see lagging.go.
	maxOutbound = 64 << 10

	// maxAgentOutbound is the same for an agent, which has thousands of miners: a job
	// and the difficulties of 65,535 miners take 150 kB, and the answers to their
	// shares at six a minute 65 kB a second. So it may lag by a minute.
	maxAgentOutbound = 4 << 20

	// sendBuffer is the kernel's send buffer per miner. It is small, so that a dead
	// miner soon shows in the bytes that maxOutbound counts. The kernel doubles it.
	sendBuffer = 16 << 10

	// readBuffer is each loop's buffer for one read: 64 shares. It also limits what
	// one socket may bring at a time: the rest waits in the kernel until every other
	// readable socket has been read once, so that a flood delays only itself.
	readBuffer = 8 << 10

	// userTimeout is how long bytes may stay unacknowledged before the kernel drops
	// the connection.
	userTimeout = 60 * time.Second

	// keepaliveIdle, keepaliveInterval and keepaliveCount let the kernel detect a
	// dead, silent miner in about two minutes.
	keepaliveIdle     = 60 * time.Second
	keepaliveInterval = 20 * time.Second
	keepaliveCount    = 3

	// maxWaiting is how many shares of a miner may be without the pool's verdict:
	// those of 40 minutes at six shares a minute, or of 2.5 s at 100 shares per
	// second. With more, others would wait behind them.
	maxWaiting = 256

	// fanoutChunk is how many miners get a job before the loop handles its other
	// events, so that shares do not wait for a whole fan-out: 256 writes take about 2
	// ms.
	fanoutChunk = 256

	// tickEvery is how often a loop checks its timeouts, and tickShare the fraction of
	// its miners that it checks each time: each miner every 4 s.
	tickEvery = time.Second
	tickShare = 4

	// maxHalves is how many buffers for partial lines a loop keeps for reuse.
	maxHalves = 256

	// maxUserAgents bounds a loop's table of user agents; beyond it each is a string
	// of its own.
	maxUserAgents = 1024

	// maxUserAgent is how many bytes of a user agent are kept.
	maxUserAgent = 64

	// maxText bounds the text that tells a peer why it is closed.
	maxText = 512

	// maxParked bounds the sessions of disconnected miners that can be resumed.
	maxParked = 1 << 16

	// maxParkedSlots bounds the memory of their headers: 16 MB. That is enough for all
	// of them at six shares a minute; a flood of shares that parks itself again and
	// again gets no more.
	maxParkedSlots = 1 << 21

	// maxParkedFresh bounds those of miners without an accepted share: each holds a
	// prefix, and every 256 prefixes of 1 byte take a link.
	maxParkedFresh = 256

	// maxVerdicts is the capacity above which a mailbox frees its memory for verdicts
	// after a burst.
	maxVerdicts = 4096
)
