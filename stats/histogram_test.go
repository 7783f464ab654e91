package stats

import (
	"testing"
	"time"
)

func TestLatency(t *testing.T) {
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	f := func(what string, p50, p99, mean time.Duration, observed ...time.Duration) {
		t.Helper()
		var h histogram
		for _, d := range observed {
			h.observe(d)
		}
		var l Latency
		l.add(&h)
		if l.Count() != uint64(len(observed)) {
			t.Errorf("%s: count %d, want %d", what, l.Count(), len(observed))
		}
		if got := l.Quantile(0.5); got != p50 {
			t.Errorf("%s: median %v, want %v", what, got, p50)
		}
		if got := l.Quantile(0.99); got != p99 {
			t.Errorf("%s: 99%% %v, want %v", what, got, p99)
		}
		if got := l.Mean(); got != mean {
			t.Errorf("%s: mean %v, want %v", what, got, mean)
		}
	}
	f("none", 0, 0, 0)
	f("one, in the bucket from 20 to 30 ms", ms(25), ms(29.9), ms(21), ms(21))
	f("on the bound is inside", ms(25), ms(29.9), ms(30), ms(30))
	f("two buckets", ms(30), ms(148), ms(60), ms(20.5), ms(29.5), ms(100.5), ms(89.5))
	f("above all bounds", time.Minute, time.Minute, time.Hour, time.Hour)
	f("negative", ms(0.5), ms(0.99), 0, -time.Second)
}
