package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/config"
	"farmproxy/history"
	"farmproxy/netloop"
	"farmproxy/upstream"
)

// past are movements at a made up time.
type past struct {
	*testing.T
	*movements
	now time.Time
}

func newPast(t *testing.T) *past {
	return &past{t, newMovements("move", movedText), time.Now()}
}

// moves has miners move from one goal of a hall to another.
func (p *past) moves(n int, from, to, why string) {
	for i := range n {
		p.add(movement{subject: "hall", from: from, to: to, why: why, miners: 1, worker: fmt.Sprint("farm.rig", i)}, p.now)
	}
}

// want lets time pass, and fails unless those are the events then.
func (p *past) want(after time.Duration, want ...string) {
	p.Helper()
	p.now = p.now.Add(after)
	wantEvents(p.T, p.events(p.now, false), want...)
}

func wantEvents(t *testing.T, events []history.Event, want ...string) {
	t.Helper()
	var got []string
	for _, e := range events {
		got = append(got, strings.TrimSpace(e.Kind+" "+e.Subject)+": "+e.Text)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Many moves are one event, a single one names the worker, and what goes on is summed up.
func TestMovementsAreSummedUp(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.want(time.Minute)
	p.moves(9600, "main", "backup", "main gets no work now")
	p.moves(1, "main", "backup", "to keep the split")
	p.want(time.Minute,
		"move hall: 9,600 miners moved from main to backup: main gets no work now",
		"move hall: farm.rig0 moved from main to backup: to keep the split")
	p.want(time.Minute)
	for range 8 {
		p.moves(2, "main", "backup", "to keep the split")
		p.want(time.Minute)
	}
	p.moves(1, "backup", "main", "to keep the split") // the other way is told at once
	p.want(time.Minute, "move hall: 16 miners moved from main to backup: to keep the split (in 7 min)",
		"move hall: farm.rig0 moved from backup to main: to keep the split")
	p.want(time.Hour)
	if n := len(p.list); n > 0 {
		t.Errorf("%d sorts are kept after an hour without one", n)
	}
	p.moves(3, "main", "backup", "to keep the split")
	p.want(0, "move hall: 3 miners moved from main to backup: to keep the split")
	p.moves(4, "main", "backup", "to keep the split")
	p.want(0)
	wantEvents(t, p.events(p.now, true), "move hall: 4 miners moved from main to backup: to keep the split")
}

// Whatever moves, an hour has so many events, and says how many miners it left out: those
// of most miners come first.
func TestEventsOfMovementsAreBounded(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	told := 0
	for minute := range 120 {
		for i := range 2 * maxMovements {
			p.moves(i+1, fmt.Sprint("a", i), "b", fmt.Sprint("at ", minute))
		}
		if n := len(p.list); n > maxMovements {
			t.Fatalf("%d sorts are told apart, want %d at most", n, maxMovements)
		}
		p.now = p.now.Add(time.Minute)
		list := p.events(p.now, false)
		told += len(list)
		if minute == 0 && (len(list) != maxMovements || !strings.HasPrefix(list[0].Text, "30 miners moved")) {
			t.Errorf("%d events in the first minute, the first is %v", len(list), list[0])
		}
		if minute == 60 && (len(list) == 0 || !strings.Contains(list[0].Text, "more miners: too many changes to list each")) {
			t.Errorf("after an hour: %v", list)
		}
	}
	if told > 2*(maxMovements+1) {
		t.Errorf("%d events in two hours, want %d at most", told, 2*(maxMovements+1))
	}
}

// Who has no event of the hour is counted at the end, too, and by an upgrade.
func TestWhoIsLeftOutIsCountedAtTheEnd(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	for i := range maxMovements {
		p.moves(1, fmt.Sprint("a", i), "b", "to keep the split")
	}
	if n := len(p.events(p.now, false)); n != maxMovements {
		t.Fatalf("%d events, want %d", n, maxMovements)
	}
	p.now = p.now.Add(2 * sameAgain)
	p.events(p.now, false) // forgets them all
	p.moves(7, "main", "backup", "to keep the split")
	wantEvents(t, p.events(p.now, true), "move: 7 more miners: too many changes to list each")
}

// What is said of miners that change their pool, by why they do.
func TestWhatIsSaidOfAPoolChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change upstream.PoolChange
		want   string
	}{
		{upstream.PoolChange{From: "a", To: "b", Why: upstream.LinkLost, Trouble: "connection refused", Miners: 9600}, "pool_change a: 9,600 miners work at b now: the link to a was lost, connection refused"},
		{upstream.PoolChange{From: "a", To: "b", Why: upstream.LinkLost, Miners: 1}, "pool_change a: 1 miner works at b now: the link to a was lost"},
		{upstream.PoolChange{From: "a", To: "b", Why: upstream.PoolIll, Miners: 1, Worker: "farm.rig7", Trouble: "old"}, "pool_change a: farm.rig7 works at b now: a is silent, or refuses too many shares"},
		{upstream.PoolChange{From: "b", To: "a", Why: upstream.BetterIsBack, Miners: 2}, "pool_change b: 2 miners work at a now: a is preferred, and back"},
		{upstream.PoolChange{From: "a", To: "b", Why: upstream.PoolOrdered, Miners: 2}, "pool_change a: 2 miners work at b now: a is drained or disabled"},
		{upstream.PoolChange{From: "a", To: "b", Why: upstream.PoolTakenOut, Miners: 2}, "pool_change a: 2 miners work at b now: a is not among their pools any more"},
	} {
		m := newMovements("pool_change", changedPoolText)
		m.add(changedPool(&c.change), time.Now())
		wantEvents(t, m.events(time.Now(), false), c.want)
	}
}

