package store

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

// Healthy returns nil, or *Unavailable while the database is away, or takes no
// changes.
func (s *Store) Healthy() error {
	if u := s.health.Load(); u != nil {
		return u
	}
	return nil
}

// sayAgain is how often an outage may be told of again, when its reason changes:
// what a driver says may differ with each attempt.
const sayAgain = time.Minute

// trialSize is how much writable tries to write: more than any change of one
// account, so that a disk is not called well that has room for a page, and not
// for the next account.
const trialSize = 64 << 10

// away notes that the database can't be used, and says so when it is news.
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
				return // an attempt has said more
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
		s.options.Log.Warn("the store's database is away: "+u.serving(), "error", err)
	}
}

// back notes that the database can be used.
func (s *Store) back() {
	if before := s.health.Swap(nil); before != nil {
		s.options.Log.Info("the store's database is back", "accounts", s.Snapshot().NumAccounts(), "away", s.options.Now().Sub(before.Since).Round(time.Second))
	}
}

// wrote notes whether a change could be made. One that its caller got wrong
// says nothing.
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

// writable asks whether changes can be made, where the last one could not: a
// disk that is full still reads.
func (s *Store) writable(ctx context.Context) error {
	s.writes.Lock()
	failed := s.writes.failed
	s.writes.Unlock()
	if failed == nil {
		return nil
	}
	// Other bytes each time: SQLite does not write what is there already.
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
