package pool

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"farmproxy/bench/proof"
)

// Options say how a Pool behaves. Start from DefaultOptions: a zero field means zero,
// not a default.
type Options struct {
	Name   string // in coinbases and events
	Listen string // host:port; port 0 picks a free one, kept across Stop and Start

	Algorithm       *proof.Algorithm
	Extranonce1     []byte  // the same for every session; nil: each session gets its own
	Extranonce1Size int     // bytes of those, 2..8
	Extranonce2Size int     // bytes, 1..16
	Mask            uint32  // version bits that miners may roll; 0 refuses version rolling
	Difficulty      float64 // for a session's first job, above 0; may be far below 1; in the algorithm's unit

	JobEvery   time.Duration // time between jobs; 0: only when Job or Notify is called
	CleanEvery int           // every n-th of those is clean; 0: none, 1: all
	Branches   int           // merkle branches of a job, 0..20
	FirstJob   string        // params (JSON) of the first notify, sent as they are; "": one is made
	Idle       bool          // no first job: newcomers wait until Job or Notify is called

	AnswerDelay time.Duration  // before each verdict, the round trip of a distant pool
	Resume      bool           // a session id sent with subscribe restores the extranonce1
	RefuseNames *regexp.Regexp // names that authorize refuses; nil refuses none
	Seed        uint64         // of everything random in jobs and refusals
	Trace       io.Writer      // gets everything received, see Pool.trace; may be nil

	// Behaviour of some real pools that clients must tolerate.
	ConfigureFirst  bool // configure after subscribe is an error, as at Braiins Pool
	StringIDs       bool // replies carry the id as a string
	NotifyIDs       bool // notifications carry a non-null id
	SuggestAsNotify bool // suggest_difficulty is answered with a set_difficulty that carries the request's id, as at public-pool

	// Callbacks run on the pool's goroutines, with no lock held; they may call the
	// pool.
	OnJob    func(proof.Job)   // right before the job is sent, Job.Emitted is that moment
	OnSubmit func(Submit)      // after the verdict was booked, before it is sent
	OnReply  func(line []byte) // a client's reply to something that Raw sent; line is the callee's
}

// DefaultOptions returns a well-behaved pool on a free loopback port that emits its
// first job at start and further ones only on request.
func DefaultOptions() Options {
	return Options{
		Name:            "pool",
		Listen:          "127.0.0.1:0",
		Algorithm:       proof.SHA256d,
		Extranonce1Size: 4,
		Extranonce2Size: 8,
		Mask:            0x1fffe000,
		Difficulty:      proof.EasyDifficulty,
		CleanEvery:      3,
		Branches:        12,
		Resume:          true,
		ConfigureFirst:  true,
		Seed:            1,
	}
}

func (o Options) check() error {
	switch {
	case o.Algorithm == nil:
		return errors.New("algorithm: want one, such as SHA256d")
	case o.Extranonce1 == nil && (o.Extranonce1Size < 2 || o.Extranonce1Size > 8):
		return fmt.Errorf("extranonce1 size: want 2 to 8 bytes, got %d", o.Extranonce1Size)
	case len(o.Extranonce1) > 16:
		return fmt.Errorf("extranonce1: want at most 16 bytes, got %d", len(o.Extranonce1))
	case o.Extranonce2Size < 1 || o.Extranonce2Size > 16:
		return fmt.Errorf("extranonce2 size: want 1 to 16 bytes, got %d", o.Extranonce2Size)
	case !proof.ValidDifficulty(o.Difficulty):
		return fmt.Errorf("difficulty: want a number above 0, got %v", o.Difficulty)
	case o.Branches < 0 || o.Branches > 20:
		return fmt.Errorf("branches: want 0 to 20, got %d", o.Branches)
	case o.JobEvery < 0 || o.CleanEvery < 0 || o.AnswerDelay < 0:
		return fmt.Errorf("job interval, clean interval and answer delay: want 0 or more")
	}
	return nil
}
