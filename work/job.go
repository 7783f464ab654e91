package work

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// MaxTimeRoll is how far, in seconds, a miner may roll ntime beyond the job's:
// the consensus rule for blocks, which pools apply to shares.
const MaxTimeRoll = 7200

// MaxExtranonce2 is the largest extranonce2 size that a miner is given, in bytes. Four
// last any ASIC a day without version rolling, and the cgminer family accepts 2 to 8.
const MaxExtranonce2 = 4

// MinExtranonce2 is the smallest: with version rolling, two bytes last 200 TH/s a day.
const MinExtranonce2 = 2

// Template is what a pool's mining.notify says about the header.
type Template struct {
	PrevHash [32]byte   // in the header's byte order
	Coinb1   []byte     // up to extranonce1
	Coinb2   []byte     // what follows extranonce2
	Branches [][32]byte // in the header's byte order
	Version  uint32
	NBits    uint32
	NTime    uint32
}

// Line is the job's mining.notify for miners, built once by codec and completed for
// each use: uses of one job differ by the miner's extranonce2 size, and in a keepalive
// by the time.
type Line struct {
	Head []byte // … up to the end of coinb1
	Tail []byte // coinb2 … up to ntime
}

// Job is one mining.notify, decoded once and folded. It is immutable after
// publication and may be read from any goroutine.
type Job struct {
	Template
	ID          uint32 // its id for miners; unique in the process, increasing
	PoolID      string // its id for the pool, as JSON
	Work        uint32 // number of its work within its lane: jobs with the same number are answered by the same headers
	Epoch       uint64 // the pool session that it belongs to: the one with this extranonce1
	Clean       bool   // the pool says that older jobs of this epoch are stale
	Received    time.Time
	Difficulty  float64       // the pool's, in force for this job
	Own         *Difficulties // those of single miners, in force for this job; nil: the pool has one for all
	Mask        uint32        // version bits that the pool let roll when it sent the job; 0 none
	Extranonce1 []byte        // the pool's
	Layout      Layout        // of the pool's extranonce2
	Algorithm   *Algorithm    // to check shares with
	Network     float64       // difficulty of a block, in the unit of Algorithm
	Line        Line

	head []byte // the start of the coinbase: coinb1, the pool's extranonce1, the lead
}

// DifficultyFor returns the pool's difficulty for the miner with that prefix, as in
// force for this job.
func (j *Job) DifficultyFor(prefix uint16) float64 {
	if own, ok := j.Own.Of(prefix); ok {
		return own
	}
	return j.Difficulty
}

// IsBlock reports whether a hash that meets difficulty met makes a block, for the
// miner with that prefix. If the network asks for less than the pool, as on test
// networks, every share would be a block; then none is. That does not apply to a pool
// difficulty that nobody can meet: a block is a block.
func (j *Job) IsBlock(met float64, prefix uint16) bool {
	if met < j.Network {
		return false
	}
	pool := j.DifficultyFor(prefix)
	return j.Network >= pool || j.Algorithm.Work(pool) > Unmeetable
}

// SameWork reports whether the headers that answer one job also answer the other,
// apart from what miners roll: ntime and the version.
func (j *Job) SameWork(other *Job) bool {
	return j.Epoch == other.Epoch && j.PrevHash == other.PrevHash && j.NBits == other.NBits &&
		bytes.Equal(j.head, other.head) && bytes.Equal(j.Coinb2, other.Coinb2) && slices.Equal(j.Branches, other.Branches)
}

// Digest identifies a job's work: jobs with the same digest can be answered by the
// same headers. ntime and the version are not part of it, since both are rolled. It is
// the same in every process, so that one can hand over what it remembers to the next.
func (j *Job) Digest() uint64 {
	h := sha256.New()
	var word [4]byte
	part := func(b []byte) {
		binary.LittleEndian.PutUint32(word[:], uint32(len(b)))
		h.Write(word[:])
		h.Write(b)
	}
	part(j.PrevHash[:])
	part(j.head)
	part(j.Coinb2)
	binary.LittleEndian.PutUint32(word[:], j.NBits)
	h.Write(word[:])
	for i := range j.Branches {
		h.Write(j.Branches[i][:])
	}
	var sum [sha256.Size]byte
	return binary.LittleEndian.Uint64(h.Sum(sum[:0]))
}

// NewJob folds the pool's extranonce1 into the template. The job is for sha256d; the
// caller sets the other fields, or another algorithm, before publishing it.
func NewJob(t Template, extranonce1 []byte, layout Layout) *Job {
	return &Job{
		Template:    t,
		Extranonce1: extranonce1,
		Algorithm:   SHA256d,
		Layout:      layout,
		Network:     NetworkDifficulty(t.NBits),
		head:        append(append([]byte(nil), t.Coinb1...), layout.Fold(extranonce1)...),
	}
}

// Layout says how a pool's extranonce2 is divided:
//
//	| lead: zeros | prefix: 2 bytes, or 1 | room: the miner's extranonce2, then zeros |
//
// The prefix is at the same place for every miner of a link, whatever the size of its
// extranonce2, so no two miners with different prefixes can ever find the same
// coinbase. If a miner's extranonce2 is smaller than the room, the rest is filled with
// zeros before coinb2.
type Layout struct {
	Lead   int
	Prefix int // bytes
	Room   int // bytes; the largest extranonce2 that a miner of this link can have
}

// Size returns the pool's extranonce2 size, in bytes.
func (l Layout) Size() int { return l.Lead + l.Prefix + l.Room }

// NewLayout divides a pool's extranonce2 of size bytes with prefixes of the given
// length; ok is false if that leaves a miner less than MinExtranonce2.
func NewLayout(size, prefix int) (l Layout, ok bool) {
	room := min(size-prefix, MaxExtranonce2)
	if room < MinExtranonce2 {
		return Layout{}, false
	}
	return Layout{Lead: size - prefix - room, Prefix: prefix, Room: room}, true
}

// PrefixFor returns the prefix length for the smallest extranonce2 size among all
// pools, and the extranonce2 size that its miners can then have. ok is false
// below 3 bytes: such a pool can't be shared.
func PrefixFor(size int) (prefix, extranonce2 int, ok bool) {
	prefix = 2
	if size < 2+MinExtranonce2 {
		prefix = 1
	}
	l, ok := NewLayout(size, prefix)
	return prefix, l.Room, ok
}

// Fold returns the bytes appended to coinb1: the pool's extranonce1 and the lead.
func (l Layout) Fold(extranonce1 []byte) []byte {
	return append(append([]byte(nil), extranonce1...), make([]byte, l.Lead)...)
}

// Extranonce2 appends the pool's whole extranonce2 for a solution, including the lead
// and the trailing zeros.
func (l Layout) Extranonce2(dst []byte, s *Solution) []byte {
	for range l.Lead {
		dst = append(dst, 0)
	}
	return s.appendOwn(dst, l)
}
