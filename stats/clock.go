package stats

import "time"

// The books count time on the monotonic clock, as time.Now reads it besides the
// wall clock: that one is set, forward and back, by people and by time servers,
// and must move no share into another minute and forget no worker. Wall time is
// for what people read.

// century is more than the uptime of any process, and less than a Duration has.
const century = 100 * 365 * 24 * time.Hour

// origin is where the books' time begins: long ago, so that nothing comes before
// it, and at the edge of a bucket by either clock. Times without a monotonic reading
// are taken by their wall time, which is then the same.
var origin = func() time.Time {
	t := time.Now().Add(-century)
	return t.Add(-time.Duration(t.Unix()%bucketSeconds)*time.Second - time.Duration(t.Nanosecond()))
}()

// elapsed is the books' time.
func elapsed(t time.Time) time.Duration { return t.Sub(origin) }

// stamp is the books' time in seconds, in 4 bytes: good for 36 years of uptime. 0
// is never.
type stamp uint32

func stampOf(t time.Time) stamp { return stamp(elapsed(t) / time.Second) }

// time returns the time for the books; the zero time for never.
func (s stamp) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return origin.Add(time.Duration(s) * time.Second)
}

// wall returns the time for people, by the clock as it stands now; the zero time
// for never.
func (s stamp) wall(now time.Time) time.Time {
	if s == 0 {
		return time.Time{}
	}
	ago := elapsed(now) - time.Duration(s)*time.Second
	return now.Add(-ago).Round(time.Second) // which takes the monotonic reading off
}

// unix is wall in seconds since 1970, as Prometheus has it; 0 for never.
func (s stamp) unix(now time.Time) float64 {
	if s == 0 {
		return 0
	}
	return float64(s.wall(now).Unix())
}
