package upstream

import (
	"net/netip"

	"farmproxy/codec"
	"farmproxy/stats"
	"farmproxy/work"
)

// Downstream is where goals publish to: the event loops. Its methods may be
// called from any goroutine, never block, and keep no reference to a goal's
// locks.
type Downstream interface {
	// Publish says what a lane's miners work on from now on. Of several posts
	// of one lane only the last one need be seen, provided that Clean is kept
	// (Post.Merge).
	Publish(Post)
	// Verdicts returns what became of shares. Exactly one comes for each share
	// that Lane.Submit took. The list is the caller's.
	Verdicts([]Verdict)
	// Rerouted says that the miners of a goal have to log in again, in memory:
	// Directory.Login knows where they belong now. It is retired, because its
	// account is gone or has changed, or an account has taken the name of its
	// user; or it is everybody else's, and that has changed, or there are accounts that
	// were not known.
	Rerouted(*Goal)
	// Outgrown says that no pool that works has room for the prefixes of a lane's
	// miners: they are to be closed, and get shorter ones when they come back.
	Outgrown(*Lane)

	// Dismissed says that a lane has ended because another needed its place, and
	// none of its miners had ever handed in a share that counts: they are to be
	// closed.
	Dismissed(*Lane)

	Carrier
}

// Post is what a lane offers its miners.
type Post struct {
	Lane       *Lane
	Job        *work.Job // nil: none yet
	Pool       string    // whose job it is, as metrics call it; "": not known
	Clean      bool      // what miners work on is to be dropped: the pool said so, or it is another epoch's
	Mask       uint32    // version bits that may be rolled now; 0 none
	Difficulty float64   // the pool's, now: no miner may be given more
	Least      float64   // the pool takes no share below it, for whatever job; 0: each job has its own
}

// Merge returns next, with what it must keep of p, which it replaces unseen.
func (p Post) Merge(next Post) Post {
	next.Clean = next.Clean || p.Clean
	return next
}

// Cookie names a miner to its event loop; opaque to this package.
type Cookie uint64

// Share is a share on its way to the pool: a value, copied into queues.
type Share struct {
	Cookie Cookie
	Worker *stats.Worker
	Job    *work.Job
	work.Solution
	Work float64 // what the miner is credited with, in shares of difficulty 1

	Before   uint16   // how many of the miner's shares have no verdict yet: its fair part of a queue
	ID       codec.ID // of the miner's mining.submit, to be echoed
	Block    bool     // its hash makes a block: nothing may hold it up
	Answered bool     // the miner was told already (answer = "local")
	Proven   bool     // a pool has accepted a share of this miner before

	resubmitted bool // sent before
	retried     bool // sent before, while the link was not authorized
	flipped     bool // sent with the version bits that it flips: see versionBits
	otherWay    bool // its version bits are to go the other way than the pool's others
}

// verdict returns what the share's miner is told. code and text are the pool's
// own; 0 and "" stand for the usual ones.
func (s *Share) verdict(v work.Verdict, code int, text string) Verdict {
	if code == 0 {
		code = v.Code()
	}
	if text == "" {
		text = v.Text()
	}
	return Verdict{
		Cookie: s.Cookie, ID: s.ID, Worker: s.Worker, Job: s.Job,
		Verdict: v, Code: code, Text: text,
		Work: s.Work, Answered: s.Answered,
	}
}

// Verdict is what became of a share.
type Verdict struct {
	Cookie   Cookie
	ID       codec.ID
	Worker   *stats.Worker
	Job      *work.Job
	Verdict  work.Verdict
	Code     int    // the Stratum error code to tell the miner; 0 when accepted
	Text     string // the error text to tell the miner: the pool's own where it gave one, clean
	Work     float64
	Answered bool
	Own      bool // it was refused, and that is the miner's own doing: the pool accepts others' shares
}

// Member is a miner on a lane: what an agent pool is told of it.
type Member struct {
	Prefix  Prefix
	Login   string     // the worker that it mines for, by the name that it logged in with
	Agent   string     // the user agent that it gave; may be empty
	Address netip.Addr // where it comes from; the zero Addr: not known
	Record  bool       // the worker has earned something before, and no other miner of it is connected
}

// Prefix is a miner's extranonce1: fixed for the life of its session, unique in
// the process together with its group.
type Prefix struct {
	Group uint32 `json:"group"` // each group has lanes of its own, on every goal
	Value uint16 `json:"value"`
	Len   uint8  `json:"len"` // bytes: 2, or 1 where a pool leaves no more
}

// Append appends the prefix as it stands in the extranonce, big-endian.
func (p Prefix) Append(dst []byte) []byte {
	if p.Len == 2 {
		dst = append(dst, byte(p.Value>>8))
	}
	return append(dst, byte(p.Value))
}
