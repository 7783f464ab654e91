package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"
)

const (
	// touchesPerStatement accounts get their time in one statement: few round
	// trips, and below what databases take as parameters.
	touchesPerStatement = 500
	// expiresPerTransaction keeps other writers from waiting long.
	expiresPerTransaction = 200
	// MinExpire is the shortest time that Expire takes: what other boxes have
	// seen is written by then, however late they are.
	MinExpire = time.Hour
)

// Touch notes that miners of these accounts are connected. It only collects: the
// times are written every 10 s and at Close, and do not make a new snapshot.
// Names of no account are passed over.
func (s *Store) Touch(names []string) {
	snapshot, now := s.Snapshot(), s.options.Now()
	s.touched.Lock()
	defer s.touched.Unlock()
	for _, name := range names {
		if snapshot.Account(name) != nil {
			s.touch(name, now)
		}
	}
}

// touch notes a time unless a later one is known. touched must be locked.
func (s *Store) touch(name string, at time.Time) {
	if at.After(s.touched.at[name]) {
		s.touched.at[name] = at
	}
}

// flush writes what Touch has collected; it is kept when that fails.
func (s *Store) flush(ctx context.Context) error {
	s.touched.Lock()
	at := s.touched.at
	s.touched.at = make(map[string]time.Time)
	s.touched.Unlock()
	if len(at) == 0 {
		return nil
	}
	err := s.change(ctx, func(t *transaction) error {
		now, err := t.now()
		if err != nil {
			return err
		}
		together := s.ages(at)
		for _, age := range slices.Sorted(maps.Keys(together)) {
			names, ms := together[age], millis(now.Add(-age))
			slices.Sort(names) // two boxes lock the same rows in the same order
			for some := range slices.Chunk(names, touchesPerStatement) {
				args := []any{ms, ms}
				for _, name := range some {
					args = append(args, name)
				}
				if _, err := t.exec("UPDATE accounts SET last_seen = ? WHERE last_seen < ? AND name IN ("+marks(len(some))+")", args...); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	s.touched.Lock()
	defer s.touched.Unlock()
	for name, time := range at {
		s.touch(name, time)
	}
	return err
}

// lastUse is when an account was used last, and unused the condition for one
// that nobody used since a time.
const (
	lastUse = "CASE WHEN last_seen > created THEN last_seen ELSE created END"
	unused  = lastUse + " < ?"
)

// Expire deletes the accounts that had no miner for unusedFor (at least
// MinExpire) and were not registered since either, but never one that except
// keeps; nil keeps none. It returns their names, also those deleted before an
// error. It is to be called at least eight times in unusedFor: where nobody
// looked for long, or the clock has jumped, nothing is deleted before all
// accounts were watched for unusedFor again. ErrBadValue, ErrUnwatched.
func (s *Store) Expire(ctx context.Context, unusedFor time.Duration, except func(name string) bool) ([]string, error) {
	if unusedFor < MinExpire {
		return nil, failf(ErrBadValue, "accounts can't expire after %v: expected at least %v, because other boxes may not have told yet what they have seen", unusedFor, MinExpire)
	}
	now, err := s.watched(ctx, unusedFor)
	if err != nil || now.IsZero() {
		return nil, err
	}
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	before := millis(now.Add(-unusedFor))
	kept := func(name string) bool {
		s.touched.Lock()
		_, touched := s.touched.at[name]
		s.touched.Unlock()
		return touched || except != nil && except(name)
	}
	var candidates []string
	err = s.read(ctx, func(t *transaction) error {
		candidates = nil
		return t.rows(func(r *sql.Rows) error {
			var name string
			err := r.Scan(&name)
			candidates = append(candidates, name)
			return err
		}, "SELECT name FROM accounts WHERE "+unused+" ORDER BY name", before)
	})
	if err != nil {
		return nil, err
	}
	candidates = slices.DeleteFunc(candidates, kept)
	var expired []string
	for some := range slices.Chunk(candidates, expiresPerTransaction) {
		gone, err := s.expire(ctx, some, before, kept)
		expired = append(expired, gone...)
		if err != nil {
			return expired, err
		}
	}
	return expired, nil
}

// expire deletes those of names that are still unused, and not kept, now.
func (s *Store) expire(ctx context.Context, names []string, before int64, kept func(string) bool) (gone []string, err error) {
	err = s.write(ctx, func(t *transaction, version int64) error {
		gone = nil
		for _, name := range names {
			if kept(name) {
				continue
			}
			deleted, err := t.exec("DELETE FROM accounts WHERE name = ? AND "+unused, name, before)
			if err != nil {
				return err
			}
			if deleted == 1 {
				gone = append(gone, name)
			}
		}
		if len(gone) == 0 {
			return errUnchanged
		}
		return s.removed(t, version, kindAccount, gone...)
	})
	if err != nil {
		return nil, err
	}
	return gone, nil
}
