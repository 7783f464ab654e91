package sqlite

import (
	"errors"
	"syscall"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// Trouble is a kind of error, by what an operator can do about it.
type Trouble uint8

const (
	Unknown  Trouble = iota
	Damaged          // the file is broken, or no database
	Full             // its disk has no room
	ReadOnly         // it may not be written
	Locked           // another process has it locked
	Faulty           // its disk does not do what it should
	Closed           // it can't be opened
)

// TroubleOf returns what kind of error one of a file is.
func TroubleOf(err error) Trouble {
	var of *sqlite.Error
	code := 0
	if errors.As(err, &of) {
		code = of.Code()
	}
	switch {
	case NoRoom(err), code == codes.SQLITE_IOERR_SHMSIZE:
		return Full
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES):
		return ReadOnly
	}
	switch code & 0xff { // what is above it says more than is needed
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return Damaged
	case codes.SQLITE_FULL:
		return Full
	case codes.SQLITE_READONLY, codes.SQLITE_PERM, codes.SQLITE_AUTH:
		return ReadOnly
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		return Locked
	case codes.SQLITE_IOERR:
		return Faulty
	case codes.SQLITE_CANTOPEN:
		return Closed
	}
	return Unknown
}

// NoRoom reports whether a disk has no room.
func NoRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
