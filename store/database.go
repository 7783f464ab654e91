package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// maxConnections to PostgreSQL: writers queue up anyway, readers are few.
	maxConnections = 8
	// connectionLife ends connections now and then, so that a database that
	// moved behind a load balancer is found at its new place.
	connectionLife = 30 * time.Minute
	// busyTimeout is how long SQLite waits for another process, such as an
	// import, to end its transaction.
	busyTimeout = 10 * time.Second
	// maxAttempts of a transaction that lost to another one. The pauses
	// between them grow to maxPause: about 5 s in all.
	maxAttempts = 12
	maxPause    = time.Second
)

// database is a sql.DB that knows its dialect.
type database struct {
	*sql.DB
	postgres bool
}

// openDatabase opens the database of a URL, without asking anything of it;
// file is the SQLite file, "" for PostgreSQL.
func openDatabase(text string) (db *database, file string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, "", failf(ErrBadValue, "store url %q: expected sqlite:///path/file.db or postgres://user:password@host:5432/name", redact(text))
	}
	switch u.Scheme {
	case "sqlite":
		file = u.Host + u.Path // sqlite://file.db is a relative path
		if file == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, "", failf(ErrBadValue, "store url %q: expected sqlite:///path/file.db, with %%23 for # and %%3f for ? in the path", text)
		}
		db, err = openSQLite(file)
		return db, file, err
	case "postgres", "postgresql":
		pool, err := sql.Open("pgx", text)
		if err != nil {
			return nil, "", failf(ErrBadValue, "store url %q: %v", u.Redacted(), err)
		}
		pool.SetMaxOpenConns(maxConnections)
		pool.SetConnMaxLifetime(connectionLife)
		return &database{pool, true}, "", nil
	}
	return nil, "", failf(ErrBadValue, "store url %q: expected sqlite:///path/file.db or postgres://user:password@host:5432/name", u.Redacted())
}

// redact cuts what may be a password out of a URL that can't be parsed.
func redact(text string) string {
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		return scheme + "://..."
	}
	return "..."
}

func openSQLite(file string) (*database, error) {
	// The file is made here, to be readable by its owner only: the passwords
	// in it are sealed, users and pools are not.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failf(ErrUnavailable, "store: directory %s does not exist: make it, owned by the user that farmproxy runs as", filepath.Dir(file))
	}
	if err != nil {
		return nil, failf(ErrUnavailable, "store: %v: farmproxy must be able to read and write the file and its directory", err)
	}
	f.Close()
	// synchronous=FULL: what was answered is on disk. BEGIN IMMEDIATE: a
	// transaction that will write waits for its turn at once, instead of
	// failing half way. Read-only ones begin plainly, as a snapshot.
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(" + strconv.FormatInt(busyTimeout.Milliseconds(), 10) + ")",
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: escapePath(file), RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(maxConnections)
	return &database{pool, false}, nil
}

// escapePath keeps a path whole inside a file: URI.
func escapePath(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// bind turns the ? of a query into PostgreSQL's $1, $2, ... No query of this
// package has a ? for anything else.
func (d *database) bind(query string) string {
	if !d.postgres || !strings.Contains(query, "?") {
		return query
	}
	var b strings.Builder
	n := 0
	for _, part := range strings.SplitAfter(query, "?") {
		if before, ok := strings.CutSuffix(part, "?"); ok {
			n++
			b.WriteString(before)
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteString(part)
	}
	return b.String()
}

// transaction is a sql.Tx that takes ? in every dialect.
type transaction struct {
	tx  *sql.Tx
	db  *database
	ctx context.Context
}

func (t *transaction) exec(query string, args ...any) (changed int64, err error) {
	result, err := t.tx.ExecContext(t.ctx, t.db.bind(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row scans the only row of a query; sql.ErrNoRows when there is none.
func (t *transaction) row(query string, args []any, into ...any) error {
	return t.tx.QueryRowContext(t.ctx, t.db.bind(query), args...).Scan(into...)
}

// rows calls scan for each row of a query.
func (t *transaction) rows(scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := t.tx.QueryContext(t.ctx, t.db.bind(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// transact runs do in a transaction, and again when it lost to another one:
// do must not keep anything of an attempt that failed. An error of do that is
// not the database's is returned as it is, others as ErrUnavailable.
func (d *database) transact(ctx context.Context, readOnly bool, do func(*transaction) error) error {
	options := &sql.TxOptions{ReadOnly: readOnly}
	if readOnly && d.postgres {
		options.Isolation = sql.LevelRepeatableRead // one moment for all its queries, as in SQLite
	}
	for attempt := 1; ; attempt++ {
		err := d.attempt(ctx, options, do)
		if err == nil {
			return nil
		}
		var told *sentence
		if errors.As(err, &told) {
			return err
		}
		if attempt == maxAttempts || !lost(err) || !pause(ctx, attempt) {
			return failf(ErrUnavailable, "the database did not do it: %v; nothing is lost by trying again", err)
		}
	}
}

func (d *database) attempt(ctx context.Context, options *sql.TxOptions, do func(*transaction) error) error {
	tx, err := d.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing after a commit
	if err := do(&transaction{tx, d, ctx}); err != nil {
		return err
	}
	return tx.Commit()
}

// pause waits before attempt+1; false when ctx ended.
func pause(ctx context.Context, attempt int) bool {
	longest := min(maxPause, 10*time.Millisecond<<attempt)
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// lost says that a transaction failed only because others ran beside it: it
// left nothing behind and may run again.
func lost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", // serialization failure (CockroachDB and YugabyteDB: often), deadlock
			"23505", "42P07", "42710": // a row, table or type that another box made at the same moment
			return true
		}
		return false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_BUSY || lite.Code()&0xff == sqlite3.SQLITE_LOCKED
	}
	return errors.Is(err, driver.ErrBadConn) || pgconn.SafeToRetry(err)
}

// reach makes the first contact with the database, within answerTimeout.
// Another process may be turning the same new SQLite file to WAL just now,
// which SQLite does not wait for.
func (d *database) reach(ctx context.Context, shown string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := d.PingContext(ctx)
		if err == nil {
			return nil
		}
		if attempt == maxAttempts || !lost(err) || !pause(ctx, attempt) {
			return unreachable(d, shown, err)
		}
	}
}

// unreachable tells an operator of an error of the first contact.
func unreachable(db *database, shown string, err error) error {
	hint := "the file must be a SQLite database that farmproxy may read and write"
	if db.postgres {
		hint = "check that PostgreSQL runs there, and that the URL's user, password and database are right"
	}
	return failf(ErrUnavailable, "store %s can't be opened: %v; %s", shown, err, hint)
}

// shown is a database URL without its password.
func shown(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return redact(text)
	}
	return fmt.Sprintf("%q", u.Redacted())
}
