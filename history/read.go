package history

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Point is what a series did in a step.
type Point struct {
	At time.Time // when the step begins
	Sample
}

// Steps returns what a series did between two times, in steps of at least that length, a
// multiple of a resolution that is kept; to is not included. Steps without a sample are
// left out. exact is the length of a step.
//
// The fine resolution is used if it reaches back to from, and step asks for it.
func (s *Store) Steps(ctx context.Context, k Key, from, to time.Time, step time.Duration) (points []Point, exact time.Duration, err error) {
	all, exact, err := s.StepsOf(ctx, k.Kind, []string{k.Name}, from, to, step)
	return all[k.Name], exact, err
}

// StepsOf is Steps for several series of a kind: those whose names are close to each other,
// or came at the same time, are read at once.
func (s *Store) StepsOf(ctx context.Context, kind Kind, names []string, from, to time.Time, step time.Duration) (points map[string][]Point, exact time.Duration, err error) {
	c := kind.class()
	in, err := s.finest(ctx, c, from, step >= tiers[c][1].step)
	if err != nil {
		return nil, 0, err
	}
	exact = max(in.step, step.Truncate(in.step))
	blocks := make(map[int]map[int]string) // the names of series, by block and place in it
	for _, name := range names {
		id, ok := s.lookup(Key{Kind: kind, Name: name})
		if !ok {
			continue
		}
		block := blocks[id/blockSize]
		if block == nil {
			block = make(map[int]string)
			blocks[id/blockSize] = block
		}
		block[id%blockSize] = name
	}
	points = make(map[string][]Point, len(names))
	err = s.scan(ctx, in, from, to, func(t *sql.Tx, start int64) error {
		for block, series := range blocks {
			x, err := s.chunk(t, in, start, block)
			if err != nil {
				return err
			}
			for place, name := range series {
				points[name] = x.stepsInto(points[name], place, in, start, from, to, exact)
			}
		}
		return nil
	})
	return points, exact, err
}

// stepsInto appends what a series did between two times; a chunk that is nil has nothing.
func (c *chunk) stepsInto(points []Point, series int, in *tier, start int64, from, to time.Time, exact time.Duration) []Point {
	if c == nil {
		return points
	}
	for i := range in.steps {
		at := time.Unix(start, 0).Add(time.Duration(i) * in.step)
		if sample := c.at(series, i); (sample.Seconds > 0 || sample.Accepted > 0) && !at.Before(from.Truncate(in.step)) && at.Before(to) {
			points = merge(points, at.Truncate(exact), *sample)
		}
	}
	return points
}

// chunk returns a chunk for a reader. Into a coarse one it sums up the fine ones that are
// not folded yet: the hour that is not over.
func (s *Store) chunk(t *sql.Tx, in *tier, start int64, block int) (*chunk, error) {
	c, err := readChunk(t, in, start, block)
	if err != nil || !in.coarse {
		return c, err
	}
	fine := in.fine()
	rows, err := t.Query("SELECT start, data FROM chunks WHERE tier = ? AND start >= ? AND start < ? AND block = ? AND folded = 0",
		fine.number, start, start+int64(in.length()/time.Second), block)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var data []byte
		if err := rows.Scan(&at, &data); err != nil {
			return nil, err
		}
		from, err := decode(data, fine.steps)
		if err != nil {
			return nil, err
		}
		if c == nil {
			c = newChunk(in.steps)
		}
		_, step := in.chunkAt(at)
		for series := range blockSize {
			*c.at(series, step) = from.sum(series)
		}
	}
	return c, rows.Err()
}

// finest returns the fine resolution if it reaches back to a time, unless the coarse one
// is good enough.
func (s *Store) finest(ctx context.Context, c class, from time.Time, coarse bool) (*tier, error) {
	fine := &tiers[c][0]
	if coarse {
		return &tiers[c][1], nil
	}
	var oldest, all sql.NullInt64
	err := s.db.QueryRowContext(ctx, "SELECT (SELECT min(start) FROM chunks WHERE tier = ?), (SELECT min(start) FROM chunks WHERE tier = ?)",
		fine.number, tiers[c][1].number).Scan(&oldest, &all)
	switch start, _ := fine.chunkAt(from.Unix()); {
	case err != nil:
		return nil, s.explain(err)
	case oldest.Int64 <= start || !all.Valid || all.Int64+int64(tiers[c][1].length()/time.Second) > oldest.Int64: // or nothing is older
		return fine, nil
	}
	return &tiers[c][1], nil
}

// merge adds a sample to the last point, if it is of the same step.
func merge(points []Point, at time.Time, s Sample) []Point {
	if n := len(points); n > 0 && points[n-1].At.Equal(at) {
		points[n-1].Add(s)
		return points
	}
	return append(points, Point{at, s})
}

// scan calls f for the start of each chunk that may have steps between two times, in a
// transaction.
func (s *Store) scan(ctx context.Context, in *tier, from, to time.Time, f func(t *sql.Tx, start int64) error) error {
	t, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return s.explain(err)
	}
	defer t.Rollback()
	first, _ := in.chunkAt(from.Unix())
	for start := first; start < to.Unix(); start += int64(in.length() / time.Second) {
		if err := errors.Join(ctx.Err(), f(t, start)); err != nil {
			return s.explain(err)
		}
	}
	return nil
}

// Sums returns what each series of a kind did between two times, by name; those that did
// nothing are left out. Times are rounded down to a step.
func (s *Store) Sums(ctx context.Context, kind Kind, from, to time.Time) (map[string]Sample, error) {
	c := kind.class()
	in, err := s.finest(ctx, c, from, to.Sub(from) > day)
	if err != nil {
		return nil, err
	}
	names := make(map[int]string)
	s.mu.Lock()
	for name, id := range s.ids[kind] {
		names[int(id)] = name
	}
	blocks := (s.next[c] + blockSize - 1) / blockSize
	s.mu.Unlock()
	sums := make(map[string]Sample, len(names))
	err = s.scan(ctx, in, from.Truncate(in.step), to, func(t *sql.Tx, start int64) error {
		for block := range blocks {
			x, err := s.chunk(t, in, start, block)
			if err != nil {
				return err
			}
			if x != nil {
				x.sumInto(sums, names, block, in, start, from.Truncate(in.step).Unix(), to.Unix())
			}
		}
		return nil
	})
	return sums, err
}

// sumInto adds what a block's series did between two times.
func (c *chunk) sumInto(sums map[string]Sample, names map[int]string, block int, in *tier, start, from, to int64) {
	width := int64(in.step / time.Second)
	for series := range blockSize {
		name, ok := names[block*blockSize+series]
		if !ok {
			continue
		}
		sum := sums[name]
		for i := range in.steps {
			if at := start + int64(i)*width; at >= from && at < to {
				sum.Add(*c.at(series, i))
			}
		}
		if sum.Seconds > 0 {
			sums[name] = sum
		}
	}
}
