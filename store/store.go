package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultPoll is how often the database is asked whether another box
	// changed something: one row by its key, so a change is everywhere within
	// 2 s at next to no cost.
	DefaultPoll = time.Second
	// maxPoll is between attempts while the database is away.
	maxPoll = 30 * time.Second
	// answerTimeout is how long the database may take to answer a poll, or the
	// first question at start, before it counts as away.
	answerTimeout = 10 * time.Second
	// refreshTimeout is for reading changes, which may be the whole registry:
	// 100,000 accounts take 0.4 s from a file.
	refreshTimeout = 30 * time.Second
	// flushEvery is how often Touch's times are written.
	flushEvery = 10 * time.Second
)

// keyCheck is a text that is sealed in the database, to tell at start whether
// the key is the right one.
const keyCheck = "farmproxy"

// Options say where the store is. Only URL must be set.
type Options struct {
	// URL is sqlite:///path/file.db or postgres://user:password@host/database.
	URL string
	// KeyFile holds the key that passwords are encrypted with; made at first
	// start. Boxes that share a store need copies of the same file. Empty: for
	// SQLite, the database file's name with .key added.
	KeyFile string
	// Unseeded leaves the shipped algorithms and pools out of a new store.
	Unseeded bool
	// Poll is the time between looks for changes of other boxes; 0 is DefaultPoll.
	Poll time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log gets a line when the database goes away and comes back; nil: none.
	Log *slog.Logger
}

// Store is an open registry. All methods may be called from any goroutine but
// an event loop, since they ask the database for as long as their context
// lasts: give it a deadline. Snapshot, Healthy and Touch may be called from
// anywhere.
//
// Writers: every change runs in write, which raises the registry's version
// first. That row is the lock that makes writers queue up, over all boxes, so
// what a change has read can't change under it, on any isolation level, and
// versions become visible in order.
//
// Readers: refresh, under the lock refreshing, reads the rows above the
// snapshot's version and publishes the next snapshot. A writer calls it before
// it returns, so its change is in Snapshot then; many writers at once share
// refreshes, because the first one reads for all.
type Store struct {
	db      *database
	sealer  *sealer
	options Options

	snapshot    atomic.Pointer[Snapshot]
	refreshing  sync.Mutex
	subscribers []func(*Snapshot) // under refreshing

	touched struct {
		sync.Mutex
		at map[string]time.Time // by account, not yet written; at most one for each account known
	}
	health atomic.Pointer[Unavailable] // nil: well

	stop context.CancelFunc
	done chan struct{} // closed when watch has ended
}

