//go:build !race

package upstream

import (
	"fmt"
	"testing"

	"farmproxy/codec"
	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

func TestSharesAllocateNothing(t *testing.T) {
	d := NewDirectory(DirectoryOptions{Book: stats.New(stats.Options{})}, nobody{})
	d.Set(kept(Pool{Target: dial.Target{Name: "a"}, User: "farm", PassWorkers: true}))
	g := d.goal("")
	l := newLane(g, Prefix{Len: 2}, 0)
	layout, _ := work.NewLayout(8, 2)
	e := newEpoch(g.list()[0], "", nil, 8, layout)
	l.setEpochs([]*epoch{e})
	k := g.newLink(t.Context(), g.list()[0], l, linkFiles{})
	atWork(k, e)
	k.protocol.setMask(0x1fffe000)
	job := work.NewJob(work.Template{}, nil, layout)
	job.PoolID, job.Epoch = `"a-1"`, e.id
	s := share(job, 1)
	s.Worker = d.book.Worker("acct.rig1")
	stratum := k.protocol.dialect.(*stratum)
	stratum.names.workers[s.Worker] = &name{text: "farm.rig1", fixed: true}

	var batch []Share
	var buf []byte
	id := uint64(firstID)
	once := func() {
		if !l.Submit(s) {
			t.Fatal("not taken")
		}
		batch, _ = e.take(batch[:0], maxBatch)
		buf = buf[:0]
		for i := range batch {
			buf, _ = k.protocol.dialect.share(buf, &batch[i])
		}
		sent, ok := k.protocol.flight.remove(id)
		id++
		if !ok {
			t.Fatal("not in flight")
		}
		k.protocol.settled(&sent, work.Accepted, codec.PoolError{}, false)
	}
	once()
	if n := testing.AllocsPerRun(1000, once); n != 0 {
		t.Errorf("%v allocations for each share", n)
	}
}

func TestLoginAllocatesNothing(t *testing.T) {
	d := NewDirectory(DirectoryOptions{}, nobody{})
	accounts := table("bob a robert")
	accounts[""] = kept(Pool{Target: dial.Target{Name: "a"}})[0]
	d.Set(accounts)
	for _, login := range []string{"bob", "bob.rig1", "nobody.rig1"} {
		d.Login(login)
		if n := testing.AllocsPerRun(100, func() { d.Login(login) }); n != 0 {
			t.Errorf("%q: %v allocations", login, n)
		}
	}
}

// Accounts that nobody uses cost their place in the caller's table.
func TestManyAccountsCostLittle(t *testing.T) {
	d := NewDirectory(DirectoryOptions{}, nobody{})
	var rows []string
	for i := range 10_000 {
		rows = append(rows, fmt.Sprintf("acct%d pool%d user%d", i, i%20, i))
	}
	accounts := table(rows...)
	if n := testing.AllocsPerRun(10, func() { d.Set(accounts) }); n > 20 {
		t.Errorf("%v allocations for a table of 10,000", n)
	}
	equal(t, "routes", len(d.routes), 0)
}
