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
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"farmproxy/sqlite"
)

const (
	// maxConnections to PostgreSQL: writers queue anyway, and readers are few.
	maxConnections = 8
	// connectionLife ends connections now and then, so that a database that moved
	// behind a load balancer is found again.
	connectionLife = 30 * time.Minute
	// maxAttempts bounds the attempts at a transaction that lost to another one. The
	// pauses between them grow to maxPause: about 5 s in all.
	maxAttempts = 12
	maxPause    = time.Second
)

// database is a sql.DB that knows its dialect.
type database struct {
	*sql.DB
	postgres bool
	file     string // SQLite only
	lock     *lock  // SQLite only: marks the file as in use; nil: could not be created

	clock func() time.Time // nil: the database has its own
}

// place is where a store's URL points.
type place struct {
	url   string
	shown string // the URL without passwords
	file  string // SQLite only; "" for PostgreSQL
}

const wantURL = "expected sqlite:///path/file.db or postgres://user:password@host:5432/name"

// parsePlace reads a store's URL. ErrBadValue.
func parsePlace(text string) (place, error) {
	u, err := url.Parse(text)
	if err != nil {
		return place{}, failf(ErrBadValue, "store url %q: "+wantURL, redact(text))
	}
	p := place{url: text, shown: redacted(u)}
	switch u.Scheme {
	case "sqlite":
		p.file = u.Host + u.Path // sqlite://file.db is a relative path
		if p.file == "" || u.RawQuery != "" || u.Fragment != "" {
			return place{}, failf(ErrBadValue, "store url %q: expected sqlite:///path/file.db, with %%23 for # and %%3f for ? in the path", text)
		}
		return p, nil
	case "postgres", "postgresql":
		if _, err := pgconn.ParseConfig(text); err != nil { // its errors show no password
			return place{}, failf(ErrBadValue, "store url %q: %v", p.shown, err)
		}
		return p, nil
	}
	return place{}, failf(ErrBadValue, "store url %q: "+wantURL, p.shown)
}

// openDatabase opens a database without contacting it.
func openDatabase(p place) (*database, error) {
	if p.file != "" {
		return openSQLite(p.file)
	}
	pool, err := sql.Open("pgx", p.url)
	if err != nil {
		return nil, failf(ErrBadValue, "store url %q: %v", p.shown, err)
	}
	pool.SetMaxOpenConns(maxConnections)
	pool.SetConnMaxLifetime(connectionLife)
	return &database{DB: pool, postgres: true}, nil
}

// Close closes all connections.
func (d *database) Close() error {
	err := d.DB.Close()
	d.lock.Close()
	return err
}

// redacted returns a URL without its passwords.
func redacted(u *url.URL) string {
	hidden := *u
	query := hidden.Query()
	for key := range query {
		if strings.Contains(strings.ToLower(key), "password") {
			query.Set(key, "xxxxx")
			hidden.RawQuery = query.Encode()
		}
	}
	return hidden.Redacted()
}

// redact cuts anything that may be a password out of a malformed URL.
func redact(text string) string {
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		return scheme + "://..."
	}
	return "..."
}

// openSQLite opens a file, and marks it as in use.
func openSQLite(file string) (*database, error) {
	d, err := openPlain(file)
	if err != nil {
		return nil, err
	}
	if d.lock, err = lockShared(file); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func openPlain(file string) (*database, error) {
	d := &database{file: file}
	pool, err := sqlite.Open(file, "synchronous(FULL)", "foreign_keys(1)") // anything confirmed is on disk
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failf(ErrUnavailable, "store: directory %s does not exist: create it, owned by the user that farmproxy runs as", filepath.Dir(file))
	}
	if err != nil {
		return nil, d.trouble("store", err)
	}
	pool.SetMaxOpenConns(maxConnections)
	d.DB = pool
	return d, nil
}

// bind turns each ? of a query into PostgreSQL's $1, $2, ... No query of this package
// uses ? for anything else.
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

// transaction is a sql.Tx that accepts ? in every dialect.
type transaction struct {
	tx  *sql.Tx
	db  *database
	ctx context.Context
	at  time.Time // see now; zero: not asked yet
}

func (t *transaction) exec(query string, args ...any) (changed int64, err error) {
	result, err := t.tx.ExecContext(t.ctx, t.db.bind(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row scans the single row of a query; sql.ErrNoRows if there is none.
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

// transact runs do in a transaction, and repeats it if it lost to another one: do must
// not keep anything from a failed attempt. It returns errors of do that are not the
// database's unchanged, and others as one of ErrUnavailable.
func (d *database) transact(ctx context.Context, readOnly bool, do func(*transaction) error) error {
	options := &sql.TxOptions{ReadOnly: readOnly}
	if readOnly && d.postgres {
		options.Isolation = sql.LevelRepeatableRead // one moment for all its queries, as in SQLite
	}
	var before error // why the last attempt was lost
	for attempt := 1; ; attempt++ {
		err := d.attempt(ctx, options, do)
		if err == nil {
			return nil
		}
		var told *sentence
		if errors.As(err, &told) {
			return err
		}
		if before != nil && ctx.Err() != nil {
			err = before // time ran out while waiting for a turn
		}
		if attempt == maxAttempts || !lost(err) || !pause(ctx, attempt) {
			return d.trouble("the database cannot be used", err)
		}
		before = err
	}
}

func (d *database) attempt(ctx context.Context, options *sql.TxOptions, do func(*transaction) error) error {
	tx, err := d.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing after a commit
	if err := do(&transaction{tx: tx, db: d, ctx: ctx}); err != nil {
		return err
	}
	return tx.Commit()
}

// pause waits before attempt+1; it returns false if ctx ended.
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

// lost reports whether a transaction failed only because of concurrent ones: it left
// nothing behind and may run again.
func lost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", // serialization failure (CockroachDB and YugabyteDB: often), deadlock
			"23505", "42P07", "42710": // a row, table or type that another machine made at the same moment
			return true
		}
		return false
	}
	return sqlite.TroubleOf(err) == sqlite.Locked || errors.Is(err, driver.ErrBadConn) || pgconn.SafeToRetry(err)
}

// reach makes the first contact with the database, within answerTimeout. Another
// process may just be switching the same new SQLite file to WAL, which SQLite does not
// wait for.
func (d *database) reach(ctx context.Context, shown string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := d.PingContext(ctx)
		if err == nil {
			return nil
		}
		if attempt == maxAttempts || !lost(err) || !pause(ctx, attempt) {
			return d.trouble(fmt.Sprintf("store %q cannot be opened", shown), err)
		}
	}
}
