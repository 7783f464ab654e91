package fleet

import (
	"context"
	"io"
	"math"
	"net"
	"strings"
	"testing"

	"farmproxy/bench/pool"
)

// wantCleanAgents checks that neither side of an agent's link did anything wrong.
func wantCleanAgents(t *testing.T, p *pool.Pool, f *Fleet) {
	t.Helper()
	total := f.Books().Total()
	if total.Refused+total.Unanswered+total.Garbage+total.TooHard+total.Failures != 0 {
		t.Errorf("fleet: %+v; last trouble: %s", total, f.Books().LastTrouble())
	}
	if b := p.AgentTotal(); b.Twice+b.Strangers+b.Longer+len(b.Dropped) != 0 {
		t.Errorf("pool: %s", b)
	}
}

func TestFleetBehindAgents(t *testing.T) {
	t.Parallel()
	p := mustPool(t, nil)
	f := mustFleet(t, p.Addr(), func(o *Options) { o.Behind = 3 })
	wantSoon(t, "500 shares", func() bool { return f.Books().Total().Accepted >= 500 })
	p.Job(true)
	wantSoon(t, "500 more on a new job", func() bool { return f.Books().Total().Accepted >= 1000 })
	settle(t, f)

	total := f.Books().Total()
	if n := p.Books().Total().Accepted; n != total.Accepted {
		t.Errorf("the pool accepted %d, the fleet was told of %d", n, total.Accepted)
	}
	// A clean job makes shares in flight stale.
	if stale := total.Reasons["21 status 21"]; stale != total.Refused || total.Unanswered+total.Garbage+total.Failures != 0 {
		t.Errorf("fleet: %+v; last trouble: %s", total, f.Books().LastTrouble())
	}
	shares, _ := f.Books().Shares()
	for _, s := range shares {
		booked, ok := p.Books().Share(s.Hash)
		if !ok || (booked.Refused == nil) != s.Accepted() || booked.User != f.miners[s.Miner].name || booked.Key != s.Key {
			t.Fatalf("share %s of %s: on the pool's books as %+v", s.Hash, f.miners[s.Miner].name, booked)
		}
	}
	agents := p.Agents()
	if len(agents) != 3 {
		t.Fatalf("%d links, want 3", len(agents))
	}
	for _, b := range agents {
		if b.Registered < 33 || b.Registered > 34 || b.Workers != b.Registered {
			t.Errorf("link %d: %s", b.Link, b)
		}
	}
	if b := p.AgentTotal(); b.Workers != 100 || b.Registered != 100 || b.Twice+b.Strangers+b.Longer+len(b.Dropped) != 0 {
		t.Errorf("pool: %s", b)
	}
	if names := p.AgentWorkers(); len(names) != 100 || names["farm.rig00007"] != 1 {
		t.Errorf("%d names", len(names))
	}
}

// The shortest form that can express a share, and no other.
func TestFleetBehindAgentsUsesTheShortestForm(t *testing.T) {
	f := func(roll string, want string) {
		t.Helper()
		t.Run(roll, func(t *testing.T) {
			p := mustPool(t, nil)
			f := mustFleet(t, p.Addr(), func(o *Options) {
				o.Behind, o.Miners = 1, 10
				if err := SetRoll(o, roll); err != nil {
					t.Fatal(err)
				}
			})
			wantSoon(t, "50 shares", func() bool { return f.Books().Total().Accepted >= 50 })
			settle(t, f)
			wantCleanAgents(t, p, f)
			for kind := range p.AgentTotal().Frames {
				if kind != "register" && !strings.Contains(want, kind) {
					t.Errorf("there are %q, want %s only", kind, want)
				}
			}
		})
	}
	f("none", "submit of 15 bytes, type 02")
	f("version", "submit of 19 bytes, type 12")
	f("time", "submit of 15 bytes, type 02, submit of 19 bytes, type 03")
	f("version,time", "submit of 19 bytes, type 12, submit of 23 bytes, type 13")
}

// Each worker receives its own difficulty before the job to which it applies, and works
// at it.
func TestFleetBehindAgentsObeysItsDifficulties(t *testing.T) {
	t.Parallel()
	p := mustPool(t, func(o *pool.Options) { o.Algorithm, o.Difficulty = easyTwos, 1 })
	f := mustFleet(t, p.Addr(), func(o *Options) { o.Algorithm, o.Behind, o.Miners, o.Rate = easyTwos, 2, 20, 400 })
	wantSoon(t, "20 workers", func() bool { return p.AgentTotal().Workers == 20 })
	exponent := pool.SpreadExponents(0, 4)
	own := func(name string) float64 { return math.Ldexp(1, int(exponent(name))) }
	p.SetWorkerDifficulty(exponent)
	p.Job(true)
	wantSoon(t, "all at their own", func() bool { return f.WorksAt(own) == 20 })
	settle(t, f)
	before, _ := f.Books().Shares()
	f.SetRate(400)
	wantSoon(t, "100 more", func() bool { return f.Books().Total().Submits >= len(before)+100 })
	settle(t, f)
	shares, _ := f.Books().Shares()
	for _, s := range shares[len(before):] {
		if want := easyTwos.One(own(f.Name(s.Miner))); s.Work != want || !s.Accepted() {
			t.Fatalf("share of %s counts %v, want %v; refused: %q", f.Name(s.Miner), s.Work, want, s.Refused)
		}
	}
	for _, s := range shares {
		if booked, ok := p.Books().Share(s.Hash); !ok || (booked.Refused == nil) != s.Accepted() {
			t.Fatalf("%+v is booked as %+v", s, booked)
		}
	}
}

