package history

import "time"

// pruneEvery is how often, in recorded minutes, what is too old is removed.
const pruneEvery = 60

// prune removes what is kept no longer, once an hour. SQLite uses the room again.
func (w *writing) prune() error {
	if w.minute%pruneEvery != 0 {
		return nil
	}
	keep := w.retention.Load()
	for c := range tiers {
		for i := range tiers[c] {
			t := &tiers[c][i]
			// As many chunks as the time takes, and the one that is being filled.
			n := int64((keep.of(class(c), i)+t.length()-1)/t.length()) + 1
			_, err := w.t.Exec(`DELETE FROM chunks WHERE tier = ?1 AND start <= coalesce((
				SELECT DISTINCT start FROM chunks WHERE tier = ?1 ORDER BY start DESC LIMIT 1 OFFSET ?2), -1)`, t.number, n)
			if err != nil {
				return err
			}
		}
	}
	minutesAgo := func(d time.Duration) int64 { return w.minute - int64(d/time.Minute) }
	if _, err := w.t.Exec(`DELETE FROM events WHERE minute < ? OR id <= (SELECT max(id) FROM events) - ?`, minutesAgo(keep.Events), maxEvents); err != nil {
		return err
	}
	if _, err := w.t.Exec("DELETE FROM workers WHERE NOT expected AND NOT up AND minute < ?", minutesAgo(keep.Workers)); err != nil {
		return err
	}
	for c := range tiers {
		if err := w.pruneSeries(class(c), minutesAgo(keep.of(class(c), 1)+2*day)); err != nil {
			return err
		}
	}
	return nil
}

// pruneSeries gives the ids of series free that have no chunk any more. It takes a day
// until a series that is in use is noted as seen, so the caller adds that.
func (w *writing) pruneSeries(c class, before int64) error {
	rows, err := w.t.Query("DELETE FROM series WHERE class = ? AND seen < ? RETURNING kind, name", c, before)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k Key
		if err := rows.Scan(&k.Kind, &k.Name); err != nil {
			return err
		}
		w.names.gone = append(w.names.gone, k)
	}
	return rows.Err()
}
