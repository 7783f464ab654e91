package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"
)

const (
	// touchesPerStatement accounts get their time in one statement: few round trips,
	// and below the databases' limits on parameters.
	touchesPerStatement = 500
	// expiresPerTransaction is small enough that other writers do not wait long.
	expiresPerTransaction = 200
	// MinExpire is the shortest time that Expire accepts: by then other machines have
	// written what they have seen, however late they are.
	MinExpire = time.Hour
)

// Touch records that miners of these accounts are connected. It only collects: the
// times are written every 10 s and by Close, and do not make a new snapshot. Unknown
// names are ignored.
func (s *Store) Touch(names []string) {
	snapshot, now := s.Snapshot(), s.options.Now()
	s.touched.Lock()
	defer s.touched.Unlock()
	for _, name := range names {
		if snapshot.Account(name) != nil {
			touch(s.touched.at, name, now)
		}
	}
}

// registeredAgain records that an account was registered again unchanged: a dashboard
// that does so wants it kept. Like Touch it only collects.
func (s *Store) registeredAgain(name string) {
	now := s.options.Now()
	s.touched.Lock()
	defer s.touched.Unlock()
	touch(s.touched.registered, name, now)
}

// touch records a time unless a later one is known.
func touch(times map[string]time.Time, name string, at time.Time) {
	if at.After(times[name]) {
		times[name] = at
	}
}

// Parts of the statements that write uses no older than the stored ones; the caller
// adds a placeholder per account.
const (
	writeSeen       = "UPDATE accounts SET last_seen = ? WHERE last_seen < ? AND name IN ("
	writeRegistered = "INSERT INTO registrations (account, at) SELECT name, CAST(? AS BIGINT) FROM accounts WHERE CAST(? AS BIGINT) > 0 AND name IN ("
	unlessLater     = ") ON CONFLICT (account) DO UPDATE SET at = excluded.at WHERE registrations.at < excluded.at"
)

// flush writes the collected uses; on failure they are kept.
func (s *Store) flush(ctx context.Context) error {
	s.touched.Lock()
	seen, registered := s.touched.at, s.touched.registered
	s.touched.at, s.touched.registered = make(map[string]time.Time), make(map[string]time.Time)
	s.touched.Unlock()
	if len(seen)+len(registered) == 0 {
		return nil
	}
	err := s.change(ctx, func(t *transaction) error {
		if err := s.writeUses(t, seen, writeSeen, ")"); err != nil {
			return err
		}
		return s.writeUses(t, registered, writeRegistered, unlessLater)
	})
	if err == nil {
		return nil
	}
	s.touched.Lock()
	defer s.touched.Unlock()
	for name, time := range seen {
		touch(s.touched.at, name, time)
	}
	for name, time := range registered {
		touch(s.touched.registered, name, time)
	}
	return err
}

// writeUses writes the times of accounts, many per statement. The statement takes a
// time twice and then the names.
func (s *Store) writeUses(t *transaction, at map[string]time.Time, head, tail string) error {
	now, err := t.now()
	if err != nil {
		return err
	}
	together := s.ages(at)
	for _, age := range slices.Sorted(maps.Keys(together)) {
		names, ms := together[age], millis(now.Add(-age))
		slices.Sort(names) // two machines lock the same rows in the same order
		for some := range slices.Chunk(names, touchesPerStatement) {
			args := []any{ms, ms}
			for _, name := range some {
				args = append(args, name)
			}
			if _, err := t.exec(head+marks(len(some))+tail, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastUse is the time when an account was created or last had a miner, and unused the
// condition for one not used since a time, which it takes twice.
const (
	lastUse = "CASE WHEN last_seen > created THEN last_seen ELSE created END"
	unused  = lastUse + " < ? AND NOT EXISTS (SELECT 1 FROM registrations WHERE account = name AND at >= ?)"
)

// Expire deletes the accounts that had no miner for unusedFor (at least MinExpire) and
// were not registered in that time either, except those that except keeps; nil keeps
// none. It returns their names, including those deleted before an error. Call it at
// least eight times per unusedFor: after a long gap, or a jump of the clock, nothing is
// deleted until all accounts have been watched for unusedFor again. ErrBadValue,
// ErrUnwatched.
func (s *Store) Expire(ctx context.Context, unusedFor time.Duration, except func(name string) bool) ([]string, error) {
	if unusedFor < MinExpire {
		return nil, failf(ErrBadValue, "accounts cannot expire after %v: expected at least %v, because other machines may not have reported yet what they have seen", unusedFor, MinExpire)
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
		_, seen := s.touched.at[name]
		_, registered := s.touched.registered[name]
		s.touched.Unlock()
		return seen || registered || except != nil && except(name)
	}
	var candidates []string
	err = s.read(ctx, func(t *transaction) error {
		candidates = nil
		return t.rows(func(r *sql.Rows) error {
			var name string
			err := r.Scan(&name)
			candidates = append(candidates, name)
			return err
		}, "SELECT name FROM accounts WHERE "+unused+" ORDER BY name", before, before)
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

// expire deletes those of names that are, at this moment, still unused and not kept.
func (s *Store) expire(ctx context.Context, names []string, before int64, kept func(string) bool) (gone []string, err error) {
	err = s.write(ctx, func(t *transaction, version int64) error {
		gone = nil
		for _, name := range names {
			if kept(name) {
				continue
			}
			deleted, err := t.exec("DELETE FROM accounts WHERE name = ? AND "+unused, name, before, before)
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
