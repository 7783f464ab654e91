package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"
)

// Snapshot returns the registry as this machine currently knows it. It costs nothing.
func (s *Store) Snapshot() *Snapshot { return s.snapshot.Load() }

// Subscribe has f called with each new snapshot, in order and one at a time, beginning
// at once with the current one. f must be quick, and must not call the store: the next
// change waits for it. Subscribe does not wait for a database that is slow to answer: a
// proxy that starts serves its miners meanwhile.
func (s *Store) Subscribe(f func(*Snapshot)) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.subscribers = append(s.subscribers, f)
	f(s.snapshot.Load())
}

// refresh makes the snapshot at least as new as the database was at the time of the
// call.
func (s *Store) refresh(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	old := s.snapshot.Load()
	var c *changes
	err := s.db.transact(ctx, true, func(t *transaction) (err error) {
		c, err = s.changesSince(t, old.version)
		return err
	})
	if err != nil || c == nil {
		return err
	}
	s.publish(old.apply(c))
	return nil
}

// publish makes next the current snapshot. The caller holds refreshing.
func (s *Store) publish(next *Snapshot) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.snapshot.Store(next)
	for _, f := range s.subscribers {
		f(next)
	}
	select {
	case s.changed <- struct{}{}:
	default: // already marked to be remembered
	}
}

// changesSince reads the changes after a version; nil if there are none.
func (s *Store) changesSince(t *transaction, since int64) (*changes, error) {
	c := &changes{
		accounts:   make(map[string]*Account),
		pools:      make(map[string]*Pool),
		algorithms: make(map[string]*Algorithm),
	}
	if err := t.row("SELECT version FROM registry WHERE id = 1", nil, &c.version); err != nil {
		return nil, err
	}
	if c.version == since {
		return nil, nil
	}
	horizon, err := meta(t, "horizon", func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) })
	if err != nil {
		return nil, err
	}
	// A version from the past: the database was restored from a backup.
	if since == 0 || since < horizon || c.version < since {
		c.all, since = true, 0
	} else if err := c.removals(t, since); err != nil {
		return nil, err
	}
	// Anything removed and created again is among the rows, which come last.
	err = t.rows(func(r *sql.Rows) error {
		a, err := scanAlgorithm(r)
		c.algorithms[a.Name] = &a
		return err
	}, "SELECT "+algorithmColumns+" FROM algorithms WHERE version > ?", since)
	if err != nil {
		return nil, err
	}
	err = t.rows(func(r *sql.Rows) error {
		p, err := scanPool(r)
		if errors.Is(err, errUnreadable) { // one damaged row must not stop the others
			s.options.Log.Error("a pool in the store cannot be read; change it over the API, or delete it", "error", err)
			c.pools[p.Address] = nil
			return nil
		}
		c.pools[p.Address] = &p
		return err
	}, "SELECT "+poolColumns+" FROM pools WHERE version > ?", since)
	if err != nil {
		return nil, err
	}
	if err := s.changedAccounts(t, since, c); err != nil {
		return nil, err
	}
	return c, s.changedGoals(t, since, c)
}

// removals reads the removals after a version.
func (c *changes) removals(t *transaction, since int64) error {
	return t.rows(func(r *sql.Rows) error {
		var kind, name string
		if err := r.Scan(&kind, &name); err != nil {
			return err
		}
		switch kind {
		case kindAccount:
			c.accounts[name] = nil
		case kindPool:
			c.pools[name] = nil
		case kindAlgorithm:
			c.algorithms[name] = nil
		}
		return nil
	}, "SELECT kind, name FROM removals WHERE version > ?", since)
}

func (s *Store) changedAccounts(t *transaction, since int64, c *changes) error {
	addresses := make(map[string]string) // one string for the pool of many accounts
	return t.rows(func(r *sql.Rows) error {
		var sealed []byte
		var created int64
		a := new(Account)
		if err := r.Scan(&a.Name, &a.Pool, &a.User, &sealed, &created); err != nil {
			return err
		}
		password, err := s.sealer.open(a.Name, sealed)
		if err != nil { // one damaged row must not stop the others
			s.options.Log.Error("the password of an account cannot be read; register the account again", "account", a.Name, "error", err)
			c.accounts[a.Name] = nil
			return nil
		}
		if known, ok := addresses[a.Pool]; ok {
			a.Pool = known
		}
		addresses[a.Pool] = a.Pool
		a.Password, a.Created = NewSecret(password), fromMillis(created)
		c.accounts[a.Name] = a
		return nil
	}, "SELECT name, pool, pool_user, password, created FROM accounts WHERE version > ?", since)
}

// watch looks for other machines' changes, notices when the database goes away and
// comes back, and writes the touched accounts, until ctx ends.
func (s *Store) watch(ctx context.Context) {
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	failures := 0
	poll := time.NewTimer(s.options.Poll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			if s.Healthy() == nil {
				flushing, cancel := context.WithTimeout(ctx, refreshTimeout)
				s.flush(flushing) // on failure they are kept for next time; the next poll reports it
				cancel()
			}
		case <-poll.C:
			if s.poll(ctx) {
				failures = 0
			} else if ctx.Err() == nil {
				failures++
			}
			poll.Reset(s.wait(failures))
		}
	}
}

// wait returns the time until the next poll.
func (s *Store) wait(failures int) time.Duration {
	if failures == 0 {
		return s.options.Poll
	}
	longest := min(maxPoll, s.options.Poll<<min(failures, 10))
	return longest/2 + rand.N(longest/2+1)
}

// poll checks the version and reads any changes. It keeps the health up to date.
func (s *Store) poll(ctx context.Context) (well bool) {
	err := s.look(ctx)
	if ctx.Err() != nil {
		return false // closing
	}
	if err != nil {
		s.away(err, false)
	} else {
		s.back()
	}
	return err == nil
}

func (s *Store) look(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var version int64
	if err := s.db.QueryRowContext(asking, "SELECT version FROM registry WHERE id = 1").Scan(&version); err != nil {
		return s.db.trouble("the database does not answer", err)
	}
	if err := s.writable(asking); err != nil {
		return err
	}
	if version == s.snapshot.Load().version {
		return nil
	}
	reading, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	return s.refresh(reading)
}