func TestFleetBehindAgentsComesBackAfterADrop(t *testing.T) {
	t.Parallel()
	p := mustPool(t, nil)
	f := mustFleet(t, p.Addr(), func(o *Options) { o.Miners, o.Behind = 20, 2 })
	wantSoon(t, "20 workers", func() bool { return p.AgentTotal().Workers == 20 })
	p.DropLinks()
	wantSoon(t, "20 disconnects", func() bool { return f.Books().Total().Disconnects == 20 })
	wantSoon(t, "all miners back at work", func() bool { return f.Ready() == 20 })
	before := f.Books().Total().Accepted
	wantSoon(t, "shares again", func() bool { return f.Books().Total().Accepted > before })
	settle(t, f)
	if total := f.Books().Total(); total.Submits != total.Accepted+total.Unanswered || total.Refused+total.Garbage != 0 {
		t.Errorf("got %+v", total)
	}
	if b := p.AgentTotal(); b.Workers != 20 || b.Registered != 40 || b.Twice != 0 {
		t.Errorf("pool: %s", b)
	}
}

func TestFleetLeavesAndReturns(t *testing.T) {
	f := func(name string, behind int) {
		t.Run(name, func(t *testing.T) {
			p := mustPool(t, nil)
			f := mustFleet(t, p.Addr(), func(o *Options) { o.Miners, o.Behind = 10, behind })
			settle(t, f)
			f.Leave(4)
			wantSoon(t, "six are left", func() bool { return f.Connected() == 6 && f.Ready() == 6 })
			if behind > 0 {
				wantSoon(t, "four unregistered", func() bool { return p.AgentTotal().Unregistered == 4 })
				if names := p.AgentWorkers(); len(names) != 6 || names["farm.rig00003"] != 0 {
					t.Errorf("registered: %v", names)
				}
			}
			job := p.Job(true)
			f.Return(4)
			wantSoon(t, "all are back", func() bool { return f.Ready() == 10 })
			wantSoon(t, "all have the job", func() bool { n, _ := f.jobs.arrived(job.Key); return n == 10 })
			before := f.Books().Total().Accepted
			f.SetRate(1000)
			wantSoon(t, "shares of all", func() bool { return f.Books().Total().Accepted >= before+20 })
			settle(t, f)
			wantCleanAgents(t, p, f)
			if n := f.Books().Total().Disconnects; n != 0 {
				t.Errorf("%d disconnects by the other side", n)
			}
		})
	}
	f("each by itself", 0)
	f("behind agents", 2)
}

func TestFleetBehindAgentsGivesUp(t *testing.T) {
	f := func(name string, change func(*pool.Options), line, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			p := mustPool(t, change)
			o := DefaultOptions(p.Addr())
			o.Behind, o.Miners, o.Reconnect = 1, 5, false
			f, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go f.Connect(ctx)
			if line != "" {
				wantSoon(t, "at work", func() bool { return f.Ready() == 5 })
				script, err := pool.ParseScript(line)
				if err == nil {
					err = script.Run(ctx, p, func(string) {})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			wantSoon(t, "trouble", func() bool { return strings.Contains(f.Books().LastTrouble(), want) })
		})
	}
	f("extranonce2 size", func(o *pool.Options) { o.Extranonce2Size = 4 }, "", "extranonce2 of 4 bytes, want 8")
	f("job id", func(o *pool.Options) {}, `raw {"id":null,"method":"mining.notify","params":["f1"]}`, "doesn't understand")
	f("wrong length", nil, "strange length", "doesn't understand")
	f("unknown frame", nil, "strange unknown", "doesn't understand")
	f("unknown sessions", nil, "strange sessions", "doesn't understand")
	f("unknown share", nil, "strange response", "doesn't understand")
}

// An agent's miners work at difficulty 1 until told otherwise.
func TestFleetAgentThatIsToldNoDifficulty(t *testing.T) {
	o := DefaultOptions("127.0.0.1:1")
	o.Miners, o.Behind = 1, 1
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	defer here.Close()
	go io.Copy(io.Discard, there)
	a := f.agents[0]
	a.conn, a.working, a.extranonce1 = here, true, make([]byte, 4)
	a.join(f.miners[0])
	m := f.miners[0]
	m.conn = here
	want := func(what string, difficulty float64) {
		t.Helper()
		if m.difficulty != difficulty {
			t.Errorf("%s: difficulty %v, want %v", what, m.difficulty, difficulty)
		}
	}
	want("told nothing", 1)
	a.told("mining.set_difficulty", []any{0.25})
	a.tellAll()
	want("registered before it was said to all", 0.25)
	a.toldDifficulty(3, []uint16{0})
	a.tellAll()
	want("told its own", 8)
}
