package stats

import "time"

// The books use the monotonic clock, which time.Now reads along with the wall clock.
// People and time servers set the wall clock forward and back; that must not move a
// share into another minute, or make a worker forgotten. Wall time is only for
// display.

// century exceeds the uptime of any process, and fits a Duration.
const century = 100 * 365 * 24 * time.Hour

// origin is the start of the books' time: so long ago that nothing precedes it, and at
// the edge of a bucket on either clock. Times without a monotonic reading count by
// their wall time, which then gives the same result.
var origin = func() time.Time {
	t := time.Now().Add(-century)
	return t.Add(-time.Duration(t.Unix()%bucketSeconds)*time.Second - time.Duration(t.Nanosecond()))
}()

// elapsed returns the books' time.
func elapsed(t time.Time) time.Duration { return t.Sub(origin) }

// stamp is the books' time in seconds, in 4 bytes: enough for 36 years of uptime. 0 is
// never.
type stamp uint32

// stampOf returns the stamp of a time. One before the origin, as another process knows it of a
// worker that was never here, is the earliest.
func stampOf(t time.Time) stamp { return stamp(max(elapsed(t)/time.Second, time.Duration(longAgo))) }

// time returns the time for the books; the zero time for never.
func (s stamp) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return origin.Add(time.Duration(s) * time.Second)
}

// wall returns the time for display, by the clock as it is set now; the zero time for
// never.
func (s stamp) wall(now time.Time) time.Time {
	if s == 0 {
		return time.Time{}
	}
	ago := elapsed(now) - time.Duration(s)*time.Second
	return now.Add(-ago).Round(time.Second) // Round strips the monotonic reading
}

// unix is wall in seconds since 1970, as in Prometheus; 0 for never.
func (s stamp) unix(now time.Time) float64 {
	if s == 0 {
		return 0
	}
	return float64(s.wall(now).Unix())
}
