package upstream

import (
	"farmproxy/codec"
	"farmproxy/work"
)

// dialect is what a link and its pool say to each other: Stratum V1 (stratum,
// names), or btcpool's agent protocol (agent*, roster). All that is the same in
// both is the protocol's, which drives it: the phases, jobs, the window of shares in
// flight, batches, and how it all ends. A dialect embeds the protocol, and says what
// it has to say by protocol.say, or appends it to what precede, share and follow are
// given.
//
//	              stratum                       agent
//	handshake     step by step                  in one write
//	from the pool lines                         lines, and frames among them
//	workers       none, or one authorize each   REGISTER and UNREGISTER
//	share         a line of 170 bytes           a frame of 15 to 23
//	its verdict   a line with its id            a frame with the id's low 16 bits; or none
//	difficulty    the link's                    the link's, and each worker's own
type dialect interface {
	// begin begins the handshake. When the pool has authorized the user the dialect
	// calls protocol.shaken.
	begin() error
	// step takes what is pending of protocol.stream, as far as it is whole, until
	// the protocol is paused. It ends with an error when the stream can't be trusted
	// any more.
	step() error
	// reply takes an answer in JSON.
	reply(m *codec.Message) error
	// late is called when what the dialect waits for has not come by
	// protocol.deadline.
	late() error
	// ended returns why a handshake has ended, where the connection has by err.
	ended(err error) error
	// closedOver looks, at the end of a link that the pool has closed, for what the
	// dialect asked of it that was too much.
	closedOver()

	// admit says what is wrong with an extranonce2 of size bytes.
	admit(size int) error
	// job says whether shares for the job of a notify can be handed in, and
	// returns the difficulties of single miners in force for it.
	job(n *codec.Notify) (*work.Difficulties, error)

	// For each batch precede is called, share for each share of it, and follow.

	// precede appends what has to be written before shares that are queued from now
	// on, and says how many shares there is room for.
	precede(buf []byte) (out []byte, room int)
	// share appends what hands a share in, and puts it in flight.
	share(buf []byte, s *Share) (out []byte, f fate)
	// follow appends what has to be written after the shares. drained says that all
	// shares that were queued before precede are among those written. more says that
	// there is more to write at once.
	follow(buf []byte, drained bool) (out []byte, more bool)
	// sent says that what was appended before is written.
	sent()

	// landed notes that a share is not in flight any more, and says whether there
	// is something to be written by that.
	landed(s *sent) (stirs bool)
	// expire gives up what the pool does not answer, and says whether there is
	// something to be written by that.
	expire() (stirs bool)
	// leave appends the shares that are with the dialect, at the end of its link.
	leave(dst []Share) []Share

	// activate is called by the lane's supervisor when the lane becomes the link's.
	activate()
}

// fate is what became of a share in a batch.
type fate uint8

const (
	inFlight fate = iota
	held          // it waits with the dialect
	lost          // it can't be handed in on this link
)

// dialects are those that there are, by Pool.Dialect: how they are spoken, and what
// others have to know of them.
var dialects = [...]struct {
	speak   func(*protocol) dialect
	workers bool // the pool sees every worker: lanes have rosters, and a prefix is a session id
	resumes bool // pools may give a session back to another link
	framed  bool // there is more than lines: what comes after garbage can't be understood
}{
	Stratum: {speak: newStratum, resumes: true},
	Agent:   {speak: newAgent, workers: true, framed: true},
}
