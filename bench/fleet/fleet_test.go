package fleet

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/pool"
)

func TestFleetAndPoolKeepTheSameBooks(t *testing.T) {
	t.Parallel()
	p := mustPool(t, nil)
	f := mustFleet(t, p.Addr(), nil)
	wantSoon(t, "500 shares", func() bool { return f.Books().Total().Accepted >= 500 })
	p.Job(false)
	wantSoon(t, "500 more on a new job", func() bool { return f.Books().Total().Accepted >= 1000 })
	settle(t, f)

	total := f.Books().Total()
	if total.Refused+total.Unanswered+total.Disconnects+total.Garbage+total.TooHard != 0 {
		t.Errorf("want accepted shares only, got %+v", total)
	}
	if n := p.Books().Total().Accepted; n != total.Accepted {
		t.Errorf("the pool accepted %d, the fleet was told of %d", n, total.Accepted)
	}
	shares, _ := f.Books().Shares()
	for _, s := range shares {
		booked, ok := p.Books().Share(s.Hash)
		if !ok || booked.Refused != nil || booked.User != f.miners[s.Miner].name || booked.Key != s.Key {
			t.Fatalf("share %s of %s: on the pool's books as %+v", s.Hash, f.miners[s.Miner].name, booked)
		}
	}
	if users := p.Books().Users(); len(users) != 100 {
		t.Errorf("%d user names on the pool's books, want 100", len(users))
	}
}

func TestFleetComesBackAfterADrop(t *testing.T) {
	t.Parallel()
	p := mustPool(t, nil)
	f := mustFleet(t, p.Addr(), func(o *Options) { o.Miners = 20 })
	p.DropLinks()
	wantSoon(t, "20 disconnects", func() bool { return f.Books().Total().Disconnects == 20 })
	wantSoon(t, "all miners back at work", func() bool { return f.Ready() == 20 })
	before := f.Books().Total().Accepted
	wantSoon(t, "shares again", func() bool { return f.Books().Total().Accepted > before })
	settle(t, f)
	total := f.Books().Total()
	if total.Submits != total.Accepted+total.Unanswered || total.Refused != 0 {
		t.Errorf("resumed sessions lose what was on its way at most, got %+v", total)
	}
	if one := f.Books().Miner(3); one.Disconnects != 1 {
		t.Errorf("miner 3: %+v", one)
	}
}

func TestFleetBooksRefusals(t *testing.T) {
	p := mustPool(t, nil)
	p.Reject(1)
	f := mustFleet(t, p.Addr(), func(o *Options) { o.Miners = 5 })
	wantSoon(t, "10 refusals", func() bool { return f.Books().Total().Refused >= 10 })
	settle(t, f)
	total := f.Books().Total()
	if total.Reasons["20 Refused by script"] != total.Refused || total.Accepted != 0 {
		t.Errorf("got %+v", total)
	}
}

func TestFleetObeysThePool(t *testing.T) {
	f := func(name, line string, then func(*pool.Pool), what string, cond func(*Fleet) bool) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			p := mustPool(t, nil)
			f := mustFleet(t, p.Addr(), func(o *Options) { o.Miners, o.Rate = 4, 100 })
			p.Raw(line)
			if then != nil {
				then(p)
			}
			wantSoon(t, what, func() bool { return cond(f) })
			if total := f.Books().Total(); total.Garbage != 0 {
				t.Errorf("garbage: %s", f.Books().LastTrouble())
			}
		})
	}
	each := func(cond func(*miner) bool) func(*Fleet) bool {
		return func(f *Fleet) bool {
			for _, m := range f.miners {
				m.mu.Lock()
				ok := cond(m)
				m.mu.Unlock()
				if !ok {
					return false
				}
			}
			return true
		}
	}
	job := func(p *pool.Pool) { p.Job(false) }
	f("mask", `{"id":null,"method":"mining.set_version_mask","params":["00ffe000"]}`, nil,
		"the mask holds", each(func(m *miner) bool { return m.mask == 0x00ffe000 }))
	f("difficulty", `{"id":null,"method":"mining.set_difficulty","params":[1e-7]}`, job,
		"the next job is harder", each(func(m *miner) bool { return m.work == 1e-7 }))
	f("extranonce", `{"id":null,"method":"mining.set_extranonce","params":["abcd",3]}`, job,
		"the next job has it", each(func(m *miner) bool { return m.size2 == 3 && len(m.extranonce1) == 2 }))
	f("reconnect", `{"id":null,"method":"client.reconnect","params":[]}`, nil,
		"all came back", func(f *Fleet) bool {
			total := f.Books().Total()
			return total.Reconnects == 4 && total.Disconnects == 0 && f.Ready() == 4
		})
	f("message", `{"id":null,"method":"client.show_message","params":["hi"]}`, nil,
		"they go on", func(f *Fleet) bool { return f.Books().Total().Accepted > 3 })
}

