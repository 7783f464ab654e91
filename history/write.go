package history

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Entry is what a series did since the last Write that had it.
type Entry struct {
	Key
	Sample
}

// Batch is what is written at a time.
type Batch struct {
	At      time.Time // by the wall clock
	Samples []Entry
	Roster  []Row // workers whose row has changed
	Events  []Event
}

// Write adds a minute: in one transaction, so that all of it is there or nothing. Folding
// and forgetting, which are due once an hour, go along with it.
func (s *Store) Write(ctx context.Context, b *Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := naming{s: s}
	err := s.transact(ctx, func(t *sql.Tx) error {
		names.t = t
		minute := int64(0)
		if err := t.QueryRow("UPDATE clock SET minutes = minutes + 1 RETURNING minutes").Scan(&minute); err != nil {
			return err
		}
		w := writing{Store: s, t: t, minute: minute, at: b.At.Unix(), names: &names}
		if err := w.samples(b.Samples); err != nil {
			return err
		}
		if err := w.roster(b.Roster); err != nil {
			return err
		}
		if err := w.events(b.Events); err != nil {
			return err
		}
		if err := w.fold(); err != nil {
			return err
		}
		return w.prune()
	})
	if err != nil {
		names.undo()
		if again := s.loadSeries(ctx); again != nil { // another process may have given ids out
			err = errors.Join(err, again)
		}
		return s.explain(err)
	}
	names.commit()
	return nil
}

// writing is one Write.
type writing struct {
	*Store
	t      *sql.Tx
	minute int64
	at     int64 // seconds since 1970
	names  *naming
}

// placed is a sample and its series' place.
type placed struct {
	block, series int
	sample        *Sample
}

// samples adds samples to the chunks of now.
func (w *writing) samples(entries []Entry) error {
	var by [numClasses][]placed
	var seen [numClasses][]int
	for i := range entries {
		e := &entries[i]
		id, ok, err := w.names.id(e.Key, w.minute)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		c := e.Kind.class()
		by[c] = append(by[c], placed{id / blockSize, id % blockSize, &e.Sample})
		if e.Up > 0 {
			seen[c] = append(seen[c], id)
		}
	}
	for c, list := range by {
		fine := &tiers[c][0]
		start, step := fine.chunkAt(w.at)
		slices.SortFunc(list, func(x, y placed) int { return x.block - y.block })
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].block == list[0].block {
				n++
			}
			err := w.change(fine, start, list[0].block, func(to *chunk) {
				for i := range list[:n] {
					to.at(list[i].series, step).Add(*list[i].sample)
				}
			})
			if err != nil {
				return err
			}
			list = list[n:]
		}
		if err := w.touch(class(c), seen[c]); err != nil {
			return err
		}
	}
	return nil
}

// touch notes that series are in use, unless that was noted within the last day: the exact
// minute matters to nobody. Asking first for those that are due is one statement instead of
// 10,000.
func (w *writing) touch(c class, ids []int) error {
	due, err := w.due(c)
	if err != nil || len(due) == 0 {
		return err
	}
	stmt, err := w.t.Prepare("UPDATE series SET seen = ? WHERE class = ? AND id = ?")
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, id := range ids {
		if !due[id] {
			continue
		}
		if _, err := stmt.Exec(w.minute, c, id); err != nil {
			return err
		}
	}
	return nil
}

// due returns the ids of the series whose use was not noted within the last day.
func (w *writing) due(c class) (map[int]bool, error) {
	rows, err := w.t.Query("SELECT id FROM series WHERE class = ? AND seen < ?", c, w.minute-int64(day/time.Minute))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := make(map[int]bool)
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids[id] = true
	}
	return ids, rows.Err()
}

// change changes a chunk.
func (w *writing) change(in *tier, start int64, block int, with func(*chunk)) error {
	c, err := readChunk(w.t, in, start, block)
	if err != nil {
		return err
	}
	if c == nil {
		c = newChunk(in.steps)
	}
	with(c)
	_, err = w.t.Exec("INSERT INTO chunks (tier, start, block, folded, data) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET folded = ?4, data = ?5",
		in.number, start, block, in.coarse, c.encode())
	return err
}

// querier is a transaction, or the database.
type querier interface {
	QueryRow(query string, args ...any) *sql.Row
}

// readChunk returns a chunk; nil: there is none.
func readChunk(q querier, in *tier, start int64, block int) (*chunk, error) {
	var data []byte
	err := q.QueryRow("SELECT data FROM chunks WHERE tier = ? AND start = ? AND block = ?", in.number, start, block).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decode(data, in.steps)
}

// maxFold is how many chunks one Write folds: those of 10,000 workers, and some. More are
// left for the next one, so that no transaction is long.
const maxFold = 256

// fold sums up the fine chunks that are over.
func (w *writing) fold() error {
	for c := range tiers {
		now, _ := tiers[c][0].chunkAt(w.at)
		over, err := w.unfolded(&tiers[c][0], now)
		if err != nil {
			return err
		}
		for _, x := range over {
			if err := w.foldChunk(class(c), x); err != nil {
				return err
			}
		}
	}
	return nil
}

// foldChunk makes a fine chunk a step of a coarse one. It sets the step, so a chunk to
// which something was added later may be folded again.
func (w *writing) foldChunk(c class, x whole) error {
	fine, coarse := &tiers[c][0], &tiers[c][1]
	from, err := readChunk(w.t, fine, x.start, x.block)
	if err != nil {
		return err
	}
	start, step := coarse.chunkAt(x.start)
	err = w.change(coarse, start, x.block, func(to *chunk) {
		for series := range blockSize {
			*to.at(series, step) = from.sum(series)
		}
	})
	if err != nil {
		return err
	}
	if _, err := w.t.Exec("UPDATE chunks SET folded = 1 WHERE tier = ? AND start = ? AND block = ?", fine.number, x.start, x.block); err != nil {
		return err
	}
	if c == workers {
		return w.learn(x.block, from)
	}
	return nil
}

// whole names a chunk of a tier.
type whole struct {
	start int64
	block int
}

func (w *writing) unfolded(fine *tier, now int64) (list []whole, err error) {
	rows, err := w.t.Query("SELECT start, block FROM chunks WHERE tier = ? AND folded = 0 AND start != ? LIMIT ?", fine.number, now, maxFold)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x whole
		if err := rows.Scan(&x.start, &x.block); err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, rows.Err()
}
