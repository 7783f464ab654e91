package stats

import (
	"errors"
	"testing"

	"farmproxy/work"
)

func TestReady(t *testing.T) {
	b := newBook(Options{})
	f := func(want string) {
		t.Helper()
		got := ""
		if err := b.Ready(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("ready: %q, want %q", got, want)
		}
	}
	f("farmproxy is starting: it does not listen yet")
	b.SetReady(nil)
	f("no link to a pool is up")
	p := b.Pool("main", "u", 0)
	f("no link to a pool is up")
	why := "connection refused"
	p.LastError.Store(&why)
	f(`no link to a pool is up; pool "main": connection refused`)
	l := b.OpenLink("main", 0)
	l.State.Store(uint32(LinkHandshaking))
	f(`no link to a pool is up; pool "main": connection refused`)
	l.State.Store(uint32(LinkUp))
	f("")
	l.State.Store(uint32(LinkDown))
	b.SetNeedsLink(false)
	f("")
	b.SetReady(errors.New("stopping"))
	f("stopping")
}

// If only accounts are served and none is known, nobody is served.
func TestNotReadyWithoutAnyAccount(t *testing.T) {
	for _, c := range []struct {
		only     bool
		accounts int
		away     bool
		ready    bool
	}{
		{true, 0, true, false},
		{true, 1, true, true},
		{true, 0, false, true},
		{false, 0, true, true},
	} {
		b := newBook(Options{})
		b.SetReady(nil)
		b.SetNeedsLink(false)
		b.SetOnlyAccounts(c.only)
		b.SetStore(func() (int, error) {
			if c.away {
				return c.accounts, errors.New("away")
			}
			return c.accounts, nil
		})
		if err := b.Ready(); (err == nil) != c.ready {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// An unavailable database does not make farmproxy unready: known accounts are served
// from memory.
func TestStoreThatIsAway(t *testing.T) {
	b := newBook(Options{})
	b.SetReady(nil)
	b.SetNeedsLink(false)
	if err := b.Store(); err != nil {
		t.Errorf("no store: %v", err)
	}
	var away error
	b.SetStore(func() (int, error) { return 7, away })
	if err := b.Store(); err != nil {
		t.Errorf("well: %v", err)
	}
	away = errors.New("away since noon")
	if err := b.Store(); err != away {
		t.Errorf("away: %v", err)
	}
	if err := b.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}

func TestStatus(t *testing.T) {
	b := newBook(Options{Loops: 2})
	for i := range 2 {
		l := b.Loop(i)
		l.Miners.Add(3)
		l.Subscribed.Add(2)
		l.Authorized.Add(1)
		l.Verdicts[work.Accepted].Add(10)
		l.Work[work.Accepted].Add(1.5)
		l.Verdicts[work.Duplicate].Add(1)
		l.Work[work.Duplicate].Add(0.5)
	}
	b.SetMinersMax(1000)
	b.Pool("backup", "u", 1).Active.Store(true)
	b.Pool("main", "u", 0).Active.Store(true)
	b.OpenLink("main", 0).State.Store(uint32(LinkUp))
	b.OpenLink("backup", 1)
	b.CloseLink(b.OpenLink("backup", 2))
	w := b.Worker("rig")
	w.Connected(epoch, "", "")
	w.Share(0, epoch, work.Accepted, 30)
	b.Worker("gone")

	got := b.Status()
	got.Ready = nil
	want := Status{
		Miners: 6, MinersMax: 1000, Subscribed: 4, Authorized: 2,
		Workers: 2, WorkersUp: 1,
		LinksUp: 1, Links: 2, Pool: "main",
		Shares:   Shares{work.Accepted: 20, work.Duplicate: 2},
		Work:     Work{work.Accepted: 3, work.Duplicate: 1},
		HashRate: work.HashesPerShare,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