func TestFleetAnswersRequests(t *testing.T) {
	f := func(method, want string) {
		t.Helper()
		replies := make(chan string, 1)
		p := mustPool(t, func(o *pool.Options) { o.OnReply = func(line []byte) { replies <- string(line) } })
		mustFleet(t, p.Addr(), func(o *Options) { o.Miners, o.Rate = 1, 0 })
		p.Raw(`{"id":5,"method":"` + method + `","params":[]}`)
		if got := <-replies; got != `{"id":5,"result":"`+want+`","error":null}`+"\n" {
			t.Errorf("%s: got %s", method, got)
		}
	}
	f("mining.ping", "pong")
	f("client.get_version", "bench")
}

func TestFleetLeavesOutWhatIsTooHard(t *testing.T) {
	p := mustPool(t, func(o *pool.Options) { o.Difficulty = 1 })
	f := mustFleet(t, p.Addr(), func(o *Options) { o.Miners = 1 })
	wantSoon(t, "shares left out", func() bool { return f.Books().Total().TooHard > 10 })
	if n := f.Books().Total().Submits; n != 0 {
		t.Errorf("%d shares were found at difficulty 1", n)
	}
}

func TestFleetConnectTellsWhatKeepsIt(t *testing.T) {
	p := mustPool(t, func(o *pool.Options) { o.Idle = true }) // accepts logins, but sends no job
	f, err := New(DefaultOptions(p.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.Connect(ctx); err == nil || !strings.Contains(err.Error(), "0 of 100 miners are authorized and have a job") {
		t.Errorf("got %v", err)
	}
}

func TestFleetBooksKeepTheOrder(t *testing.T) {
	const count = 2*sharesAPage + 1
	b := newBooks(1)
	for i := range count {
		b.Answered(Share{Work: float64(i)})
	}
	shares, missing := b.Shares()
	if len(shares) != count || missing != 0 {
		t.Fatalf("%d of %d shares, %d missing", len(shares), count, missing)
	}
	for i, s := range shares {
		if s.Work != float64(i) {
			t.Fatalf("share %d stands where %d belongs", int(s.Work), i)
		}
	}
}

func TestFleetBooksEnd(t *testing.T) {
	b := newBooks(1)
	b.pages = make([][]Share, sharesKept/sharesAPage)
	b.pages[len(b.pages)-1] = make([]Share, sharesAPage-1, sharesAPage)
	for range 3 { // there is room for one
		b.Answered(Share{})
	}
	if _, missing := b.Shares(); missing != 2 {
		t.Errorf("%d missing, want 2", missing)
	}
}

func TestLatencies(t *testing.T) {
	var l Latencies
	if q := l.Quantile(0.5); q != 0 {
		t.Errorf("of none: %v", q)
	}
	for ms := 1; ms <= 1000; ms++ {
		l.Add(time.Duration(ms) * time.Millisecond)
	}
	f := func(q float64, want time.Duration) {
		t.Helper()
		if got := l.Quantile(q); got < want || got > want+want/25 {
			t.Errorf("quantile %v: got %v, want %v or up to 4 %% more", q, got, want)
		}
	}
	f(0, time.Millisecond)
	f(0.5, 500*time.Millisecond)
	f(0.99, 990*time.Millisecond)
	f(1, time.Second)
	l.reset()
	if q := l.Quantile(1); q != 0 {
		t.Errorf("after a reset: %v", q)
	}
}

// A miner whose login is refused retries, as firmware does, until it is accepted.
func TestFleetLogsInAgainAfterARefusal(t *testing.T) {
	p := mustPool(t, func(o *pool.Options) { o.RefuseNames = regexp.MustCompile(`rig00001$`) })
	o := DefaultOptions(p.Addr())
	o.Miners = 2
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go f.Connect(ctx)
	wantSoon(t, "refused twice", func() bool { return f.Books().Miner(1).Refusals >= 2 })
	wantSoon(t, "the other at work", func() bool { return f.Ready() == 1 })
	if f.Since(0).IsZero() || !f.Since(1).IsZero() {
		t.Errorf("authorized since %v and %v", f.Since(0), f.Since(1))
	}
	if n := f.Books().Miner(1).Disconnects; n > 0 {
		t.Errorf("%d disconnects by the other side", n)
	}
}
