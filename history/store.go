package history

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/sqlite"
)

// version is of the tables and chunks, kept as the file's user_version. A file of a
// later one is not touched.
const version = 1

//go:embed schema.sql
var schema string

const (
	// connections to the file: the writer's, and one for readers, who wait for each
	// other.
	connections = 2

	// cache is what each connection keeps of the file, in KiB. The writer touches each
	// page once in an hour; more would only be memory.
	cache = 512

	// idleTime is after how long without a statement a connection is closed: between two
	// minutes none needs memory.
	idleTime = time.Second
)

// ErrNewer is the error of a file that a later farmproxy has written.
var ErrNewer = errors.New("it was written by a newer farmproxy")

// Store is the file. Its methods may be called from any goroutine, except an event
// loop: they wait for the disk.
type Store struct {
	path      string
	file      os.FileInfo // of what was opened
	db        *sql.DB
	retention atomic.Pointer[Retention]

	mu   sync.Mutex                // one writer at a time; guards what follows
	ids  map[Kind]map[string]int32 // of all series, by name
	next [numClasses]int           // the first id that was never used
	free [numClasses][]int         // below it, the smallest last
}

// Open opens a file, or makes one, which only its owner can read. The error says what to
// do. A damaged file is not replaced: the operator may want to mend it.
func Open(ctx context.Context, path string, keep Retention) (*Store, error) {
	db, err := sqlite.Open(path, "synchronous(NORMAL)", fmt.Sprintf("cache_size(-%d)", cache)) // a power cut may cost the last minutes, never the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("history %s: the directory %s does not exist; create it, owned by the user that farmproxy runs as", path, filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("history: %w; farmproxy must be able to write the file and its directory", err)
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("history: %w", err), db.Close())
	}
	db.SetMaxOpenConns(connections)
	db.SetConnMaxIdleTime(idleTime)
	s := &Store{path: path, file: file, db: db}
	s.Keep(keep)
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(s.explain(err), db.Close())
	}
	return s, nil
}

// Keep changes how long what is kept, from the next Write on.
func (s *Store) Keep(r Retention) { s.retention.Store(&r) }

// Path returns the name of the file.
func (s *Store) Path() string { return s.path }

// InPlace reports whether the file is still what was opened: not moved away, not replaced.
// Connections are closed and opened again, so what is there now would be taken for it, with
// other ids.
func (s *Store) InPlace() bool {
	now, err := os.Stat(s.path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return os.SameFile(s.file, now)
}

// Close closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db.Close()
}

// prepare makes the tables of a new file, and reads what the writer has to know.
func (s *Store) prepare(ctx context.Context) error {
	err := s.transact(ctx, func(t *sql.Tx) error {
		var have int
		if err := t.QueryRow("PRAGMA user_version").Scan(&have); err != nil {
			return err
		}
		switch {
		case have > version:
			return ErrNewer
		case have == version:
			return nil
		}
		if _, err := t.Exec(schema); err != nil {
			return err
		}
		_, err := t.Exec(fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
	if err != nil {
		return err
	}
	return s.loadSeries(ctx)
}

// transact runs do in a transaction.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) error {
	t, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() // nothing after a commit
	if err := do(t); err != nil {
		return err
	}
	return t.Commit()
}

// explain says what an operator can do about an error.
func (s *Store) explain(err error) error {
	switch trouble := sqlite.TroubleOf(err); {
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("history %s: %w; upgrade farmproxy, or move the file away to begin with an empty one", s.path, err)
	case errors.Is(err, errChunk), trouble == sqlite.Damaged:
		return fmt.Errorf("history %s is damaged: %w; restore it from a backup, or move it away to begin with an empty one", s.path, err)
	case trouble == sqlite.Full:
		return fmt.Errorf("history %s: %w; make room on its disk: until then nothing is remembered", s.path, err)
	}
	return fmt.Errorf("history %s: %w", s.path, err)
}
