package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultPoll is how often the database is asked whether another machine changed
	// something: that reads one row by its key, so a change is everywhere within 2 s at
	// next to no cost.
	DefaultPoll = time.Second
	// maxPoll is the longest pause between attempts while the database is unavailable.
	maxPoll = 30 * time.Second
	// answerTimeout is how long the database may take to answer a poll, or the first
	// question at start, before it counts as unavailable.
	answerTimeout = 10 * time.Second
	// openTimeout is how long one attempt to open the store may take: a database on
	// another machine may be starting too, and migrations may run.
	openTimeout = 20 * time.Second
	// startPatience is how long Start waits for the database. Most answer within a
	// tenth of it; miners wait meanwhile.
	startPatience = 2 * time.Second
	// refreshTimeout is for reading changes, which may be the whole registry:
	// 100,000 accounts take 0.4 s from a file.
	refreshTimeout = 30 * time.Second
	// flushEvery is how often Touch's times are written.
	flushEvery = 10 * time.Second
)

// keyCheck is a text sealed in the database, to tell at start whether the key is the
// right one.
const keyCheck = "farmproxy"

// Options say where the store is. Only URL is required.
type Options struct {
	// URL is sqlite:///path/file.db or postgres://user:password@host/database.
	URL string
	// KeyFile holds the key that encrypts passwords; it is created at the first start.
	// Machines that share a store need copies of the same file. Empty: for SQLite, the
	// database file's name with .key added.
	KeyFile string
	// StateFile is where the store's content is saved for a start without its database,
	// see Start; empty: nowhere.
	StateFile string
	// Unseeded leaves the shipped algorithms and pools out of a new store.
	Unseeded bool
	// Poll is the time between checks for changes by other machines; 0 is DefaultPoll.
	Poll time.Duration
	// Now is this machine's clock; nil is time.Now. PostgreSQL has its own, which all
	// machines use; see clock.go.
	Now         func() time.Time
	databaseNow func() time.Time // PostgreSQL's clock, in tests; nil: its own
	// Log gets a line when the database goes away and comes back; nil: none.
	Log *slog.Logger
}

// Store is a registry. All methods may be called from any goroutine except an event
// loop, because they wait for the database as long as their context lasts: give it a
// deadline. Snapshot, Healthy and Touch may be called from anywhere.
//
// Writers: every change runs in write, which raises the registry's version first. That
// row is the lock that makes writers queue, on all machines together, so what a change
// has read can't change under it, at any isolation level, and versions become visible
// in order.
//
// Readers: refresh, under the lock refreshing, reads the rows above the snapshot's
// version and publishes the next snapshot. A writer calls it before returning, so its
// change is then in Snapshot; many concurrent writers share refreshes, because the
// first one reads for all.
type Store struct {
	options Options
	place   place

	opened atomic.Bool // db and sealer are set, for good
	db     *database
	sealer *sealer

	snapshot    atomic.Pointer[Snapshot]
	refreshing  sync.Mutex        // held while the database is read
	publishing  sync.Mutex        // never held while the database is waited for; taken last
	subscribers []func(*Snapshot) // under publishing
	changed     chan struct{}     // a snapshot waits to be remembered; one at most

	touched struct { // by account, on this machine's clock, not yet written; at most one per known account
		sync.Mutex
		at         map[string]time.Time // its miners were connected
		registered map[string]time.Time // it was registered again
	}
	health atomic.Pointer[Unavailable] // nil: healthy
	writes struct {                    // whether changes are possible
		sync.Mutex
		failed error // the last attempt's; nil: they are
	}
	clock struct { // watched's last look
		sync.Mutex
		database, own time.Time
	}
	remembered memory // what Start found in StateFile

	stop context.CancelFunc
	done sync.WaitGroup // the goroutines
}

// Open opens the store, creates or migrates its tables, creates its key at the first
// start, and reads everything. The database must be reachable. The error says what to
// do; it is ErrBadValue or one of ErrUnavailable.
func Open(ctx context.Context, options Options) (*Store, error) {
	s, err := newStore(options)
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	s.run(nil)
	return s, nil
}

