package history

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// BenchmarkSize writes a day of 10,000 workers with a noise of shares, and reports the
// file's size with all that the default retention keeps: what a day takes in each
// resolution, times its days. It reports what a write takes, too.
func BenchmarkSize(b *testing.B) {
	const farm, hours = 10_000, 24
	for b.Loop() {
		path := b.TempDir() + "/history.db"
		s, err := Open(b.Context(), path, DefaultRetention)
		if err != nil {
			b.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, 2))
		names := make([]string, farm)
		for i := range names {
			names[i] = fmt.Sprintf("account.hall%d-r%02d-%02d", i/1000, i/20%50, i%20)
		}
		var longest time.Duration
		for m := range hours * 60 {
			batch := Batch{At: noon.Add(time.Duration(m) * time.Minute)}
			for g := range 20 { // the farm, pools and halls
				shares := uint64(random.IntN(6000) + 3000)
				batch.Samples = append(batch.Samples, Entry{Key{Group, fmt.Sprint(g)}, Sample{float64(shares) * 65536, shares, uint64(random.IntN(10)), 60 * farm / 20, 60}})
			}
			if m%5 == 4 {
				for _, name := range names {
					shares := uint64(random.IntN(20) + 20)
					batch.Samples = append(batch.Samples, Entry{Key{Worker, name}, Sample{float64(shares) * 65536, shares, uint64(random.IntN(20) / 19), 300, 300}})
				}
			}
			began := time.Now()
			if err := s.Write(b.Context(), &batch); err != nil {
				b.Fatal(err)
			}
			longest = max(longest, time.Since(began))
		}
		size := 0.0
		for c := range tiers {
			for i, t := range tiers[c] {
				var bytes float64
				if err := s.db.QueryRow("SELECT coalesce(sum(length(data) + 24), 0) FROM chunks WHERE tier = ?", t.number).Scan(&bytes); err != nil {
					b.Fatal(err)
				}
				size += bytes * float64(s.retention.Load().of(class(c), i)/day) * 24 / hours
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(size/1e6, "MB-kept")
		b.ReportMetric(float64(info.Size())/1e6, "MB-a-day")
		b.ReportMetric(float64(longest.Milliseconds()), "ms-longest-write")
		s.Close()
	}
}
