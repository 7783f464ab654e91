package scenario

import (
	"math"
	"testing"
	"time"

	"farmproxy/bench/fleet"
	"farmproxy/bench/judge"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
)

// mustCrew returns two miners of an account at p, none of them running.
func mustCrew(t *testing.T, p *pool.Pool, user string, pass bool) *crew {
	t.Helper()
	o := fleet.DefaultOptions(p.Addr())
	o.Miners, o.Account = 2, "name-"+user
	f, err := fleet.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &crew{pool: p, user: user, pass: pass, name: "name-" + user, fleet: f}
}

// book enters a share that both sides know, with a unique header.
func (c *crew) book(n byte, miner int, user string, refused *proof.Refusal) fleet.Share {
	s := fleet.Share{Miner: miner, Hash: proof.Hash{n}, Work: 2, Sent: time.Now(), Answered: time.Now()}
	c.fleet.Books().Answered(s)
	c.pool.Books().Book(pool.Submit{At: time.Now(), User: user, Hash: s.Hash, Refused: refused}, 2)
	return s
}

func TestReconcileCrewsOfOnePool(t *testing.T) {
	f := func(name string, change func(one, two *crew), wantBreach, wantExcuse string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			p := mustPool(t, nil)
			one, two := mustCrew(t, p, "one", false), mustCrew(t, p, "two", true)
			one.book(1, 0, "one", nil)
			two.book(2, 1, "two.rig00001", nil)
			change(one, two)
			r, err := reconcile(p, []*crew{one, two, mustCrew(t, mustPool(t, nil), "three", false)}, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if got := only(r.Breaches); got != wantBreach {
				t.Errorf("breaches %v, want %q", r.Breaches, wantBreach)
			}
			if got := only(r.Excused); got != wantExcuse {
				t.Errorf("excuses %v, want %q", r.Excused, wantExcuse)
			}
		})
	}
	silent := func(c *crew) {
		c.fleet.Books().Answered(fleet.Share{Miner: 1, Hash: proof.Hash{9}, Sent: time.Now()})
	}
	f("nothing", func(one, two *crew) {}, "", "")
	f("under the other's name", func(one, two *crew) { one.book(3, 0, "two", nil) }, judge.BreachName, "")
	f("under the other worker's name", func(one, two *crew) { two.book(3, 0, "two.rig00001", nil) }, judge.BreachName, "")
	f("no answer", func(one, two *crew) { silent(one) }, judge.BreachSilent, "")
	f("no answer, as the proxy was killed", func(one, two *crew) {
		silent(one)
		one.cuts = append(one.cuts, cut{time.Now(), judge.ExcuseKilled})
	}, "", judge.ExcuseKilled)
	f("no answer, though the other account was deleted", func(one, two *crew) {
		silent(one)
		two.cuts = append(two.cuts, cut{time.Now(), judge.ExcuseGone})
	}, judge.BreachSilent, "")
	f("no answer, long before the proxy was killed", func(one, two *crew) {
		silent(one)
		one.cuts = append(one.cuts, cut{time.Now().Add(time.Minute), judge.ExcuseKilled})
	}, judge.BreachSilent, "")
}

// TestRatesFollowTheProxysRule has a miner that connected in second 1000 and then sent
// shares of work 2.
func TestRatesFollowTheProxysRule(t *testing.T) {
	came := time.Unix(1000, int64(900*time.Millisecond))
	at := func(seconds float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(seconds * 1e9)) }
	f := func(name string, now float64, answered []float64, want float64) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			c := mustCrew(t, mustPool(t, nil), "one", false)
			c.from = at(0)
			for i, s := range answered {
				c.fleet.Books().Answered(fleet.Share{Miner: 1, Hash: proof.Hash{byte(i)}, Work: 2, Sent: at(s), Answered: at(s)})
			}
			c.fleet.Books().Answered(fleet.Share{Miner: 1, Work: 2, Sent: at(now), Answered: at(now), Refused: "no"})
			c.fleet.Books().Answered(fleet.Share{Miner: 1, Work: 2, Sent: at(-5), Answered: at(-4)})
			r := c.ratesSince(at(now), func(int) time.Time { return came })
			if want *= 1 << 32; math.Abs(r.hashRate-want) > 1 || r.workers["name-one.rig00001"].hashRate != r.hashRate {
				t.Errorf("got %v and %v, want %v", r.hashRate, r.workers, want)
			}
			if r.accepted != len(answered) || r.work != 2*float64(len(answered)) {
				t.Errorf("got %+v", r)
			}
		})
	}
	f("none", 40, nil, 0)
	f("less than the least window", 10, []float64{1, 2, 3}, 6.0/30)
	f("since it came", 60, []float64{1, 2, 3}, 6.0/60)
	f("the last five minutes", 400, []float64{1, 99, 101, 300}, 4.0/300)
}

func TestOff(t *testing.T) {
	f := func(a, b, want float64) {
		t.Helper()
		if got := off(a, b); math.Abs(got-want) > 1e-9 {
			t.Errorf("off(%v, %v): got %v, want %v", a, b, got, want)
		}
	}
	f(0, 0, 0)
	f(100, 104, 0.04)
	f(104, 100, 0.04)
	if off(0, 1) < 1 || off(1, 0) < 1 {
		t.Error("something is near nothing")
	}
}
