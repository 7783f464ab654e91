package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Times in the database are compared with each other, including those from different
// machines, so they all come from one clock: PostgreSQL's. SQLite has none but this
// machine's, which may be wrong after a start and jump when it is corrected; watched
// guards against both. Times compared only on this machine come from its monotonic
// clock.

// now returns the database's time, the same throughout a transaction.
func (t *transaction) now() (time.Time, error) {
	switch {
	case !t.at.IsZero():
	case t.db.clock != nil:
		t.at = t.db.clock()
	default:
		var ms int64
		if err := t.row("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)", nil, &ms); err != nil {
			return time.Time{}, err
		}
		t.at = fromMillis(ms)
	}
	return t.at, nil
}

// ErrUnwatched is Expire's error when it can't tell how long accounts have been unused.
var ErrUnwatched = errors.New("not watched for long enough")

const (
	// watchedShare limits the time between two calls of Expire, to this fraction of the
	// time after which accounts expire. In a longer gap nobody looked, which does not
	// mean that accounts were unused: farmproxy was off, or the clock has jumped.
	watchedShare = 4
	// maxDrift is how far the database's clock may drift from this machine's monotonic
	// one between two calls: far above what time servers correct gradually.
	maxDrift = time.Minute
)

// watch is the period in which unused accounts were looked for without a gap. It is
// stored in the database, because it concerns all machines.
type watch struct{ since, last time.Time }

func parseWatch(text string) (w watch, err error) {
	var since, last int64
	_, err = fmt.Sscan(text, &since, &last)
	return watch{fromMillis(since), fromMillis(last)}, err
}

func (w watch) String() string { return fmt.Sprint(millis(w.since), " ", millis(w.last)) }

// watched returns the database's time if it can reliably tell which accounts have been
// unused for unusedFor: there was no gap in looking at accounts in that time. It
// returns ErrUnwatched once per gap, and the zero time while too little time has passed
// since the last one.
func (s *Store) watched(ctx context.Context, unusedFor time.Duration) (now time.Time, err error) {
	var w watch
	var gap error
	err = s.change(ctx, func(t *transaction) error {
		gap = nil
		if now, err = t.now(); err != nil {
			return err
		}
		if w, err = meta(t, "watched", parseWatch); err != nil {
			return err
		}
		if w.since.IsZero() {
			if w, err = watchedSoFar(t, now); err != nil {
				return err
			}
		}
		passed := now.Sub(w.last)
		if passed < -maxDrift || passed > unusedFor/watchedShare || s.drifted(now) {
			gap = failf(ErrUnwatched, "the accounts were not watched from %s to %s: farmproxy was off, or the clock jumped; "+
				"check the clock; unused accounts are deleted from %s on", stamp(w.last), stamp(now), stamp(now.Add(unusedFor)))
			w.since = now
		}
		w.last = now
		return setMeta(t, "watched", w.String())
	})
	if err != nil {
		return time.Time{}, err
	}
	s.clock.Lock()
	s.clock.database, s.clock.own = now, s.options.Now()
	s.clock.Unlock()
	if gap != nil || now.Sub(w.since) < unusedFor {
		return time.Time{}, gap
	}
	return now, nil
}

// watchedSoFar returns the watch of a store that has none yet, derived from its
// accounts.
func watchedSoFar(t *transaction, now time.Time) (watch, error) {
	var first, last int64
	err := t.row("SELECT COALESCE(MIN(created), 0), COALESCE(MAX("+lastUse+"), 0) FROM accounts", nil, &first, &last)
	if first == 0 {
		return watch{now, now}, err
	}
	return watch{fromMillis(first), fromMillis(last)}, err
}

// drifted reports whether the database's clock and this machine's monotonic one
// disagree about the time since the last call of watched.
func (s *Store) drifted(now time.Time) bool {
	s.clock.Lock()
	defer s.clock.Unlock()
	if s.clock.own.IsZero() {
		return false
	}
	drift := now.Round(0).Sub(s.clock.database.Round(0)) - s.options.Now().Sub(s.clock.own)
	return drift.Abs() > maxDrift
}

// ages groups collected uses by how long ago they were: the names for each age.
func (s *Store) ages(at map[string]time.Time) map[time.Duration][]string {
	now := s.options.Now()
	together := make(map[time.Duration][]string) // callers touch many names at once
	for name, seen := range at {
		age := max(0, now.Sub(seen)).Truncate(time.Millisecond)
		together[age] = append(together[age], name)
	}
	return together
}

// marks returns n placeholders for a query.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
