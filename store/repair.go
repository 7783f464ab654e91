package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Repaired says what Repair did.
type Repaired struct {
	Whole      bool      // nothing was done: the file is not damaged
	Moved      []string  // the new names of the file and its companions
	Accounts   int       // in the new store
	Remembered time.Time // when these were remembered; zero: there is no new store, because nothing is remembered
	Unusable   error     // why the remembered state can't be used; nil: it can, or there is none
}

// Repair moves a damaged SQLite file aside, and creates a new one with the accounts,
// pools and algorithms remembered in options.StateFile. It deletes nothing, and touches
// neither the key nor the state file. It refuses while a farmproxy has the file open.
// ErrBadValue, one of ErrUnavailable.
func Repair(ctx context.Context, options Options) (r Repaired, err error) {
	s, err := newStore(options)
	if err != nil {
		return r, err
	}
	file := s.place.file
	if file == "" {
		return r, failf(ErrBadValue, "store %q is not an SQLite file: repair PostgreSQL with its own tools, or restore it from a backup", s.place.shown)
	}
	if !exists(filepath.Dir(file)) {
		return r, failf(ErrUnavailable, "directory %s does not exist: mount or create it", filepath.Dir(file))
	}
	lock, err := lockAlone(file)
	if err != nil {
		return r, err
	}
	defer lock.Close()
	snapshot, h, unusable := s.readMemory()
	if errors.Is(unusable, fs.ErrNotExist) || unusable == nil && h.Store != s.place.shown {
		snapshot, unusable = nil, nil // there is none, or it belongs to another store
	}
	if exists(file) {
		empty, err := verify(ctx, file)
		if err == nil && !(empty && snapshot != nil && snapshot.NumAccounts() > 0) {
			r.Whole = true
			return r, nil
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			return r, err // it may be intact: leave it where it is
		}
		if r.Moved, err = moveAside(file, s.options.Now()); err != nil {
			return r, err
		}
	}
	if snapshot == nil {
		r.Unusable = unusable
		return r, nil
	}
	r.Accounts, r.Remembered = snapshot.NumAccounts(), h.Written
	return r, s.restore(ctx, snapshot)
}

// verify opens a file as farmproxy would, and reads all of it. empty means that it is
// intact, and never held a store.
func verify(ctx context.Context, file string) (empty bool, err error) {
	d, err := openPlain(file)
	if err != nil {
		return false, err
	}
	defer d.Close()
	if err := d.reach(ctx, file); err != nil {
		return false, err
	}
	if err := d.intact(ctx); err != nil {
		return false, err
	}
	var tables, checks int
	if err := d.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'meta'").Scan(&tables); err != nil || tables == 0 {
		return err == nil, err
	}
	err = d.QueryRowContext(ctx, "SELECT COUNT(*) FROM meta WHERE name = 'key_check'").Scan(&checks)
	return checks == 0, err
}

// intact reads all of an SQLite file.
func (d *database) intact(ctx context.Context) error {
	var verdict string
	if err := d.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return d.trouble("the file cannot be verified", err)
	}
	if verdict != "ok" {
		return failf(ErrDamaged, "the file %s is damaged: %s", d.file, verdict)
	}
	return nil
}

// moveAside renames a database and its companion files.
func moveAside(file string, now time.Time) (moved []string, err error) {
	stamped := file + now.UTC().Format(".damaged-20060102T150405Z")
	aside := stamped
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s-%d", stamped, n)
	}
	// The database comes last: without it a new one would pick up the old log.
	for _, part := range []string{"-wal", "-shm", "-journal", ""} {
		if err := os.Rename(file+part, aside+part); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return moved, &sentence{ErrReadOnly, fmt.Sprintf("%v: run this as the user that farmproxy runs as", err), err}
		}
		moved = append(moved, aside+part)
	}
	return moved, syncDirectory(filepath.Dir(file))
}

// restore creates a new store from a snapshot, completely or not at all.
func (s *Store) restore(ctx context.Context, snapshot *Snapshot) error {
	making := s.place.file + ".making"
	if err := os.Remove(making); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by an interrupted restore
		return err
	}
	d, err := openPlain(making)
	if err != nil {
		return err
	}
	s.db, d.clock = d, s.options.Now
	if err := errors.Join(s.fill(ctx, snapshot), d.Close()); err != nil {
		return err
	}
	if err := os.Rename(making, s.place.file); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(making))
}

// fill fills a new database.
func (s *Store) fill(ctx context.Context, snapshot *Snapshot) error {
	if err := s.db.reach(ctx, s.place.shown); err != nil {
		return err
	}
	if err := migrate(ctx, s.db); err != nil {
		return err
	}
	if err := s.unlock(ctx); err != nil {
		return err
	}
	return s.db.transact(ctx, false, func(t *transaction) error {
		version, err := raise(t)
		if err != nil {
			return err
		}
		for a := range snapshot.Algorithms() {
			if err := insertAlgorithm(t, *a, version); err != nil {
				return err
			}
		}
		for p := range snapshot.Pools() {
			if err := insertPool(t, *p, version); err != nil {
				return err
			}
		}
		for a := range snapshot.Accounts() {
			if err := s.insertAccount(t, *a, version); err != nil {
				return err
			}
		}
		now, err := t.now()
		if err != nil {
			return err
		}
		// The accounts' last uses are not remembered: none expires before they have
		// been watched for long enough.
		return errors.Join(setMeta(t, "watched", watch{now, now}.String()), setMeta(t, "seeded", "1"))
	})
}
