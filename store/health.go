package store

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

// Healthy returns nil, or an *Unavailable while the database is unavailable or accepts
// no changes.
func (s *Store) Healthy() error {
	if u := s.health.Load(); u != nil {
		return u
	}
	return nil
}

// sayAgain is how often an outage may be logged again when its reason changes: a
// driver's message may differ with each attempt.
const sayAgain = time.Minute

// trialSize is how much writable tries to write: more than any change of one account,
// so that a disk with room for a page, but not for the next account, is not called
// healthy.
const trialSize = 64 << 10

// away records that the database cannot be used, and logs it if that is news.
func (s *Store) away(err error, unopened bool) {
	now := s.options.Now()
	u := &Unavailable{Since: now, Err: err, Unopened: unopened, said: now}
	if unopened {
		u.Accounts, u.Remembered = s.Snapshot().NumAccounts(), s.remembered.at
	}
	news := true
	for {
		before := s.health.Load()
		if before != nil {
			if err == errSlow {
				return // an attempt has already said more
			}
			u.Since = before.Since
			news = causeOf(err) != causeOf(before.Err) || before.Err == errSlow ||
				before.Err.Error() != err.Error() && now.Sub(before.said) >= sayAgain
			if !news {
				u.said = before.said
			}
		}
		if s.health.CompareAndSwap(before, u) {
			break
		}
	}
	if news {
		s.options.Log.Warn("the store's database is unavailable: "+u.serving(), "error", err)
	}
}

// back records that the database can be used.
func (s *Store) back() {
	if before := s.health.Swap(nil); before != nil {
		s.options.Log.Info("the store's database is available again", "accounts", s.Snapshot().NumAccounts(), "away", s.options.Now().Sub(before.Since).Round(time.Second))
	}
}

// wrote records whether changes are possible. One that fails through its caller's fault
// says nothing about that.
func (s *Store) wrote(err error) {
	if err != nil && !errors.Is(err, ErrUnavailable) {
		return
	}
	s.writes.Lock()
	before := s.writes.failed
	s.writes.failed = err
	s.writes.Unlock()
	switch {
	case err != nil:
		s.away(err, false)
	case before != nil:
		s.back()
	}
}

// writable checks whether changes are possible again after one has failed: a full disk
// can still be read.
func (s *Store) writable(ctx context.Context) error {
	s.writes.Lock()
	failed := s.writes.failed
	s.writes.Unlock()
	if failed == nil {
		return nil
	}
	// Different bytes each time: SQLite does not write unchanged data.
	trial := make([]byte, trialSize/2)
	rand.Read(trial)
	err := s.change(ctx, func(t *transaction) error { return setMeta(t, "write_check", hexText(trial)) })
	if err != nil {
		return err
	}
	return s.change(ctx, func(t *transaction) error {
		_, err := t.exec("DELETE FROM meta WHERE name = 'write_check'")
		return err
	})
}