// Open opens the store, makes or migrates its tables, makes its key at first
// start, and reads everything. The database must be reachable. The error says
// what to do; it is of ErrUnavailable, ErrKeyMissing, ErrWrongKey, ErrBadKey,
// ErrSchema or ErrBadValue.
func Open(ctx context.Context, options Options) (*Store, error) {
	if options.Poll == 0 {
		options.Poll = DefaultPoll
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	db, file, err := openDatabase(options.URL)
	if err != nil {
		return nil, err
	}
	if options.KeyFile == "" {
		options.KeyFile = file + ".key"
		if file == "" {
			return nil, errors.Join(failf(ErrBadValue, "store %s needs a key file: set key_file, the same file on every box", shown(options.URL)), db.Close())
		}
	}
	s := &Store{db: db, options: options, done: make(chan struct{})}
	s.touched.at = make(map[string]time.Time)
	s.snapshot.Store(&Snapshot{})
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	watching, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.watch(watching)
	return s, nil
}

// start does what Open does once the database is named.
func (s *Store) start(ctx context.Context) error {
	if err := s.db.reach(ctx, shown(s.options.URL)); err != nil {
		return err
	}
	if err := migrate(ctx, s.db); err != nil {
		return err
	}
	if err := s.unlock(ctx); err != nil {
		return err
	}
	if !s.options.Unseeded {
		if err := s.seed(ctx); err != nil {
			return err
		}
	}
	return s.refresh(ctx)
}

// unlock loads the key and makes sure that it is the one of this store.
func (s *Store) unlock(ctx context.Context) error {
	check, err := s.keyCheck(ctx)
	if err != nil {
		return err
	}
	key, made, err := loadKey(s.options.KeyFile, check != nil)
	if err != nil {
		return err
	}
	if s.sealer, err = newSealer(key); err != nil {
		return err
	}
	if check == nil { // a new store; another box may be just as new
		check, err = s.keepKeyCheck(ctx)
		if err != nil {
			return err
		}
	}
	if _, err := s.sealer.open("", check); err != nil {
		if made { // just now, and nothing is encrypted with it
			err = os.Remove(s.options.KeyFile)
		} else {
			err = nil
		}
		return errors.Join(failf(ErrWrongKey, "key file %s is not the one that this store's passwords are encrypted with: "+
			"restore that one from a backup, or copy it from another box that shares this store", s.options.KeyFile), err)
	}
	return nil
}

// keyCheck returns the sealed check; nil in a new store.
func (s *Store) keyCheck(ctx context.Context) (check []byte, err error) {
	err = s.db.transact(ctx, true, func(t *transaction) error {
		check, err = meta(t, "key_check", hexBytes)
		return err
	})
	return check, err
}

// keepKeyCheck stores the check, and returns the one that is stored then.
func (s *Store) keepKeyCheck(ctx context.Context) (check []byte, err error) {
	err = s.db.transact(ctx, false, func(t *transaction) error {
		if _, err := raise(t); err != nil {
			return err
		}
		if check, err = meta(t, "key_check", hexBytes); check != nil || err != nil {
			return err
		}
		check = s.sealer.seal("", keyCheck)
		return setMeta(t, "key_check", hexText(check))
	})
	return check, err
}

// Close writes what Touch has collected and closes the store. Nothing else
// may be called then but Snapshot.
func (s *Store) Close() error {
	s.stop()
	<-s.done
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	return errors.Join(s.flush(ctx), s.db.Close())
}

// errUnchanged ends a write that turned out to have nothing to do.
var errUnchanged = failf(ErrExists, "unchanged")

// write runs do in a transaction with the version that its rows must get, and
// makes the change part of Snapshot before it returns.
func (s *Store) write(ctx context.Context, do func(t *transaction, version int64) error) error {
	var version int64
	err := s.db.transact(ctx, false, func(t *transaction) (err error) {
		if version, err = raise(t); err != nil {
			return err
		}
		return do(t, version)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err != nil {
		return err
	}
	// The change stands, whatever becomes of the caller or the database now:
	// where this fails, watch does it later.
	if s.snapshot.Load().version < version {
		refreshing, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
		defer cancel()
		if err := s.refresh(refreshing); err != nil {
			s.options.Log.Warn("a change of the registry is stored, but could not be read back yet", "error", err)
		}
	}
	return nil
}

// raise raises the registry's version, and returns the new one.
func raise(t *transaction) (version int64, err error) {
	err = t.row("UPDATE registry SET version = version + 1 WHERE id = 1 RETURNING version", nil, &version)
	return version, err
}

// read runs do in a read-only transaction.
func (s *Store) read(ctx context.Context, do func(t *transaction) error) error {
	return s.db.transact(ctx, true, do)
}

// meta returns a value of the meta table; nil where it is not set.
func meta[T any](t *transaction, name string, parse func(string) (T, error)) (value T, err error) {
	var text string
	switch err := t.row("SELECT value FROM meta WHERE name = ?", []any{name}, &text); {
	case errors.Is(err, sql.ErrNoRows):
		return value, nil
	case err != nil:
		return value, err
	}
	if value, err = parse(text); err != nil {
		return value, failf(ErrUnavailable, "the store is damaged: meta value %s is %q: restore it from a backup", name, text)
	}
	return value, nil
}

func setMeta(t *transaction, name, value string) error {
	_, err := t.exec("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}

// exists says whether a file is there, and not only out of reach.
func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}