// The balance's moves are told, those that were made and no others.
func TestTheBalanceTellsItsMoves(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	s := h.splits()
	m := newMovements("move", movedText)
	s.told = func(o *splitMove) { m.add(movedGoal(o), h.now) }
	h.weights, h.refuse = map[string]float64{"main": 100, "alt": 0}, netloop.NotYet
	h.pinned = map[string]string{"rig7": "alt"}
	h.pass(t, s, splitEvery)
	wantEvents(t, m.events(h.now, true))
	h.refuse = netloop.Done
	h.pass(t, s, splitEvery)
	wantEvents(t, m.events(h.now, true), "move hall: rig7 moved from main to alt: pinned to alt")
	h.pinned = nil
	h.pass(t, s, splitEvery)
	wantEvents(t, m.events(h.now, true), "move hall: rig7 moved from alt to main: alt gets no work now")
	h.weights = map[string]float64{"main": 0, "alt": 100}
	h.pass(t, s, splitEvery)
	wantEvents(t, m.events(h.now, true), "move hall: 20 miners moved from main to alt: main gets no work now")
	h.weights = map[string]float64{"main": 50, "alt": 50}
	h.moves = 0
	h.pass(t, s, 20*time.Minute)
	told := 0
	for _, e := range m.events(h.now, true) {
		n := 1 // and its worker's name
		_, _ = fmt.Sscan(e.Text, &n)
		told += n
		if !strings.Contains(e.Text, ": to keep the split") {
			t.Errorf("an event says %q", e.Text)
		}
	}
	if told != h.moves || told < 2 {
		t.Errorf("events tell of %d moves, and there were %d", told, h.moves)
	}
}

// A pool is gone: where its miners work is an event, which is not lost by an upgrade or at
// the end.
func TestAPoolChangeIsAnEvent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := easyPool(t, "east", nil), easyPool(t, "western", nil)
	p, stop := launch(t, testLog{t}, func(c *config.Config) { c.StateDir = dir }, nil, a, b)
	defer stop()
	linked(t, p)
	p.remember.pause(time.Now()) // another process is taking over
	startRig(t, p.server.Addresses()[0], "farm.rig", "")
	goal := p.directory.Goals()[0]
	from, to := p.book.Pools()[0], p.book.Pools()[1]
	eventually(t, "the miner is there", func() bool { return goal.Members() == 1 && (from.Active.Load() || to.Active.Load()) })
	if to.Active.Load() { // it was there first
		a, from, to = b, to, from
	}
	a.Close()
	want := fmt.Sprintf("pool_change %s: 1 miner works at %s now: the link to %s was lost", from.Name, to.Name, from.Name)
	var text []byte
	eventually(t, "it works at the other pool", func() bool {
		text = p.remember.unwritten(time.Now())
		return strings.Contains(string(text), "pool_change")
	})
	next := newRemembering(&config.Config{StateDir: dir}, p.book, p.remember.bans, p.log)
	next.configure(p.remember.settings.Load())
	next.inheritEvents([]byte("what is this"))
	next.inheritEvents(text)
	for range 2 { // the second one would be summed up with others
		next.moves.add(movement{subject: "hall", from: "main", to: "alt", why: "to keep the split", miners: 1, worker: "farm.rig"}, time.Now())
		next.lookNow(t, time.Now())
	}
	next.end()
	p.remember.resume()
	store := historyAt(t, next.path)
	of := func(kind string) []history.Event {
		return must(store.Events(t.Context(), history.EventQuery{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Kind: kind, Limit: 10}))
	}
	if list := of("pool_change"); len(list) != 1 || !strings.HasPrefix(list[0].Kind+" "+list[0].Subject+": "+list[0].Text, want) {
		t.Errorf("events: %v, want one: %s", list, want)
	}
	const moved = "move hall: farm.rig moved from main to alt: to keep the split"
	wantEvents(t, of("move"), moved, moved)
}
