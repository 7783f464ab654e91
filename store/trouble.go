package store

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// trouble explains an error of the database to an operator: what it is, and what to do
// about it. doing is what failed.
func (d *database) trouble(doing string, err error) error {
	var found diagnosis
	if d.postgres {
		found = postgresTrouble(err)
	} else {
		found = sqliteTrouble(err, d.file)
	}
	return &sentence{found.kind, fmt.Sprintf("%s: %v; %s", doing, err, found.advice), err}
}

// diagnosis is a kind of trouble, and what an operator can do about it.
type diagnosis struct {
	kind   error
	advice string
}

const tryAgain = "nothing is lost by trying again"

func sqliteTrouble(err error, file string) diagnosis {
	var lite *sqlite.Error
	code := 0
	if errors.As(err, &lite) {
		code = lite.Code() & 0xff
	}
	switch {
	case code == sqlite3.SQLITE_CORRUPT, code == sqlite3.SQLITE_NOTADB:
		return diagnosis{ErrDamaged, fmt.Sprintf("the file %s is damaged: restore it from a backup, or run farmproxy store repair -c CONFIGURATION, "+
			"which moves it aside and makes a new one with the accounts that are remembered", file)}
	case code == sqlite3.SQLITE_FULL, full(err), lite != nil && lite.Code() == sqlite3.SQLITE_IOERR_SHMSIZE:
		return diagnosis{ErrDiskFull, fmt.Sprintf("the disk of %s is full: make room there", file)}
	case code == sqlite3.SQLITE_READONLY, code == sqlite3.SQLITE_PERM, code == sqlite3.SQLITE_AUTH, errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES):
		return diagnosis{ErrReadOnly, fmt.Sprintf("farmproxy must be able to write %s and its directory", file)}
	case code == sqlite3.SQLITE_BUSY, code == sqlite3.SQLITE_LOCKED:
		return diagnosis{ErrLocked, fmt.Sprintf("another process has %s locked: end it (fuser %s names it)", file, file)}
	case code == sqlite3.SQLITE_IOERR:
		return diagnosis{ErrUnavailable, fmt.Sprintf("look for faults of the disk of %s, and whether it is full", file)}
	case code == sqlite3.SQLITE_CANTOPEN:
		return diagnosis{ErrUnavailable, fmt.Sprintf("farmproxy must be able to read and write %s and its directory", file)}
	}
	return diagnosis{ErrUnavailable, tryAgain}
}

func postgresTrouble(err error) diagnosis {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) < 2 {
		return diagnosis{ErrUnavailable, tryAgain}
	}
	switch {
	case pg.Code == "53100":
		return diagnosis{ErrDiskFull, "the disk of the database server is full: make room there"}
	case pg.Code == "25006":
		return diagnosis{ErrReadOnly, "the database server takes no changes: it may be a standby; let store.url lead to the primary"}
	case pg.Code == "55P03":
		return diagnosis{ErrLocked, "another session of the database server holds a lock: end it"}
	case pg.Code[:2] == "XX":
		return diagnosis{ErrDamaged, "the database is damaged: restore it from a backup"}
	case pg.Code[:2] == "28", pg.Code == "3D000", pg.Code == "42501":
		return diagnosis{ErrUnavailable, "check user, password and database of store.url, and what that user may do"}
	}
	return diagnosis{ErrUnavailable, tryAgain}
}

// full reports whether a disk has no room.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// blameless reports whether a failed call says nothing about the database, because its
// caller gave up.
func blameless(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, context.Canceled)
}
