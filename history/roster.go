package history

import (
	"context"
	"database/sql"
	"time"
)

// Row is what is known of a worker besides its samples.
type Row struct {
	Name       string
	Expected   bool // an operator listed it: it is never forgotten
	Up         bool
	Since      time.Time // it is up, or down; by the wall clock, as all times here
	FirstSeen  time.Time // zero: never
	LastSeen   time.Time // zero: never
	Address    string    // ip:port of its last miner
	Agent      string
	Group      string
	Account    string
	Pool       string
	Algorithm  string
	Difficulty float64
	Usual      float64 // H/s while it is up; 0: unknown yet. Write leaves it as it is
	OnlyTimes  bool    // Write leaves all but up and the times as it is
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0)
}

// roster writes rows. What an operator listed stays listed, and the first time that a
// worker was seen stays the first.
func (w *writing) roster(rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	stmt, err := w.t.Prepare(`INSERT INTO workers
		(name, expected, up, since, first_seen, last_seen, minute, address, agent, grp, account, pool, algorithm, difficulty, usual)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0)
		ON CONFLICT (name) DO UPDATE SET expected = max(expected, ?2), up = ?3, since = ?4,
		first_seen = CASE WHEN first_seen = 0 THEN ?5 ELSE first_seen END, last_seen = ?6, minute = ?7,
		address = ?8, agent = ?9, grp = ?10, account = ?11, pool = ?12, algorithm = ?13, difficulty = ?14`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	times, err := w.t.Prepare("UPDATE workers SET up = ?1, since = ?2, last_seen = ?3, minute = ?4 WHERE name = ?5")
	if err != nil {
		return err
	}
	defer times.Close()
	for i := range rows {
		r := &rows[i]
		if r.OnlyTimes {
			if _, err := times.Exec(r.Up, unix(r.Since), unix(r.LastSeen), w.minute, r.Name); err != nil {
				return err
			}
			continue
		}
		_, err := stmt.Exec(r.Name, r.Expected, r.Up, unix(r.Since), unix(r.FirstSeen), unix(r.LastSeen), w.minute,
			r.Address, r.Agent, r.Group, r.Account, r.Pool, r.Algorithm, r.Difficulty)
		if err != nil {
			return err
		}
	}
	return nil
}

// usualWeight is what an hour counts in a worker's usual hash rate: the last day or two
// decide.
const usualWeight = 1.0 / 24

// learn takes an hour of a block's workers into their usual hash rate, those that were
// up for most of it.
func (w *writing) learn(block int, hour *chunk) error {
	stmt, err := w.t.Prepare(`UPDATE workers SET usual = CASE WHEN usual = 0 THEN ?1 ELSE usual + (?1 - usual) * ?2 END
		WHERE name = (SELECT name FROM series WHERE class = ?3 AND id = ?4)`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for series := range blockSize {
		s := hour.sum(series)
		if s.Up < uint64(foldEvery/time.Second/2) {
			continue
		}
		if _, err := stmt.Exec(s.WhileUp(), usualWeight, workers, block*blockSize+series); err != nil {
			return err
		}
	}
	return nil
}

// Roster returns all workers that are remembered, by name.
func (s *Store) Roster(ctx context.Context) ([]Row, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, expected, up, since, first_seen, last_seen, address, agent, grp, account, pool, algorithm, difficulty, usual
		FROM workers ORDER BY name`)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Row
	for rows.Next() {
		var r Row
		var since, first, last int64
		err := rows.Scan(&r.Name, &r.Expected, &r.Up, &since, &first, &last, &r.Address, &r.Agent, &r.Group, &r.Account, &r.Pool, &r.Algorithm, &r.Difficulty, &r.Usual)
		if err != nil {
			return nil, s.explain(err)
		}
		r.Since, r.FirstSeen, r.LastSeen = fromUnix(since), fromUnix(first), fromUnix(last)
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, s.explain(err)
	}
	return list, nil
}

// Usual returns the workers' usual hash rates, in H/s, by name; those that are not known
// yet are left out.
func (s *Store) Usual(ctx context.Context) (map[string]float64, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT name, usual FROM workers WHERE usual > 0")
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	usual := make(map[string]float64)
	for rows.Next() {
		var name string
		var rate float64
		if err := rows.Scan(&name, &rate); err != nil {
			return nil, s.explain(err)
		}
		usual[name] = rate
	}
	if err := rows.Err(); err != nil {
		return nil, s.explain(err)
	}
	return usual, nil
}

// Expect lists workers that have to be there; those that were never seen are down since
// now. It returns how many were not known before.
func (s *Store) Expect(ctx context.Context, names []string, now time.Time) (added int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.transact(ctx, func(t *sql.Tx) error {
		var have int
		if err := t.QueryRow("SELECT count(*) FROM workers").Scan(&have); err != nil {
			return err
		}
		for _, name := range names {
			if changed, err := changes(t.Exec("UPDATE workers SET expected = 1 WHERE name = ?", name)); err != nil {
				return err
			} else if changed > 0 {
				continue
			}
			if have+added >= maxWorkers {
				return errFull
			}
			_, err := t.Exec(`INSERT INTO workers (name, expected, up, since, first_seen, last_seen, minute, address, agent, grp, account, pool, algorithm, difficulty, usual)
				VALUES (?, 1, 0, ?, 0, 0, 0, '', '', '', '', '', '', 0, 0)`, name, now.Unix())
			if err != nil {
				return err
			}
			added++
		}
		return nil
	})
	if err != nil {
		return 0, s.explain(err)
	}
	return added, nil
}

// Forget removes workers from the roster; their samples age. It returns how many there
// were. A worker that is up is back with the next minute.
func (s *Store) Forget(ctx context.Context, names []string) (removed int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.transact(ctx, func(t *sql.Tx) error {
		for _, name := range names {
			n, err := changes(t.Exec("DELETE FROM workers WHERE name = ?", name))
			if err != nil {
				return err
			}
			removed += n
		}
		return nil
	})
	if err != nil {
		return 0, s.explain(err)
	}
	return removed, nil
}

func changes(r sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}
