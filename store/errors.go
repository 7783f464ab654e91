package store

import (
	"errors"
	"fmt"
	"time"
)

// What a call may fail with. The errors that are returned wrap one of these,
// and their text says what to do.
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
	ErrUnavailable      = errors.New("database unavailable")

	ErrKeyMissing = errors.New("key file missing") // from Open
	ErrWrongKey   = errors.New("wrong key file")   // from Open
	ErrBadKey     = errors.New("bad key file")     // from Open
	ErrSchema     = errors.New("newer database")   // from Open
)

// sentence is an error of one of the kinds above, told in full.
type sentence struct {
	kind error
	text string
}

func (s *sentence) Error() string { return s.text }
func (s *sentence) Unwrap() error { return s.kind }

// failf returns an error of the given kind.
func failf(kind error, format string, args ...any) error {
	return &sentence{kind, fmt.Sprintf(format, args...)}
}

// Unavailable is what Healthy returns while the database is away.
type Unavailable struct {
	Since time.Time
	Err   error // of the last attempt
}

func (u *Unavailable) Error() string {
	return fmt.Sprintf("the database is away since %s: %v; known accounts keep working, registering does not",
		u.Since.UTC().Format(time.RFC3339), u.Err)
}

// Unwrap makes it ErrUnavailable.
func (u *Unavailable) Unwrap() []error { return []error{ErrUnavailable, u.Err} }