// Start is Open for a proxy, which serves its miners whatever happens to its database.
// If the database can't be opened within 2 s the store begins with the content of
// Options.StateFile, or empty, and keeps trying: Healthy says why, calls that need the
// database fail with ErrUnavailable, and eventually the database's accounts take over,
// in a Snapshot that is not Recalled. The only error is ErrBadValue, which trying again
// does not fix.
func Start(options Options) (*Store, error) {
	s, err := newStore(options)
	if err != nil {
		return nil, err
	}
	s.recall()
	first := make(chan struct{})
	s.run(first)
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case <-first:
	case <-patience.C:
		s.away(errSlow, true)
	}
	return s, nil
}

// errSlow is the reason while a database has not answered yet.
var errSlow = failf(ErrUnavailable, "it has not answered yet; still trying")

func newStore(options Options) (*Store, error) {
	if options.Poll == 0 {
		options.Poll = DefaultPoll
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	place, err := parsePlace(options.URL)
	if err != nil {
		return nil, err
	}
	if options.KeyFile == "" {
		if place.file == "" {
			return nil, failf(ErrBadValue, "store %q needs a key file: set key_file, with the same file on every machine", place.shown)
		}
		options.KeyFile = place.file + ".key"
	}
	s := &Store{options: options, place: place, changed: make(chan struct{}, 1)}
	s.touched.at, s.touched.registered = make(map[string]time.Time), make(map[string]time.Time)
	s.snapshot.Store(&Snapshot{})
	return s, nil
}

// run starts the goroutines. first, unless nil, is closed after the first
// attempt to open the database.
func (s *Store) run(first chan<- struct{}) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() {
		if s.open(ctx, first) {
			s.watch(ctx)
		}
	})
	if s.options.StateFile != "" {
		s.done.Go(func() { s.remember(ctx) })
	}
}

// Close writes what Touch has collected and closes the store. After it only Snapshot
// may be called.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	if !s.opened.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	return errors.Join(s.flush(ctx), s.db.Close())
}

// errUnchanged ends a write that has nothing to do.
var errUnchanged = failf(ErrExists, "unchanged")

// write runs do in a transaction, with the version that its rows must get, and makes
// the change part of Snapshot before it returns.
func (s *Store) write(ctx context.Context, do func(t *transaction, version int64) error) error {
	var version int64
	err := s.change(ctx, func(t *transaction) (err error) {
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
	// The change stands, whatever happens to the caller or the database now: if this
	// fails, watch does it later.
	if s.snapshot.Load().version < version {
		refreshing, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
		defer cancel()
		if err := s.refresh(refreshing); err != nil {
			s.options.Log.Warn("a registry change is stored, but could not be read back yet", "error", err)
		}
	}
	return nil
}

// rehearse judges a change as write does, and takes it back.
func (s *Store) rehearse(ctx context.Context, do func(t *transaction, version int64) error) error {
	return s.write(ctx, func(t *transaction, version int64) error {
		if err := do(t, version); err != nil {
			return err
		}
		return errUnchanged
	})
}

// raise raises the registry's version, and returns the new one.
func raise(t *transaction) (version int64, err error) {
	err = t.row("UPDATE registry SET version = version + 1 WHERE id = 1 RETURNING version", nil, &version)
	return version, err
}

// read runs do in a read-only transaction.
func (s *Store) read(ctx context.Context, do func(t *transaction) error) error {
	if !s.opened.Load() {
		return s.unopened()
	}
	return s.db.transact(ctx, true, do)
}

// change runs do in a transaction, and records whether changes are possible.
func (s *Store) change(ctx context.Context, do func(t *transaction) error) error {
	if !s.opened.Load() {
		return s.unopened()
	}
	err := s.db.transact(ctx, false, do)
	if !blameless(ctx, err) {
		s.wrote(err)
	}
	return err
}

// unopened returns why the database cannot be used yet.
func (s *Store) unopened() error {
	if u := s.health.Load(); u != nil {
		return &sentence{ErrUnavailable, fmt.Sprintf("the store is not open yet: %v", u.Err), u.Err}
	}
	return failf(ErrUnavailable, "the store is not open yet")
}

// meta returns a value of the meta table, or the zero value if it is not set.
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

// exists reports whether a file exists, as opposed to being out of reach.
func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// blank reports whether a file is missing, or has no bytes.
func blank(file string) bool {
	info, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0
}
