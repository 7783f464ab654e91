package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"farmproxy/sqlite"
)

// open opens the database, however long it takes; it returns false if ctx ended first.
func (s *Store) open(ctx context.Context, first chan<- struct{}) bool {
	for failures := 1; !s.opened.Load(); failures++ {
		attempt, cancel := context.WithTimeout(ctx, openTimeout)
		err := s.connect(attempt)
		cancel()
		if ctx.Err() != nil && err != nil {
			return false
		}
		if err == nil {
			s.back()
		} else {
			s.away(err, true)
		}
		if first != nil {
			close(first)
			first = nil
		}
		if err == nil {
			break
		}
		wait := time.NewTimer(s.wait(failures))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return false
		}
	}
	return true
}

// connect tries once to open the database. If that fails it leaves nothing open, and no
// new key.
func (s *Store) connect(ctx context.Context) error {
	if s.place.file != "" && s.remembered.accounts > 0 && blank(s.place.file) {
		return s.gone() // with nothing written: the log of a new store would spoil one that is put in its place
	}
	db, err := openDatabase(s.place)
	if err != nil {
		return err
	}
	if db.clock = s.options.databaseNow; db.clock == nil && !db.postgres {
		db.clock = s.options.Now
	}
	s.db = db
	if err := s.prepare(ctx); err != nil {
		s.db, s.sealer = nil, nil
		return errors.Join(err, db.Close())
	}
	s.opened.Store(true)
	return nil
}

// gone returns an error if the store is new although accounts are remembered. A volume
// may not be mounted, or the database may be in the middle of a restore: believing it
// would send the miners of all accounts away.
func (s *Store) gone() error {
	how := "remove the latter to begin with an empty store"
	if s.place.file != "" {
		how = "run farmproxy store repair -c CONFIGURATION to make a new store with them, or " + how
	}
	return failf(ErrGone, "store %q is empty or missing, but %d accounts are remembered in %s: mount or restore it, %s",
		s.place.shown, s.remembered.accounts, s.options.StateFile, how)
}

// prepare does connect's work once the database is known.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.db.reach(ctx, s.place.shown); err != nil {
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

// unlock loads the key and makes sure that it belongs to this store.
func (s *Store) unlock(ctx context.Context) error {
	check, err := s.keyCheck(ctx)
	if err != nil {
		return err
	}
	if check == nil && s.remembered.accounts > 0 {
		return s.gone()
	}
	key, made, err := loadKey(s.options.KeyFile, check != nil)
	if err != nil {
		return keyTrouble(err)
	}
	if s.sealer, err = newSealer(key); err != nil {
		return err
	}
	if check == nil { // a new store; another machine may be at the same point
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
		return errors.Join(wrongKey(s.options.KeyFile), err)
	}
	return nil
}

func wrongKey(file string) error {
	return failf(ErrWrongKey, "key file %s is not the one that this store's passwords are encrypted with: "+
		"restore that one from a backup, or copy it from another box that shares this store", file)
}

// keyTrouble assigns a kind to an error of the key's file.
func keyTrouble(err error) error {
	var told *sentence
	if errors.As(err, &told) {
		return err
	}
	kind := ErrBadKey
	if sqlite.NoRoom(err) {
		kind = ErrDiskFull
	}
	return &sentence{kind, fmt.Sprintf("key file: %v", err), err}
}

// keyCheck returns the sealed check, or nil in a new store.
func (s *Store) keyCheck(ctx context.Context) (check []byte, err error) {
	err = s.db.transact(ctx, true, func(t *transaction) error {
		check, err = meta(t, "key_check", hexBytes)
		return err
	})
	return check, err
}

// keepKeyCheck stores the check, and returns the one now stored.
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
