package history

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
)

// Kind says what a series is of.
type Kind string

const (
	Worker Kind = "worker"
	Farm   Kind = "farm" // the only one of its kind, without a name
	Pool   Kind = "pool"
	Group  Kind = "group"
)

func (k Kind) class() class {
	if k == Worker {
		return workers
	}
	return totals
}

// Key names a series.
type Key struct {
	Kind Kind
	Name string
}

const (
	// maxWorkers bounds the names that are remembered: as many as the books may have.
	maxWorkers = 100_000

	// maxTotals bounds pools and groups that are told apart: more would be a rule that
	// makes a group of each worker.
	maxTotals = 1024
)

var bounds = [numClasses]int{workers: maxWorkers, totals: maxTotals}

// loadSeries reads which ids are given out. The caller has mu, or is alone.
func (s *Store) loadSeries(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, "SELECT class, id, kind, name FROM series ORDER BY class, id")
	if err != nil {
		return err
	}
	defer rows.Close()
	s.ids = make(map[Kind]map[string]int32)
	s.next, s.free = [numClasses]int{}, [numClasses][]int{}
	for rows.Next() {
		var c class
		var id int
		var k Key
		if err := rows.Scan(&c, &id, &k.Kind, &k.Name); err != nil {
			return err
		}
		if c >= numClasses {
			continue
		}
		for ; s.next[c] < id; s.next[c]++ {
			s.free[c] = append(s.free[c], s.next[c])
		}
		s.give(k, id)
		s.next[c] = id + 1
	}
	for c := range s.free {
		slices.Reverse(s.free[c])
	}
	return rows.Err()
}

// give notes a series' id. The caller has mu, or is alone.
func (s *Store) give(k Key, id int) {
	if s.ids[k.Kind] == nil {
		s.ids[k.Kind] = make(map[string]int32)
	}
	s.ids[k.Kind][k.Name] = int32(id)
}

// naming gives out ids, and takes them back, within a transaction: that counts only if
// it is committed.
type naming struct {
	s     *Store
	t     *sql.Tx
	fresh []Key
	gone  []Key
}

// id returns the id of a series, a new one if it has none yet; false: there are too
// many.
func (n *naming) id(k Key, minute int64) (id int, ok bool, err error) {
	c := k.Kind.class()
	if id, ok := n.s.ids[k.Kind][k.Name]; ok {
		return int(id), true, nil
	}
	if n.s.next[c]-len(n.s.free[c]) >= bounds[c] {
		return 0, false, nil
	}
	if last := len(n.s.free[c]) - 1; last >= 0 {
		id, n.s.free[c] = n.s.free[c][last], n.s.free[c][:last]
	} else {
		id = n.s.next[c]
		n.s.next[c]++
	}
	n.s.give(k, id)
	n.fresh = append(n.fresh, k)
	_, err = n.t.Exec("INSERT INTO series (class, id, kind, name, seen) VALUES (?, ?, ?, ?, ?)", c, id, k.Kind, k.Name, minute)
	return id, true, err
}

// commit takes back the ids of series that are gone, undo those that were given out.
func (n *naming) commit() { n.release(n.gone) }
func (n *naming) undo()   { n.release(n.fresh) }

func (n *naming) release(list []Key) {
	for _, k := range list {
		c := k.Kind.class()
		n.s.free[c] = append(n.s.free[c], int(n.s.ids[k.Kind][k.Name]))
		delete(n.s.ids[k.Kind], k.Name)
	}
}

// errFull is the error of one name too many.
var errFull = fmt.Errorf("there are %d workers already, and no more are remembered: remove old names first", maxWorkers)

// lookup returns the id of a series.
func (s *Store) lookup(k Key) (id int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.ids[k.Kind][k.Name]
	return int(n), ok
}

// Names returns the names of all series of a kind, sorted.
func (s *Store) Names(kind Kind) []string {
	s.mu.Lock()
	names := slices.Collect(maps.Keys(s.ids[kind]))
	s.mu.Unlock()
	slices.Sort(names)
	return names
}
