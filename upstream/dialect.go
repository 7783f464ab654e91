package upstream

import (
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// dialect is what a link and its pool say to each other: Stratum V1 (stratum,
// names), or btcpool's agent protocol (agent*, roster). All that is the same in
// both is the link's: dialling, lines of JSON and most of what they say, jobs,
// the window of shares in flight, batches, and how it all ends.
//
//	              stratum                       agent
//	handshake     step by step                  in one write
//	from the pool lines                         lines, and frames among them
//	workers       none, or one authorize each   REGISTER and UNREGISTER
//	share         a line of 170 bytes           a frame of 15 to 23
//	its verdict   a line with its id            a frame with the id's low 16 bits; or none
//	difficulty    the link's                    the link's, and each worker's own
type dialect interface {
	// The reader calls these.

	// handshake returns when the pool has authorized the user.
	handshake() error
	// line returns the pool's next line; valid until the next call. What comes
	// between lines is dealt with in here. It ends with the connection, or when
	// the stream can't be trusted any more.
	line() ([]byte, error)
	// admit says what is wrong with an extranonce2 of size bytes.
	admit(size int) error
	// job says whether shares for the job of a notify can be handed in, and
	// returns the difficulties of single miners in force for it.
	job(n *codec.Notify) (*work.Difficulties, error)
	// reply handles an answer that comes after the handshake.
	reply(m *codec.Message)

	// The writer calls these with the link's mutex held: begin, share for each
	// share of the batch, end; then, without it, what they have appended is
	// written, and if that went well sent is called.

	// begin appends what has to precede shares that are queued from now on, and
	// says how many shares there is room for.
	begin(buf []byte) (out []byte, room int)
	// share appends what hands a share in, and puts it in flight.
	share(buf []byte, s *Share, now time.Time) (out []byte, f fate)
	// end appends what has to follow the shares. drained says that all shares
	// that were queued before begin are among those written. more says that
	// there is more to write at once.
	end(buf []byte, drained bool) (out []byte, more bool)
	sent()

	// landed notes that a share is not in flight any more, and says whether the
	// writer has waited for that. The reader calls it, or the lane's supervisor,
	// with the link's mutex.
	landed(s *sent) (wake bool)

	// The lane's supervisor calls these.

	// activate is called when the lane becomes the link's.
	activate()
	// expire gives up what the pool does not answer, and says whether the
	// writer has work by that. It has the link's mutex.
	expire(now time.Time) bool
	// leave appends the shares that are with the dialect, of a link that is
	// dead. It has the link's mutex.
	leave(dst []Share) []Share
}

// fate is what became of a share in a batch.
type fate uint8

const (
	inFlight fate = iota
	held          // it waits with the dialect
	lost          // it can't be handed in on this link
)

// newDialect returns what is spoken with the link's pool.
func newDialect(k *link) dialect {
	if k.pool.Agent {
		return newAgent(k)
	}
	return newStratum(k)
}
