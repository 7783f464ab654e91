package stats

import (
	"strings"
	"testing"

	"farmproxy/work"
)

func TestWorkersQuery(t *testing.T) {
	b := newBook(Options{})
	add := func(name string, accepted, rejected, reconnects int, difficulty float64) {
		w := b.Worker(name)
		w.SetDifficulty(difficulty)
		w.Connected(epoch, "", "")
		for i := range accepted {
			w.Share(0, at(float64(i)), work.Accepted, difficulty)
		}
		for range rejected {
			w.Share(0, epoch, work.Stale, difficulty)
		}
		for range reconnects {
			w.Disconnected(epoch, 0)
			w.Connected(epoch, "", "")
		}
	}
	add("Farm.b", 3, 0, 0, 1)
	add("farm.a", 1, 5, 2, 1024)
	add("farm.c", 2, 0, 1, 64)
	add("d", 0, 5, 1, 64)

	f := func(q WorkerQuery, want string, wantTotal int) {
		t.Helper()
		infos, total := b.Workers(q)
		var names []string
		for _, i := range infos {
			names = append(names, i.Name)
		}
		if got := strings.Join(names, " "); got != want || total != wantTotal {
			t.Errorf("%+v: %q of %d, want %q of %d", q, got, total, want, wantTotal)
		}
	}
	const all = 10
	f(WorkerQuery{Limit: all}, "Farm.b d farm.a farm.c", 4)
	f(WorkerQuery{Limit: all, Descending: true}, "farm.c farm.a d Farm.b", 4)
	f(WorkerQuery{Limit: all, Order: ByHashRate}, "d Farm.b farm.c farm.a", 4)
	f(WorkerQuery{Limit: all, Order: ByAccepted, Descending: true}, "Farm.b farm.c farm.a d", 4)
	f(WorkerQuery{Limit: all, Order: ByRejected}, "Farm.b farm.c d farm.a", 4)                   // equal ones by name
	f(WorkerQuery{Limit: all, Order: ByRejected, Descending: true}, "d farm.a Farm.b farm.c", 4) // here too
	f(WorkerQuery{Limit: all, Order: ByLastShare}, "d farm.a farm.c Farm.b", 4)
	f(WorkerQuery{Limit: all, Order: ByDifficulty, Descending: true}, "farm.a d farm.c Farm.b", 4)
	f(WorkerQuery{Limit: all, Order: ByReconnects}, "Farm.b d farm.c farm.a", 4)
	f(WorkerQuery{Limit: all, Search: "FARM."}, "Farm.b farm.a farm.c", 3)
	f(WorkerQuery{Limit: all, Search: "nobody"}, "", 0)
	f(WorkerQuery{Limit: 2}, "Farm.b d", 4)
	f(WorkerQuery{Limit: 2, Offset: 2}, "farm.a farm.c", 4)
	f(WorkerQuery{Limit: 2, Offset: 3}, "farm.c", 4)
	f(WorkerQuery{Limit: 2, Offset: 4}, "", 4)
	f(WorkerQuery{Limit: 2, Offset: 1 << 40}, "", 4)
	f(WorkerQuery{Limit: 1, Search: "farm", Offset: 1}, "farm.a", 3)
	f(WorkerQuery{Limit: all, Up: true}, "Farm.b d farm.a farm.c", 4)
	f(WorkerQuery{Limit: all, Down: true}, "", 0)
	b.Worker("d").Disconnected(epoch, 0)
	f(WorkerQuery{Limit: all, Up: true}, "Farm.b farm.a farm.c", 3)
	f(WorkerQuery{Limit: all, Down: true}, "d", 1)
}

func TestWorkerOrdersHaveNames(t *testing.T) {
	for i, name := range WorkerOrders() {
		o, ok := ParseWorkerOrder(name)
		if !ok || int(o) != i || o.String() != name {
			t.Errorf("%q is %v, %v", name, o, ok)
		}
	}
	if _, ok := ParseWorkerOrder("colour"); ok {
		t.Error("there is an order by colour")
	}
}
