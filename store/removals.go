package store

import (
	"encoding/hex"
	"strconv"
	"time"
)

// The kinds in the table of removals.
const (
	kindAccount   = "account"
	kindPool      = "pool"
	kindAlgorithm = "algorithm"
)

// removalsKept is how long removals are kept for other machines. One that was out of
// touch for longer reads everything anew.
const removalsKept = 24 * time.Hour

// removed records what a transaction has removed, and deletes old records.
func (s *Store) removed(t *transaction, version int64, kind string, names ...string) error {
	now, err := t.now()
	if err != nil {
		return err
	}
	for _, name := range names {
		_, err := t.exec("INSERT INTO removals (version, kind, name, at) VALUES (?, ?, ?, ?)", version, kind, name, millis(now))
		if err != nil {
			return err
		}
	}
	var horizon int64
	old := millis(now.Add(-removalsKept))
	if err := t.row("SELECT COALESCE(MAX(version), 0) FROM removals WHERE at < ?", []any{old}, &horizon); err != nil || horizon == 0 {
		return err
	}
	if _, err := t.exec("DELETE FROM removals WHERE version <= ?", horizon); err != nil {
		return err
	}
	return setMeta(t, "horizon", strconv.FormatInt(horizon, 10))
}

func hexText(b []byte) string              { return hex.EncodeToString(b) }
func hexBytes(text string) ([]byte, error) { return hex.DecodeString(text) }
