package session

import (
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// A session is three parts, and each can be written out:
//
//	State    what it knows: of fixed size, plain data
//	names    that the miner has authorized: up to maxWorkers
//	Headers  what it has handed in: the largest part, up to 2 * maxSlots headers
//
// A parked session is its State and its Headers. What is written out begins with the
// version of its layout, in each part, and one that is not known is refused.

// stateVersion is that of State.layout. Who changes the layout raises it.
const stateVersion = 1

// StateSize is how many bytes a State takes when it is written out.
const StateSize = 157

// State is what a session knows, but for its names and its headers. It is plain data of
// fixed size: no pointer, and nothing that means something in this process only, but for
//
//   - times: those of a session in use count from the start of the process, as Env.Now;
//     those of a State that was handed out from the moment that the caller gave;
//   - ids of jobs, for which the reader has a Translation.
type State struct {
	// What each share takes comes first, as it is to lie close together.

	asked uint32 // version bits that the miner wants to roll
	told  uint32 // version bits that it was last told it may

	prefix      [2]byte
	prefixLen   uint8
	extranonce2 uint8 // size in bytes
	flags       flags
	head        uint8 // of the ring posted
	later       uint8 // by how many seconds the miner has its work later than others: see jobAgain
	rolled      uint8 // shares with version bits, counted to rollingShares and one more

	swept     uint32 // the job (work.Job.ID) at which makeRoom last looked for what can go
	malformed uint32 // lines
	posted    [maxPosted]posted
	vardiff   vardiff
	standing  standing

	Opened        time.Duration // when the miner connected, as Env.Now
	id            uint64        // what the miner resumes with
	nextReconnect time.Duration // it is not told to reconnect for its rolling before, as Env.Now
}

// state is State in a Session, which has a method of that name.
type state = State

// posted is a job that the miner was sent, and the difficulty that it was to
// mine it at. A float32 holds any power of two exactly.
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
	wantsDiff // the miner named a difficulty itself
	framed    // of an agent's: it was told its difficulty in a frame
	verbatim  // the miner says its first name as it is, clean
)

// State returns what the session knows, with times that count from moment, which is as
// Env.Now.
func (s *Session) State(moment time.Duration) State {
	x := s.state
	x.move(-moment)
	return x
}

// move makes times count from another moment, which lies by before theirs.
func (s *State) move(by time.Duration) {
	s.Opened += by
	s.vardiff.since += by
	s.standing.next += by
	s.nextReconnect += by
}

// Append writes the state out: StateSize bytes, the version first.
func (s *State) Append(dst []byte) []byte {
	c := cursor{data: dst}
	s.layout(&c)
	return c.data
}

// DecodeState reads what Append wrote, and returns what follows it.
func DecodeState(data []byte) (s State, rest []byte, err error) {
	c := cursor{data: data, reading: true}
	s.layout(&c)
	return s, c.data, c.err
}

// layout is how a state is written out, and read.
func (s *State) layout(c *cursor) {
	c.version("state of a session", stateVersion)
	number(c, &s.id)
	number(c, &s.Opened)
	number(c, &s.flags)
	number(c, &s.malformed)
	c.bytes(s.prefix[:])
	number(c, &s.prefixLen)
	number(c, &s.extranonce2)
	number(c, &s.asked)
	number(c, &s.told)
	number(c, &s.rolled)
	number(c, &s.nextReconnect)
	for i := range s.posted {
		number(c, &s.posted[i].job)
		c.float32(&s.posted[i].difficulty)
	}
	number(c, &s.head)
	number(c, &s.later)
	number(c, &s.swept)
	v := &s.vardiff
	c.float32(&v.want)
	c.float64(&v.told)
	c.float32(&v.floor)
	number(c, &v.since)
	c.float32(&v.work)
	number(c, &v.shares)
	number(c, &s.standing.next)
	number(c, &s.standing.refused)
	c.bool(&s.standing.proven)
	c.bool(&s.standing.inherited)
	c.check(s.isSound(), "a number that is out of bounds")
}

// isSound reports that what everything else relies on is so.
func (s *State) isSound() bool {
	return s.prefixLen <= 2 && s.extranonce2 <= work.MaxExtranonce2 && s.head < maxPosted && s.later <= maxLater &&
		s.rolled <= rollingShares+1 && s.standing.refused <= refusedAt && s.vardiff.shares < vardiffShares
}

// ID returns the session id, which the miner resumes with; 0 before subscribe.
func (s *State) ID() uint64 { return s.id }

// Extranonce2 returns the size of the miner's extranonce2, in bytes; 0 before subscribe.
func (s *State) Extranonce2() int { return int(s.extranonce2) }

// IsSubscribed reports whether the miner has its extranonce.
func (s *State) IsSubscribed() bool { return s.flags&subscribed != 0 }

// IsWorking reports whether the miner has been sent a job.
func (s *State) IsWorking() bool { return s.flags&working != 0 }

// Difficulty returns the difficulty that the miner was last told; 0 before.
func (s *State) Difficulty() float64 { return s.vardiff.told }

// prefixValue returns the prefix as the number that it is.
func (s *State) prefixValue() uint16 {
	if s.prefixLen == 1 {
		return uint16(s.prefix[0])
	}
	return uint16(s.prefix[0])<<8 | uint16(s.prefix[1])
}

// Name is one that a miner has authorized: as it says it, clean, and as it is booked.
type Name struct{ Said, Booked string }

// namesVersion is that of layoutNames.
const namesVersion = 1

// layoutNames is how names are written out, and read.
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
