package history

import (
	"context"
	"database/sql"
	"slices"
	"time"
)

const (
	// usualSpan is the past that decides what is usual for the farm, a pool or a group: an
	// outage of a day does not become usual, and new miners do within two.
	usualSpan = 3 * day

	// leastHours is how many hours tell what is usual.
	leastHours = 6
)

// UsualTotals returns what the farm, each pool and each group usually hash, in H/s: the
// median of the hours of the last three days. Those with too few hours are left out.
func (s *Store) UsualTotals(ctx context.Context, now time.Time) (map[Key]float64, error) {
	names := make(map[int]Key)
	s.mu.Lock()
	for kind, ids := range s.ids {
		if kind.class() == totals {
			for name, id := range ids {
				names[int(id)] = Key{kind, name}
			}
		}
	}
	blocks := (s.next[totals] + blockSize - 1) / blockSize
	s.mu.Unlock()
	rates := make(map[int][]float64)
	in, from := &tiers[totals][1], now.Add(-usualSpan).Unix()
	width := int64(in.step / time.Second)
	err := s.scan(ctx, in, now.Add(-usualSpan), now, func(t *sql.Tx, start int64) error {
		for block := range blocks {
			x, err := s.chunk(t, in, start, block)
			if err != nil {
				return err
			}
			for i := 0; x != nil && i < blockSize*in.steps; i++ {
				hour := &x.samples[i]
				if at := start + int64(i%in.steps)*width; at >= from && int64(hour.Seconds) >= width/2 {
					id := block*blockSize + i/in.steps
					rates[id] = append(rates[id], hour.HashRate())
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	usual := make(map[Key]float64)
	for id, list := range rates {
		if k, known := names[id]; known && len(list) >= leastHours {
			slices.Sort(list)
			usual[k] = list[len(list)/2]
		}
	}
	return usual, nil
}
