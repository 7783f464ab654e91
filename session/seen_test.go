package session

import (
	"testing"

	"farmproxy/work"
)

func TestSeen(t *testing.T) {
	feed := new(Feed)
	post := func(id uint32) *work.Job {
		job := &work.Job{ID: id, Epoch: uint64(id)}
		feed.Post(job, false, 0, 1)
		return job
	}
	first := post(1)
	var s Session
	want := func(fingerprint uint64, seen bool) {
		t.Helper()
		if s.isSeen(fingerprint) != seen {
			t.Errorf("fingerprint %d: seen is %v, want %v", fingerprint, !seen, seen)
		}
	}
	want(0, false) // of a miner without any
	for f := range uint64(maxSeen) {
		s.see(f+1, first, feed)
	}
	want(0, false)
	want(1, true)
	want(maxSeen, true)
	s.see(100, first, feed) // the oldest gives way
	want(1, false)
	want(2, true)
	want(100, true)

	later := post(2)
	s.see(200, later, feed)
	want(100, true) // its job can still be answered
	for id := range uint32(maxFeedJobs) {
		later = post(10 + id)
	}
	s.see(300, later, feed) // none of the jobs before can
	want(100, false)
	want(200, false)
	want(300, true)

	var other Session
	other.see(7, later, feed)
	want(7, false)
}
