package store

import (
	"errors"
	"fmt"
	"time"
)

// Kinds of errors. Every returned error wraps one of these, and its text says what to
// do.
var (
	ErrBadAddress       = errors.New("bad pool address")
	ErrBadValue         = errors.New("bad value")
	ErrBadUser          = errors.New("bad user") // empty, too long, or with control characters
	ErrBadPassword      = errors.New("bad password")
	ErrUnknownPool      = errors.New("unknown pool")
	ErrUnknownAlgorithm = errors.New("unknown algorithm")
	ErrUnknownAccount   = errors.New("unknown account")
	ErrExists           = errors.New("exists already")
	ErrInUse            = errors.New("in use")
	ErrInGoals          = errors.New("in the goals of accounts")
	ErrChanged          = errors.New("changed meanwhile")
	ErrUnavailable      = errors.New("database unavailable")

	ErrRefused     = errors.New("refused by the pool") // of a Prove
	ErrPoolUnasked = errors.New("pool not reached")    // of a Prove
)

// Refused returns an ErrRefused, and Unasked an ErrPoolUnasked, with a sentence.
func Refused(text string) error { return failf(ErrRefused, "%s", text) }
func Unasked(text string) error { return failf(ErrPoolUnasked, "%s", text) }

// Reasons why the database cannot be used: each is ErrUnavailable too. Their texts go to
// everyone who asks whether farmproxy is healthy, so they name no host, user or file.
var (
	ErrDamaged    = unavailable("damaged")
	ErrDiskFull   = unavailable("disk full")
	ErrLocked     = unavailable("locked by another process")
	ErrReadOnly   = unavailable("not writable")
	ErrGone       = unavailable("gone, though its accounts are remembered")
	ErrKeyMissing = unavailable("key file missing")
	ErrWrongKey   = unavailable("wrong key file")
	ErrBadKey     = unavailable("bad key file")
	ErrSchema     = unavailable("written by a newer farmproxy")
)

// cause is a kind of ErrUnavailable.
type cause struct{ text string }

func unavailable(text string) error { return &cause{text} }

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return ErrUnavailable }

// causeOf returns the reason why the database cannot be used, or nil if it is not known.
func causeOf(err error) *cause {
	c, _ := errors.AsType[*cause](err)
	return c
}

// sentence is an error of one of the kinds above, with its full text.
type sentence struct {
	kind error
	text string
	from error // the underlying error, whose text is part of this one's; may be nil
}

func (s *sentence) Error() string { return s.text }

func (s *sentence) Unwrap() []error {
	if s.from == nil {
		return []error{s.kind}
	}
	return []error{s.kind, s.from}
}

// failf returns an error of the given kind.
func failf(kind error, format string, args ...any) error {
	return &sentence{kind: kind, text: fmt.Sprintf(format, args...)}
}

// Unavailable is what Healthy returns while the database is unavailable, or accepts no
// changes.
type Unavailable struct {
	Since time.Time
	Err   error // the last attempt's

	// Unopened means that the database has not been reached since farmproxy started.
	// The accounts saved at Remembered are then served, or none if that is zero.
	Unopened   bool
	Accounts   int
	Remembered time.Time

	said time.Time // when it was last logged
}

func (u *Unavailable) Error() string {
	return fmt.Sprintf("the database has been unavailable since %s: %v; %s", stamp(u.Since), u.Err, u.serving())
}

// Public is Error for everyone: without what drivers say about hosts, users and files.
func (u *Unavailable) Public() string {
	why := ""
	if c := causeOf(u.Err); c != nil {
		why = " (" + c.text + ")"
	}
	return fmt.Sprintf("the database has been unavailable since %s%s: %s; the log says why", stamp(u.Since), why, u.serving())
}

// serving says who can log in meanwhile.
func (u *Unavailable) serving() string {
	switch {
	case !u.Unopened:
		return "known accounts keep working, but you cannot register"
	case u.Remembered.IsZero():
		return "no account is known until it is available"
	}
	return fmt.Sprintf("the %d accounts remembered at %s keep working, but you cannot register", u.Accounts, stamp(u.Remembered))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Public returns what everyone may know of an ErrUnavailable: what drivers say about
// hosts, users and files is for the log.
func Public(err error) string {
	if c := causeOf(err); c != nil {
		return "the database is unavailable (" + c.text + "): " + tryAgain + "; the log says why"
	}
	return "the database is unavailable: " + tryAgain + "; the log says why"
}

// Unwrap makes u an ErrUnavailable.
func (u *Unavailable) Unwrap() []error { return []error{ErrUnavailable, u.Err} }
