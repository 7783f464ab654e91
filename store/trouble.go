package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"farmproxy/sqlite"
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
	switch sqlite.TroubleOf(err) {
	case sqlite.Damaged:
		return diagnosis{ErrDamaged, fmt.Sprintf("the file %s is damaged: restore it from a backup, or run farmproxy store repair -c CONFIGURATION, "+
			"which moves it aside and makes a new one with the accounts that are remembered", file)}
	case sqlite.Full:
		return diagnosis{ErrDiskFull, fmt.Sprintf("the disk of %s is full: make room there", file)}
	case sqlite.ReadOnly:
		return diagnosis{ErrReadOnly, fmt.Sprintf("farmproxy must be able to write %s and its directory", file)}
	case sqlite.Locked:
		return diagnosis{ErrLocked, fmt.Sprintf("another process has %s locked: end it (fuser %s names it)", file, file)}
	case sqlite.Faulty:
		return diagnosis{ErrUnavailable, fmt.Sprintf("look for faults of the disk of %s, and whether it is full", file)}
	case sqlite.Closed:
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

// blameless reports whether a failed call says nothing about the database, because its
// caller gave up.
func blameless(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, context.Canceled)
}
