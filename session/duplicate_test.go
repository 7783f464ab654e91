package session

import (
	"encoding/binary"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// remembering is a miner on a lane, with numbers for headers.
type remembering struct {
	t    *testing.T
	s    Session
	feed *Feed
	jobs uint32
	now  time.Time
	n    uint32 // of the last header
}

func newRemembering(t *testing.T) *remembering {
	r := &remembering{t: t, feed: &Feed{Lane: 1}, now: time.Unix(1700000000, 0)}
	r.s.Enter(r.feed, 0)
	return r
}

// job is a job with new work, some time after the last one.
func (r *remembering) job(after time.Duration) *work.Job {
	r.jobs++
	return r.again(after, r.jobs)
}

// again is a job with work that was sent before.
func (r *remembering) again(after time.Duration, number uint32) *work.Job {
	r.now = r.now.Add(after)
	last := uint32(0)
	if r.feed.last != nil {
		last = r.feed.last.ID
	}
	job := &work.Job{ID: last + 1, Work: number, Received: r.now}
	r.feed.Post(job, false, 0, 1)
	r.s.remember(job.ID, 1)
	r.s.tidy(r.feed)
	return job
}

func headerNumber(n uint32) uint64 {
	var hash [32]byte
	binary.LittleEndian.PutUint64(hash[:], uint64(n)*0x9e3779b97f4a7c15)
	return fingerprint(&hash)
}

// shares submits n new headers for a job.
func (r *remembering) shares(n int, job *work.Job) {
	r.t.Helper()
	for range n {
		r.n++
		if !r.s.accept(headerNumber(r.n), job, r.feed, maxSlots) {
			r.t.Fatalf("header %d is refused", r.n)
		}
	}
}

// wantAnswerable checks whether a share for the job is accepted; if not, it is stale.
func (r *remembering) wantAnswerable(name string, job *work.Job, want bool) {
	r.t.Helper()
	if _, _, _, ok := r.s.answerable(&Env{Feed: r.feed}, job); ok != want {
		r.t.Errorf("%s: answerable is %v, want %v", name, ok, want)
	}
}

// Six shares a minute need the usual memory, however often jobs come.
func TestASteadyMinerTakesLittle(t *testing.T) {
	for _, every := range []time.Duration{5 * time.Second, 30 * time.Second, time.Minute} {
		r := newRemembering(t)
		var due time.Duration
		for range 500 {
			job := r.job(every)
			for due += every; due >= 10*time.Second; due -= 10 * time.Second {
				r.shares(1, job)
			}
			if n := int(r.s.headers.size); n > usualSlots {
				t.Fatalf("a job every %v: %d slots for %d headers", every, n, r.s.headers.used)
			}
		}
	}
}

func TestAJobIsGivenUpLateAndOnlyForRoom(t *testing.T) {
	r := newRemembering(t)
	first := r.job(0)
	r.shares(5, first)
	second := r.job(30 * time.Second)
	r.shares(5, second)
	third := r.job(59 * time.Second)
	r.wantAnswerable("replaced 59 s ago", first, true)
	r.shares(60, third)
	r.wantAnswerable("and the memory was full since", first, true)

	r = newRemembering(t)
	first = r.job(0)
	r.shares(5, first)
	second = r.job(30 * time.Second)
	r.shares(5, second)
	third = r.job(time.Minute)
	r.wantAnswerable("replaced a minute ago, and there is room", first, true)
	r.shares(30, third)
	r.wantAnswerable("and there was none", first, false)
	r.wantAnswerable("the one after it", second, true)
	r.wantAnswerable("the last", third, true)
	if r.s.accepted(headerNumber(1)) || !r.s.accepted(headerNumber(6)) {
		t.Error("it is not the first job's headers that were given up")
	}
}

// A late share does not make its own job unanswerable.
func TestALateShareIsTaken(t *testing.T) {
	r := newRemembering(t)
	first := r.job(0)
	r.shares(5, first)
	r.job(30 * time.Second)
	r.job(2 * time.Minute)
	r.shares(40, first)
	r.wantAnswerable("the late share's", first, true)
}

// If the pool sends the same work again, it stays the same work as long as the last of
// its jobs can be answered.
func TestAWorkThatIsSentAgainIsNotForgotten(t *testing.T) {
	r := newRemembering(t)
	r.shares(5, r.job(0))
	for range 40 {
		r.shares(5, r.again(time.Minute, 1))
	}
	for n := range r.n {
		if !r.s.accepted(headerNumber(n + 1)) {
			t.Fatalf("header %d is forgotten", n+1)
		}
	}
}

// If a header of some work was forgotten, that work can't be answered when it comes
// again.
func TestAWorkThatComesBackIsNotAnswered(t *testing.T) {
	r := newRemembering(t)
	r.shares(10, r.job(0))
	for range 10 {
		r.shares(10, r.job(time.Minute))
	}
	if r.s.accepted(headerNumber(1)) {
		t.Fatal("nothing was forgotten")
	}
	r.wantAnswerable("the first work, again", r.again(time.Minute, 1), false)
	r.wantAnswerable("the next", r.again(time.Minute, r.jobs+1), true)
}

func TestARefusedShareIsNotRemembered(t *testing.T) {
	r := newRemembering(t)
	job := r.job(0)
	r.shares(maxSlots-maxSlots/8, job)
	for range 2 {
		if r.s.accept(headerNumber(1<<30), job, r.feed, maxSlots) {
			t.Error("one more is taken")
		}
	}
	if r.s.accepted(headerNumber(1 << 30)) {
		t.Error("it is remembered")
	}
	next := r.job(time.Second)
	if r.s.accept(headerNumber(1<<30), next, r.feed, maxSlots) {
		t.Error("one for the next job, a second later, is taken")
	}
	r.shares(1, r.job(time.Minute))
}

func request(t *testing.T, line string) *codec.Request {
	t.Helper()
	r := new(codec.Request)
	if err := codec.NewDecoder().DecodeRequest([]byte(line), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Memory taken by a burst is freed at the next jobs.
func TestABurstsMemoryIsGivenBack(t *testing.T) {
	r := newRemembering(t)
	r.shares(4000, r.job(0))
	r.job(30 * time.Second)
	if n := int(r.s.headers.size); n < 4000 {
		t.Errorf("%d slots while the job can be answered", n)
	}
	r.job(time.Minute)
	r.job(time.Minute)
	if n := int(r.s.headers.size); n > 4*usualSlots {
		t.Errorf("%d slots later", n)
	}
}

// Two lanes whose pools send the same work: the header is known on both.
func TestAHeaderIsKnownOnEveryLane(t *testing.T) {
	r := newRemembering(t)
	r.shares(3, r.job(0))
	other := &Feed{Lane: 2}
	r.s.Enter(other, 0)
	if !r.s.accepted(headerNumber(2)) {
		t.Error("it is not known on the other lane")
	}
	r.s.Enter(r.feed, 0)
	if !r.s.accepted(headerNumber(2)) || r.s.headers.used != 3 {
		t.Error("it is not known any more on the first")
	}
}

// The lane that a miner enters before it resumes its session may have belonged to
// another miner with its prefix.
func TestAResumedMinerOnANewLane(t *testing.T) {
	r := newRemembering(t)
	r.shares(3, r.job(0))
	parked := r.s
	other := &Feed{Lane: 2}
	other.Post(&work.Job{ID: 9, Work: 4, Layout: work.Layout{Prefix: 2, Room: 4}}, false, 0, 1)
	back := Session{name: "rig"}
	back.Enter(other, 4)
	back.Resume(&Env{Feed: other, Terms: &Terms{}}, request(t, `{"id":1,"method":"mining.subscribe","params":[]}`), &parked, nil)
	if back.headers.lane != 2 || back.headers.from != 4 || !back.accepted(headerNumber(2)) {
		t.Errorf("on lane %d it answers works from %d on, and knows its header: %v", back.headers.lane, back.headers.from, back.accepted(headerNumber(2)))
	}
}
