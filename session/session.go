package session

import (
	"time"
	"unsafe"

	"farmproxy/codec"
	"farmproxy/work"
)

// Terms are the rules for every miner of a listener. Immutable.
type Terms struct {
	SubscribeTimeout time.Duration
	AuthorizeTimeout time.Duration
	MalformedLimit   int  // malformed lines tolerated before the miner is hung up on
	AnswerLocal      bool // forwarded shares are answered before the pool replies
	Difficulty       Policy

	// ReconnectLostRolling tells a miner that silently stopped rolling versions to
	// reconnect: see rolling.go.
	ReconnectLostRolling bool
}

// Env is what a session sees of the world during one call. It belongs to the
// event loop, which sets it before each call.
type Env struct {
	Terms *Terms
	Now   time.Duration // monotonic, since the process started
	Mask  uint32        // the route's mask, for a miner that has no feed yet
	Feed  *Feed         // of the miner's lane; nil before mining.subscribe
	Left  *Feed         // of the lane that it was moved from a moment ago; nil: it was not. See late.go

	candidate Candidate // the share being checked
}

// Worker is one of the names that a miner has authorized: 1 is the first, 2 the next;
// 0 is none. The caller keeps its books of them in the same order. An agent's miner
// has one name.
type Worker uint16

// maxWorkers bounds the names authorized on one connection: another kind of proxy in
// front of this one uses one for each of its miners.
const maxWorkers = 256

// maxPosted is how many jobs a miner can answer, including the last one.
const maxPosted = 8

// Session is one miner's side of a connection: plain data, in parts that can be parked
// when the miner disconnects and given back to it (Resume), or encoded for another
// process: see State. The zero value, after Open, is a miner that has just connected.
//
// Its size matters: a farm has tens of thousands.
type Session struct {
	name   string // the first authorized name, clean; "" before
	memory        // of its accepted headers
	state

	others *[]string // names authorized after the first; nil: none, the usual case
}

// EffectKind says what the caller must do.
type EffectKind uint8

const (
	None          EffectKind = iota
	WantSubscribe            // give the miner a prefix, with Subscribed
	WantAuthorize            // look up the login, then call Authorized or Refused
	Reauthorized             // the miner authorized Login again, and wants to mine for it; it has been answered
	JobSentAgain             // the miner has been answered and sent its job again: count it
	Judged                   // count Verdict; the miner has been answered
	WantHash                 // hash a copy of Candidate, then call Judge
	Forward                  // hand Candidate to the lane; Verdict answers the miner, unless Candidate is Answered
	Hangup                   // write pending output, then close for Reason

	// From an Agent only:
	WantRegister // its miner SID works as Login from now on: call Registered
	Unregistered // its miner SID has gone
	WantRoute    // it waits for its extranonce before it authorizes: which route?
	Malformed    // count a frame
)

// Effect is what a call asks of its caller, besides writing the bytes. Slices alias
// the request.
type Effect struct {
	Kind   EffectKind
	Reason Reason   // Hangup
	SID    uint16   // session id of an Agent's miner
	Gone   *Session // Unregistered: that miner's session

	Agent  []byte // WantSubscribe, WantRegister: the user agent that the miner reports
	Resume uint64 // WantSubscribe: the session to resume; 0 none

	Login string // WantAuthorize, Reauthorized, WantRegister: clean

	Worker    Worker       // Judged by Step or Frame, WantHash: whose share it is; 0 if its name is not authorized
	Verdict   work.Verdict // Judged
	Text      string       // Judged: error text for the miner; "": the verdict's own text
	Work      float64      // Judged, Forward: the share's work, in shares of difficulty 1
	Candidate *Candidate   // WantHash: valid until the next call; Forward: the one passed to Judge
	Reconnect bool         // Judged, Forward: the miner was told to reconnect because it lost version rolling
	Late      bool         // Judged by Judge, Forward: the job is of the lane that the miner left
}

// IsAuthorized reports whether the miner has authorized at least one worker.
func (s *Session) IsAuthorized() bool { return s.name != "" }

// Name returns the first name that the miner authorized; "" before.
func (s *Session) Name() string { return s.name }

// Prefetch prefetches the name, which Step compares with a share's: it is stored
// elsewhere. Without it 20,000 miners cost 0.1 µs more per share.
func (s *Session) Prefetch() { work.Prefetch(unsafe.StringData(s.name), len(s.name)) }

// rest returns the names that the miner authorized after the first.
func (s *Session) rest() []string {
	if s.others == nil {
		return nil
	}
	return *s.others
}

// add appends a name after the first.
func (s *Session) add(name string) {
	if s.others == nil {
		s.others = new([]string)
	}
	*s.others = append(*s.others, name)
}

// find returns the worker of that name; 0 if the name is not authorized. The name is
// cleaned once, not for each of the workers: it may have 4 kB.
func (s *Session) find(name []byte) Worker {
	var space [codec.MaxName]byte
	clean := codec.AppendName(space[:0], name)
	if s.name != "" && s.name == string(clean) {
		return 1
	}
	for i, other := range s.rest() {
		if other == string(clean) {
			return Worker(i + 2)
		}
	}
	return 0
}

// nameOf returns a worker's name.
func (s *Session) nameOf(w Worker) string {
	if w == 1 {
		return s.name
	}
	return s.rest()[w-2]
}

// sender returns the worker that a share's name means; 0 if there is none. If only one
// has authorized it is that one, however the miner spells it: some firmware sends the
// account alone, or changes the case.
//
// Nearly all firmware sends the name exactly as it was authorized.
func (s *Session) sender(name []byte) Worker {
	if s.flags&verbatim != 0 && string(name) == s.name {
		return 1
	}
	w := s.find(name)
	if w == 0 && s.name != "" && s.others == nil && codec.IsSpelling(s.name, name) {
		w = 1
	}
	return w
}

// Malformed records a line that could not be decoded.
func (s *Session) Malformed(e *Env, err *codec.Error, out []byte) ([]byte, Effect) {
	return malformed(e, err, &s.malformed, out)
}

// malformed answers a line that could not be decoded; n counts them.
func malformed(e *Env, err *codec.Error, n *uint32, out []byte) ([]byte, Effect) {
	switch err.Kind {
	case codec.NotStratum:
		return out, Effect{Kind: Hangup, Reason: NotStratum}
	case codec.TooDeep:
		return out, Effect{Kind: Hangup, Reason: TooDeep}
	}
	var none codec.ID
	out = codec.AppendError(out, &none, codeOther, "Malformed message")
	if *n++; int(*n) > e.Terms.MalformedLimit {
		return out, Effect{Kind: Hangup, Reason: TooManyMalformed}
	}
	return out, Effect{}
}

// Tick is called at least every few seconds: it hangs up on a miner that does not
// finish its handshake, and lowers the difficulty of one that finds no shares.
func (s *Session) Tick(e *Env, out []byte) ([]byte, Effect) {
	age := s.Age(e.Now)
	switch {
	case s.flags&subscribed == 0 && age > e.Terms.SubscribeTimeout:
		return out, Effect{Kind: Hangup, Reason: SubscribeTimeout}
	case s.name == "" && age > e.Terms.AuthorizeTimeout:
		return out, Effect{Kind: Hangup, Reason: AuthorizeTimeout}
	}
	if s.flags&working != 0 && s.vardiff.tick(e.Now, &e.Terms.Difficulty) {
		out = s.lowerDifficulty(e, out)
	}
	return out, Effect{}
}
