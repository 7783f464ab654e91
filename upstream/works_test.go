package upstream

import (
	"fmt"
	"testing"
	"time"

	"farmproxy/work"
)

// workOf makes a job unlike any other, except for what change does.
func workOf(name string, change func(*work.Template)) *work.Job {
	t := work.Template{Coinb1: []byte(name), Coinb2: []byte{2}, Branches: [][32]byte{{3}}, Version: 0x20000000, NBits: 0x1d00ffff, NTime: 1}
	if change != nil {
		change(&t)
	}
	layout, _ := work.NewLayout(8, 2)
	return work.NewJob(t, []byte{1, 2, 3, 4}, layout)
}

func TestWorksAreNumberedByWhatMakesTheHeader(t *testing.T) {
	var w works
	number := func(change func(*work.Template)) uint32 { return w.number(workOf("a", change)) }
	equal(t, "the first", number(nil), 1)
	equal(t, "again", number(nil), 1)
	equal(t, "with another time, which is rolled", number(func(t *work.Template) { t.NTime++ }), 1)
	equal(t, "with other version bits, which are rolled", number(func(t *work.Template) { t.Version = 4 }), 1)
	equal(t, "another block", number(func(t *work.Template) { t.PrevHash[31] = 1 }), 2)
	equal(t, "other transactions", number(func(t *work.Template) { t.Branches[0][0] = 9 }), 3)
	equal(t, "no transactions", number(func(t *work.Template) { t.Branches = nil }), 4)
	equal(t, "another coinbase", number(func(t *work.Template) { t.Coinb2 = []byte{9} }), 5)
	equal(t, "another target", number(func(t *work.Template) { t.NBits-- }), 6)
	equal(t, "and the first once more", number(nil), 1)
}

// A work that the pool sends now and then stays known for as long as it does.
func TestWorksAreForgottenLongestUnusedFirst(t *testing.T) {
	var w works
	first := w.number(workOf("first", nil))
	for i := range 3 * maxWorks {
		w.number(workOf(fmt.Sprint(i), nil))
		if i%(maxWorks/2) == 0 {
			equal(t, "the first", w.number(workOf("first", nil)), first)
		}
	}
	equal(t, "known", len(w.known), maxWorks)
	equal(t, "one of before", w.number(workOf("0", nil)), uint32(3*maxWorks+2))
}

// When the pool resends a job, on the same link or the next, it is the same work.
func TestAJobOfTheSameWorkSaysSo(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		c := f.pools[0].last()
		say := func(id string) uint32 {
			c.say(notify(id, true))
			f.after(0)
			return f.lane().Latest().Job.Work
		}
		one := say("one")
		if two := say("two"); two <= one {
			t.Errorf("the next work has number %d, after %d", two, one)
		}
		equal(t, "the first again", say("one"), one)
		c.Close() // the pool restores the session
		f.after(time.Second)
		c = f.pools[0].last()
		equal(t, "resumed", f.lane().Latest().Job.Epoch, (*f.lane().epochs.Load())[0].id)
		equal(t, "the first again, on the next link", say("one"), one)
	})
}

// A clean job of a work that existed before does not free quarantined prefixes: the
// same headers answer it.
func TestAPrefixRestsWhileTheSameWorkComesAgain(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		p, lane := f.directory.Prefixes(), f.lane()
		c := f.pools[0].last()
		say := func(id string) {
			c.say(notify(id, true))
			f.after(0)
		}
		say("one")
		x := take(t, f, 2)
		p.Release(x, lane)
		say("one")
		equal(t, "after the same work", take(t, f, 2) == x, false)
		equal(t, "since", lane.Since(x), 0)
		say("two")
		equal(t, "after the next", take(t, f, 2), x)
		equal(t, "since", lane.Since(x), lane.Latest().Job.Work)
		say("one")
		equal(t, "since, when the first comes back", lane.Since(x) > lane.Latest().Job.Work, true)
		for i := range maxWorks + 2 {
			say(fmt.Sprint("more ", i))
		}
		equal(t, "prefixes that were in quarantine", len(lane.lifted), 0)
	})
}
