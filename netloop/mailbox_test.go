package netloop

import (
	"testing"

	"farmproxy/upstream"
	"farmproxy/work"
)

func newMailbox() (b *mailbox, woken *int) {
	woken = new(int)
	return &mailbox{wake: func() bool { *woken++; return true }}, woken
}

func TestTheLastPostOfALaneWinsAndACleanOneIsNeverLost(t *testing.T) {
	b, woken := newMailbox()
	one, two := new(upstream.Lane), new(upstream.Lane)
	b.post(upstream.Post{Lane: one, Job: &work.Job{ID: 1}, Clean: true})
	b.post(upstream.Post{Lane: two, Job: &work.Job{ID: 2}})
	b.post(upstream.Post{Lane: one, Job: &work.Job{ID: 3}})
	m := b.collect(atLast)
	if len(m.posts) != 2 || m.posts[0].Job.ID != 3 || !m.posts[0].Clean || m.posts[1].Job.ID != 2 || m.posts[1].Clean {
		t.Errorf("%+v", m.posts)
	}
	if *woken != 1 {
		t.Errorf("woken %d times for three posts, want once", *woken)
	}
	if m := b.collect(atLast); len(m.posts) != 0 {
		t.Errorf("collected twice: %+v", m.posts)
	}
	b.tick()
	if *woken != 2 {
		t.Error("not woken for mail after it was collected")
	}
}

func TestVerdictsKeepTheirOrder(t *testing.T) {
	b, _ := newMailbox()
	for i := range 100 {
		b.verdicts(0, []upstream.Verdict{{Code: i}})
	}
	for i, v := range b.collect(atLast).verdicts {
		if v.Code != i {
			t.Fatalf("verdict %d is at %d", v.Code, i)
		}
	}
}

func TestALoopThatIsGoneTakesNoMail(t *testing.T) {
	b := &mailbox{wake: func() bool { return false }}
	b.tick()
	b.tick()
	if b.woken {
		t.Error("waits for a loop that is gone")
	}
}

func TestCookies(t *testing.T) {
	f := func(loop int, generation, slot uint32) {
		t.Helper()
		if l, g, s := splitCookie(makeCookie(loop, generation, slot)); l != loop || g != generation || s != slot {
			t.Errorf("(%d, %d, %d) reads back as (%d, %d, %d)", loop, generation, slot, l, g, s)
		}
	}
	f(0, 0, 0)
	f(255, 1<<32-1, 1<<slotBits-1)
	f(3, 7, 65536)
}

// atLast has a loop woken for the next mail.
func atLast(*mail) bool { return true }
