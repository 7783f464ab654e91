package stats

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"farmproxy/naming"
	"farmproxy/work"
)

// groupedBy returns settings with the templates.
func groupedBy(tb testing.TB, templates ...string) Settings {
	tb.Helper()
	groups, wrong := naming.ParseGroups(templates)
	if len(wrong) > 0 {
		tb.Fatal(wrong[0])
	}
	return Settings{Groups: groups}
}

// shown returns the groups of a book on a line: miners, workers up and known, work.
func shown(b *Book) string {
	infos, _ := b.Groups(GroupQuery{Limit: 10_000})
	var list []string
	for _, g := range infos {
		list = append(list, fmt.Sprintf("%s %d %d/%d %v", g.Name, g.Miners, g.WorkersUp, g.Workers, g.Work))
	}
	return strings.Join(list, ", ")
}

func wantShown(t *testing.T, what string, b *Book, want string) {
	t.Helper()
	if got := shown(b); got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

// racks returns a book of three racks, one of them known by its addresses only.
func racks(t *testing.T) *Book {
	b := newBook(Options{Loops: 2, Settings: groupedBy(t, `{name:R\d+L\d+}`, "rack-{ip3}")})
	for i, x := range []struct{ name, address string }{
		{"farm.R1L1N1", "10.0.7.1:1"}, {"farm.R1L1N2", "10.0.7.2:1"}, {"farm.R1L2N1", "10.0.7.3:1"}, {"farm.rig", "10.0.9.1:1"}, {"farm.nowhere", ""},
	} {
		w := b.Worker(x.name)
		w.Connected(epoch, x.address, "")
		w.CameBy("0.0.0.0:3333")
		w.Mining("", "main", "sha256d")
		w.Share(i%2, epoch, work.Accepted, 30)
		w.Share(i%2, epoch, work.Stale, 30)
	}
	b.Worker("farm.R1L1N2").Disconnected(epoch, 0)
	return b
}

const racksShown = "R1L1 1 1/2 60, R1L2 1 1/1 30, rack-9 1 1/1 30"

func TestGroups(t *testing.T) {
	b := racks(t)
	wantShown(t, "racks", b, racksShown)
	infos, _ := b.Groups(GroupQuery{Limit: 1})
	want := Total{Name: "R1L1", Miners: 1, Shares: Shares{work.Accepted: 2, work.Stale: 2}, Work: 60, HashRate: 2 * work.HashesPerShare}
	if infos[0].Total != want {
		t.Errorf("got  %+v\nwant %+v", infos[0].Total, want)
	}
	f := func(q GroupQuery, want string, matches int) {
		t.Helper()
		infos, n := b.Groups(q)
		var names []string
		for _, g := range infos {
			names = append(names, g.Name)
		}
		if got := strings.Join(names, " "); got != want || n != matches {
			t.Errorf("%+v: %q of %d, want %q of %d", q, got, n, want, matches)
		}
	}
	f(GroupQuery{Search: "r1l", Limit: 9}, "R1L1 R1L2", 2)
	f(GroupQuery{Offset: 1, Limit: 1}, "R1L2", 3)
	f(GroupQuery{Offset: 9, Limit: 9}, "", 3)
	f(GroupQuery{Search: "hall", Limit: 9}, "", 0)
}

func TestSeriesOfGroups(t *testing.T) {
	var out bytes.Buffer
	if err := racks(t).WriteMetrics(&out, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`farmproxy_group_miners{group="R1L1"} 1`,
		`farmproxy_group_shares_total{group="R1L1",verdict="accepted"} 2`,
		`farmproxy_group_shares_total{group="R1L1",verdict="stale"} 2`,
		`farmproxy_group_work_total{group="R1L1"} 60`,
		`farmproxy_group_hashrate{group="R1L1"} 8589934592`,
		`farmproxy_group_workers{group="R1L1"} 2`,
		`farmproxy_group_workers_up{group="R1L1"} 1`,
		`farmproxy_worker_up{worker="farm.R1L1N1",listener="0.0.0.0:3333",group="R1L1"} 1`,
		`farmproxy_worker_shares_total{worker="farm.rig",listener="0.0.0.0:3333",group="rack-9",verdict="stale"} 1`,
		`farmproxy_worker_up{worker="farm.nowhere",listener="0.0.0.0:3333"} 1`,
	} {
		if !strings.Contains(out.String(), want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	out.Reset()
	if err := newBook(Options{}).WriteMetrics(&out, true); err != nil || strings.Contains(out.String(), "farmproxy_group") {
		t.Errorf("there are families of groups without a group (%v)", err)
	}
}

func TestWorkersByGroupAndListener(t *testing.T) {
	b := racks(t)
	b.Worker("farm.rig").CameBy("0.0.0.0:3334")
	f := func(q WorkerQuery, names string) {
		t.Helper()
		q.Limit = 10
		infos, _ := b.Workers(q)
		got := ""
		for _, i := range infos {
			got += fmt.Sprintf("%s:%s/%s ", i.Name, i.Group, i.Listener)
		}
		if got != names {
			t.Errorf("%+v: %q, want %q", q, got, names)
		}
	}
	f(WorkerQuery{Group: "R1L1"}, "farm.R1L1N1:R1L1/0.0.0.0:3333 farm.R1L1N2:R1L1/0.0.0.0:3333 ")
	f(WorkerQuery{Listener: "0.0.0.0:3334"}, "farm.rig:rack-9/0.0.0.0:3334 ")
	f(WorkerQuery{Group: "R1L2", Listener: "0.0.0.0:3334"}, "")
	f(WorkerQuery{Search: "nowhere"}, "farm.nowhere:/0.0.0.0:3333 ")
}

// A miner that comes back from another rack counts there from then on.
func TestAWorkerThatMoves(t *testing.T) {
	b := racks(t)
	w := b.Worker("farm.rig")
	w.Disconnected(epoch, 0)
	w.Connected(epoch, "10.0.7.9:1", "")
	w.Share(0, epoch, work.Accepted, 30)
	wantShown(t, "at another address", b, "R1L1 1 1/2 60, R1L2 1 1/1 30, rack-7 1 1/1 30, rack-9 0 0/0 30")
	w.Mining("account", "other", "scrypt") // what it mines has nothing to do with it
	wantShown(t, "at another pool", b, "R1L1 1 1/2 60, R1L2 1 1/1 30, rack-7 1 1/1 30, rack-9 0 0/0 30")
	w.Disconnected(epoch, 0)
	wantShown(t, "when it has left", b, "R1L1 1 1/2 60, R1L2 1 1/1 30, rack-7 0 0/1 30, rack-9 0 0/0 30")
}

func TestAnotherRule(t *testing.T) {
	b := racks(t)
	b.Configure(groupedBy(t, `{name:R\d+L\d+}`, "rack-{ip3}"))
	wantShown(t, "the same rule", b, racksShown)
	b.Configure(groupedBy(t, `{name:R\d+L\d+}`, `{name:rig}`))
	wantShown(t, "a rule with some of the same groups, which keep their counts", b, "R1L1 1 1/2 60, R1L2 1 1/1 30, rig 1 1/1 0")
	b.Worker("farm.rig").Share(0, epoch, work.Accepted, 30)
	b.Configure(Settings{})
	wantShown(t, "no rule", b, "")
	if i := b.Worker("farm.R1L1N1").info(epoch); i.Group != "" || i.Listener != "0.0.0.0:3333" || i.Pool != "main" {
		t.Errorf("without a rule: %+v", i)
	}
	b.Configure(groupedBy(t, "all"))
	wantShown(t, "one group", b, "all 4 4/5 0")
}

// Anybody can make up names: they may not keep workers that work from their group.
func TestGroupsAreBounded(t *testing.T) {
	b := newBook(Options{Settings: groupedBy(t, `{name:rack\d+}`)})
	join := func(n int) *Worker {
		w := b.Worker(fmt.Sprint("farm.rack", n))
		w.Connected(epoch, "", "")
		return w
	}
	for n := range maxGroups {
		join(n)
	}
	if n := b.ledger.count(byGroup); n != unearnedGroups+1 {
		t.Errorf("%d groups for names that have not worked, want %d and one for the others", n, unearnedGroups)
	}
	for n := range 2 * maxGroups {
		join(maxGroups+n).Share(0, epoch, work.Accepted, 1)
	}
	infos, n := b.Groups(GroupQuery{Limit: 2 * maxGroups})
	if n != maxGroups+1 && n != maxGroups {
		t.Errorf("%d groups, want %d at most, and one for the others", n, maxGroups)
	}
	done, miners := 0.0, 0
	for _, g := range infos {
		done += g.Work
		miners += g.Miners
	}
	if done != 2*maxGroups || miners != 3*maxGroups {
		t.Errorf("%v work of %d miners in all groups, want %d of %d", done, miners, 2*maxGroups, 3*maxGroups)
	}
	if i := b.Worker("farm.rack1024").info(epoch); i.Group != "rack1024" {
		t.Errorf("the first one that worked is in %q", i.Group)
	}
	if i := b.Worker("farm.rack3071").info(epoch); i.Group != Other {
		t.Errorf("the last one that worked is in %q", i.Group)
	}
	if i := slices.IndexFunc(infos, func(g GroupInfo) bool { return g.Name == "rack1024" }); i < 0 || infos[i].Work != 1 {
		t.Error("the share by which it got its group is not booked there")
	}
}

// Groups of names that have gone and never worked make room.
func TestStraysMakeRoomForGroups(t *testing.T) {
	b := newBook(Options{Settings: groupedBy(t, `{name:rack\d+}`)})
	for n := range unearnedGroups {
		w := b.Worker(fmt.Sprint("made-up.rack", n))
		w.Connected(epoch, "", "")
		w.Disconnected(epoch, 0)
	}
	w := b.Worker("farm.rack9999")
	w.Connected(epoch.Add(time.Second), "", "")
	if i := w.info(epoch); i.Group != Other {
		t.Errorf("at once: it is in %q, though the strays may yet come", i.Group)
	}
	w.Disconnected(epoch.Add(2*strayMin), 0)
	w.Connected(epoch.Add(2*strayMin), "", "")
	if i := w.info(epoch); i.Group != "rack9999" {
		t.Errorf("it is in %q, with no stray left", i.Group)
	}
}

func TestGroupsAreForgotten(t *testing.T) {
	b := newBook(Options{Settings: groupedBy(t, `{name:rack\d+}`), Forget: time.Hour})
	w := b.Worker("farm.rack1")
	w.Connected(epoch, "", "")
	w.Share(0, epoch, work.Accepted, 1)
	b.ledger.sweep(epoch.Add(2 * time.Hour))
	wantShown(t, "with a miner", b, "rack1 1 1/1 1")
	w.Disconnected(epoch, 0)
	b.now = func() time.Time { return epoch.Add(4 * time.Hour) }
	wantShown(t, "without", b, "")
}

// A hand-over keeps the groups. If the next process has another rule, its own count.
func TestGroupsGoOnAfterAHandOver(t *testing.T) {
	f := func(want string, s Settings) {
		t.Helper()
		n := newBook(Options{Loops: 1, Settings: s})
		if err := n.Restore(racks(t).State()); err != nil {
			t.Fatal(err)
		}
		wantShown(t, "after a hand-over", n, want)
		if i := n.Worker("farm.rig").info(epoch); i.Listener != "0.0.0.0:3333" {
			t.Errorf("it came by %q", i.Listener)
		}
		n.Worker("farm.R1L2N1").Disconnected(epoch, 0)
		n.Worker("farm.R1L1N2").Connected(epoch, "10.0.7.2:1", "")
		for i := range 2 { // one of the state, one new
			n.Worker([]string{"farm.R1L1N1", "farm.R1L1N2"}[i]).Disconnected(epoch, 0)
		}
		n.Worker("farm.rig").Disconnected(epoch, 0)
		infos, _ := n.Groups(GroupQuery{Limit: 99})
		for _, g := range infos {
			if g.Miners != 0 {
				t.Errorf("%d miners are left in %s", g.Miners, g.Name)
			}
		}
	}
	f(racksShown, groupedBy(t, `{name:R\d+L\d+}`, "rack-{ip3}"))
	f("R1 2 2/3 0, R1L1 0 0/0 60, R1L2 0 0/0 30, rack-9 0 0/0 30", groupedBy(t, `{name:R\d+}`))
}

// Miners that are handed over by a farmproxy that knew of no listeners.
func TestTheListenerOfMinersThatWereHandedOver(t *testing.T) {
	b := newBook(Options{})
	w := b.Worker("farm.rig")
	w.CameAlong("0.0.0.0:3333")
	w.CameAlong("0.0.0.0:3334")
	if i := w.info(epoch); i.Listener != "0.0.0.0:3333" {
		t.Errorf("it came by %q, want the first one that is known", i.Listener)
	}
}

// Miners come, work, move and leave while rules change: nothing is counted twice.
func TestRulesChangeAmongMiners(t *testing.T) {
	const loops, rounds = 4, 300
	b := New(Options{Loops: loops})
	var wg sync.WaitGroup
	for i := range loops {
		wg.Go(func() {
			for n := range rounds {
				w := b.Worker(fmt.Sprint("farm.R", n%7, "L", i))
				w.Connected(time.Now(), fmt.Sprintf("10.0.%d.1:1", n%5), "")
				w.CameBy(fmt.Sprint("0.0.0.0:", n%3))
				w.Mining("", "main", "sha256d")
				w.Share(i, time.Now(), work.Accepted, 1)
				w.Disconnected(time.Now(), 0)
			}
		})
	}
	wg.Go(func() {
		for n := range 100 {
			b.Configure(groupedBy(t, []string{`{name:R\d}`, `{name:L\d}`, "{ip3}"}[n%3]))
			b.Groups(GroupQuery{Limit: 3})
			if err := b.WriteMetrics(io.Discard, true); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	b.Configure(groupedBy(t, "all"))
	if infos, _ := b.Groups(GroupQuery{Limit: 9}); len(infos) != 1 || infos[0].Miners != 0 || infos[0].Workers != 7*loops {
		t.Errorf("at the end: %+v", infos)
	}
	if got := b.PoolTotal("main"); got.Miners != 0 || got.Work != loops*rounds {
		t.Errorf("the pool has %d miners and %v work", got.Miners, got.Work)
	}
}
