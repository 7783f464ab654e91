package session

import (
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// A session has three parts, and each can be encoded:
//
//	State    what it knows: plain data of fixed size
//	names    authorized by the miner: up to maxWorkers
//	Headers  of its accepted shares: the largest part, up to 2 * maxSlots headers
//
// A parked session is its State and its Headers. Each encoded part starts with the
// version of its layout, and unknown versions are rejected.

// stateVersion is the version of State.layout: raise it with each change of the
// layout.
const stateVersion = 1

// StateSize is the size in bytes of an encoded State.
const StateSize = 157

// State is what a session knows, except its names and its headers. It is plain data of
// fixed size: no pointer, and nothing that is meaningful only in this process, except
//
//   - times: those of a session in use count from the start of the process, as Env.Now;
//     those of a State that was returned count from the time that the caller gave;
//   - ids of jobs, for which the decoding process has a Translation.
type State struct {
	// Fields that every share reads come first, to share cache lines.

	asked uint32 // version bits that the miner wants to roll
	told  uint32 // version bits last granted to it

	prefix      [2]byte
	prefixLen   uint8
	extranonce2 uint8 // size in bytes
	flags       flags
	head        uint8 // index of the last job in the ring posted
	later       uint8 // how many seconds later than others the miner has its work: see jobAgain
	rolled      uint8 // shares with version bits; saturates at rollingShares+1

	swept     uint32 // the job (work.Job.ID) at which makeRoom last swept
	malformed uint32 // lines
	posted    [maxPosted]posted
	vardiff   vardiff
	standing  standing

	opened        moment // when the miner connected
	nextReconnect moment // before it, the miner is not told to reconnect for lost rolling
	id            uint64 // the session id that the miner resumes with
}

// state is State under another name, for Session to embed: Session has a method State.
type state = State

// posted is a job that the miner was sent, and its difficulty. A float32 holds any
// power of two exactly.
type posted struct {
	job        uint32 // work.Job.ID; 0 none
	difficulty float32
}

type flags uint8

const (
	subscribed flags = 1 << iota
	rolling          // version rolling was asked for
	extranonceSubscribed
	working   // has been sent a job
	maskTold  // has been sent mining.set_version_mask
	wantsDiff // the miner requested a difficulty itself
	framed    // agents' miners only: told its difficulty in a frame
	verbatim  // the first name was sent exactly in its clean form
)

// Open records when the miner connected, as Env.Now.
func (s *State) Open(now time.Duration) { s.opened = momentOf(now) }

// Age returns the time since the miner connected.
func (s *State) Age(now time.Duration) time.Duration { return now - s.opened.time() }

// State returns the session's state, with times that count from origin, given like
// Env.Now.
func (s *Session) State(origin time.Duration) State {
	x := s.state
	x.move(-origin)
	return x
}

// move shifts the origin of all times back by by.
func (s *State) move(by time.Duration) {
	for _, m := range [...]*moment{&s.opened, &s.vardiff.since, &s.standing.next, &s.nextReconnect} {
		m.move(by)
	}
}

// Append encodes the state: StateSize bytes, the version first.
func (s *State) Append(dst []byte) []byte {
	c := cursor{data: dst}
	s.layout(&c)
	return c.data
}

// DecodeState decodes what Append encoded, and returns the rest of data.
func DecodeState(data []byte) (s State, rest []byte, err error) {
	c := cursor{data: data, reading: true}
	s.layout(&c)
	return s, c.data, c.err
}

// layout encodes or decodes a state.
func (s *State) layout(c *cursor) {
	c.version("state of a session", stateVersion)
	number(c, &s.id)
	s.opened.layout(c)
	number(c, &s.flags)
	number(c, &s.malformed)
	c.bytes(s.prefix[:])
	number(c, &s.prefixLen)
	number(c, &s.extranonce2)
	number(c, &s.asked)
	number(c, &s.told)
	number(c, &s.rolled)
	s.nextReconnect.layout(c)
	for i := range s.posted {
		number(c, &s.posted[i].job)
		c.float32(&s.posted[i].difficulty)
	}
	number(c, &s.head)
	number(c, &s.later)
	number(c, &s.swept)
	v := &s.vardiff
	v.want.layout(c)
	c.float64(&v.told)
	c.float32(&v.floor)
	v.since.layout(c)
	c.float32(&v.work)
	shares := uint32(v.shares)
	number(c, &shares)
	c.check(shares < vardiffShares, "more shares than a window has")
	v.shares = uint8(shares)
	s.standing.next.layout(c)
	number(c, &s.standing.refused)
	c.bool(&s.standing.proven)
	c.bool(&s.standing.inherited)
	c.check(s.isSound(), "a number that is out of bounds")
}

// isSound reports whether the state has the invariants that all other code relies on.
func (s *State) isSound() bool {
	return s.prefixLen <= 2 && s.extranonce2 <= work.MaxExtranonce2 && s.head < maxPosted && s.later <= maxLater &&
		s.rolled <= rollingShares+1 && s.standing.refused <= refusedAt
}

// ID returns the session id, with which the miner resumes; 0 before subscribe.
func (s *State) ID() uint64 { return s.id }

// Extranonce2 returns the size of the miner's extranonce2, in bytes; 0 before subscribe.
func (s *State) Extranonce2() int { return int(s.extranonce2) }

// IsSubscribed reports whether the miner has its extranonce.
func (s *State) IsSubscribed() bool { return s.flags&subscribed != 0 }

// IsWorking reports whether the miner has been sent a job.
func (s *State) IsWorking() bool { return s.flags&working != 0 }

// Difficulty returns the difficulty last told to the miner; 0 before.
func (s *State) Difficulty() float64 { return s.vardiff.told }

// prefixValue returns the prefix as a number.
func (s *State) prefixValue() uint16 {
	if s.prefixLen == 1 {
		return uint16(s.prefix[0])
	}
	return uint16(s.prefix[0])<<8 | uint16(s.prefix[1])
}

// Name is an authorized name: as the miner sends it, clean, and as it is booked.
type Name struct{ Said, Booked string }

// namesVersion is the version of layoutNames.
const namesVersion = 1

// layoutNames encodes or decodes names.
func layoutNames(c *cursor, names []Name) []Name {
	c.version("names of a session", namesVersion)
	n := c.count(len(names), maxWorkers)
	if c.reading {
		names = make([]Name, n)
	}
	for i := range names {
		c.text(&names[i].Said, codec.MaxName)
		c.text(&names[i].Booked, 2*codec.MaxName) // with its account
		c.check(names[i].Said != "", "a name without a letter")
	}
	return names
}

// Rolls returns the version bits that the miner may roll now; 0: none.
func (s *State) Rolls() uint32 {
	if s.flags&rolling == 0 {
		return 0
	}
	return s.told
}
