package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// mustRaid lets one attack loose on a pool, without a proxy in between, until
// done, and returns when all of its connections are gone.
func mustRaid(t *testing.T, name string, p *Pool, done func(r *raid) bool) *raid {
	t.Helper()
	some, err := lookupAttacks(name)
	if err != nil {
		t.Fatal(err)
	}
	r := &raid{attack: some[0], target: p.Addr(), source: "127.0.0.1", algorithm: p.o.Algorithm, pool: p, seed: 1}
	r.peers = min(r.peers, 4)
	ctx, cancel := context.WithCancel(t.Context())
	var raid sync.WaitGroup
	raid.Go(func() { r.run(ctx) })
	if !until(ctx, wantTime, func() bool { return done(r) }) {
		t.Errorf("the pool did not see it; books %v: %+v", p.Books().Total(), r.figures())
	}
	cancel()
	raid.Wait()
	return r
}

// What the pool refuses is what the attack is for: were it not, a proxy that
// lets everything through would pass.
func TestAttacksByShares(t *testing.T) {
	f := func(name string, algorithm *Algorithm, refused *Refusal) {
		t.Helper()
		t.Run(name+" "+algorithm.Name, func(t *testing.T) {
			t.Parallel()
			p := mustPool(t, func(o *PoolOptions) { o.Algorithm, o.Difficulty = algorithm, algorithm.easy() })
			r := mustRaid(t, name, p, func(r *raid) bool {
				return p.Books().Total().Refused[refused.Text] > 0 && r.books.refused.Load() > 0
			})
			for other, n := range p.Books().Total().Refused {
				if other != refused.Text {
					t.Errorf("%d shares were refused with %q", n, other)
				}
			}
			if refused == refusedDuplicate && r.books.repeats.Load() > 0 {
				t.Errorf("%d repeated shares are booked as accepted", r.books.repeats.Load())
			}
			if refused == refusedDuplicate && r.books.earned.Load() == 0 {
				t.Error("no connection had a share accepted")
			}
			if b := p.AgentTotal(); name == "reregister" && (b.Unregistered == 0 || b.Twice > 0) {
				t.Errorf("the agent's worker was registered, but not anew: %s", b)
			}
		})
	}
	f("replay", SHA256d, refusedDuplicate)
	f("replay", Unchecked, refusedDuplicate)
	f("resume", SHA256d, refusedDuplicate)
	f("resume", Scrypt, refusedDuplicate)
	f("reregister", SHA256d, refusedDuplicate)
	f("junk", Unchecked, refusedLow)
	f("flood", Scrypt, refusedLow)
}

// A peer that counts a share twice is found out.
func TestAttacksCountWhatCountsTwice(t *testing.T) {
	for _, name := range []string{"replay", "resume", "reregister"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p *Pool
			p = mustPool(t, func(o *PoolOptions) {
				o.OnSubmit = func(Submit) {
					p.mu.Lock()
					defer p.mu.Unlock()
					p.seen = recent[Hash, struct{}]{limit: 1}
				}
			})
			r := mustRaid(t, name, p, func(r *raid) bool { return r.books.repeats.Load() > 2 })
			if connects, earned := r.books.connects.Load(), r.books.earned.Load(); earned < 1 || earned > connects {
				t.Errorf("%d of %d connections had a share accepted", earned, connects)
			}
		})
	}
}

// The circle has one share for the pool, and easy ones where the miner's
// difficulty is lower.
func TestAttackCircle(t *testing.T) {
	p := mustPool(t, func(o *PoolOptions) { o.Difficulty = 64 * EasyDifficulty })
	r := &raid{target: p.Addr(), source: "127.0.0.1", algorithm: SHA256d, pool: p}
	s, err := r.dial(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.login("farm.x", "x", ""); err != nil {
		t.Fatal(err)
	}
	s.work = EasyDifficulty // as a proxy would have told it
	circle, err := r.circle(s, rand.New(rand.NewPCG(1, 1)), 24)
	if err != nil || len(circle) != 25 {
		t.Fatalf("%d shares, %v", len(circle), err)
	}
	if _, err := r.round(s, s.job, circle, make([]bool, 25)); err != nil {
		t.Fatal(err)
	}
	if total := p.Books().Total(); total.Accepted != 1 || total.Refused[refusedLow.Text] != 24 {
		t.Errorf("the pool has %d accepted and %v; want 1, and 24 below its difficulty", total.Accepted, total.Refused)
	}
}

// A yes to a share that had one before is what must not be.
func TestAttackCountsRepeats(t *testing.T) {
	var b raidBooks
	b.verdict(reply{yes: true}, false)
	b.verdict(reply{yes: true}, true)
	b.verdict(reply{text: "22 Duplicate share"}, true)
	if b.accepted.Load() != 2 || b.repeats.Load() != 1 || b.refused.Load() != 1 || b.ends["22 Duplicate share"] != 1 {
		t.Errorf("got %d accepted, %d repeats, %d refused, %v", b.accepted.Load(), b.repeats.Load(), b.refused.Load(), b.ends)
	}
	for i := range 2 * mostEnds {
		b.note(fmt.Sprint(i))
	}
	if len(b.ends) > mostEnds+1 || b.ends["others"] == 0 {
		t.Errorf("%d texts are told apart: %v", len(b.ends), b.ends)
	}
}

func TestAttacksOnRoom(t *testing.T) {
	f := func(name string, done func(p *Pool, r *raid) bool) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustPool(t, nil)
			mustRaid(t, name, p, func(r *raid) bool { return done(p, r) })
		})
	}
	f("names", func(p *Pool, r *raid) bool { return r.books.accepted.Load() > namesEach })
	f("agents", func(p *Pool, r *raid) bool { return p.AgentTotal().Registered >= 2*workersEach })
	f("connects", func(p *Pool, r *raid) bool { return p.Opened() > 20 })
	f("slow", func(p *Pool, r *raid) bool { return p.BytesUp() > 100_000 })
	f("dribble", func(p *Pool, r *raid) bool { return r.books.sent.Load() > 4 })
	f("masks", func(p *Pool, r *raid) bool { return r.books.sent.Load() > 2 })
}

// What the pool says while it changes its mind ends as it was.
func TestPoolWavers(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	s := c.handshake("1fffe000", "", "farm.rig1")
	p.Waver(narrowMask)
	c.want(`"mining.set_version_mask","params":["00ffe000"]`)
	c.want(`"mining.set_version_mask","params":["1fffe000"]`)
	if other := c.want(`"mining.set_extranonce"`); strings.Contains(other, s.extranonce1) {
		t.Errorf("the same extranonce1: %s", other)
	}
	c.want(fmt.Sprintf(`"mining.set_extranonce","params":["%s",8]`, s.extranonce1))
	c.wantVerdict(s.mustMine(t, EasyDifficulty, 1), accepted)
}

func TestAttackOnHTTP(t *testing.T) {
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.URL.Path:
		default:
		}
	}))
	defer server.Close()
	r := &raid{http: server.Listener.Addr().String(), source: "127.0.0.1", algorithm: SHA256d}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- occupyHTTP(ctx, r, 0, rand.New(rand.NewPCG(1, 1))) }()
	go func() { ended <- occupyHTTP(ctx, r, httpReaders, rand.New(rand.NewPCG(1, 1))) }()
	if path := <-asked; path != "/metrics" {
		t.Errorf("asked for %s", path)
	}
	if !until(ctx, wantTime, func() bool { return r.books.connects.Load() == 2 }) {
		t.Errorf("%d connections, want one idle and one that asks", r.books.connects.Load())
	}
	cancel()
	<-ended
	<-ended
}

// A closed attacker comes again later and later, up to a bound.
func TestAttackerBacksOff(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := &raid{target: l.Addr().String(), source: "127.0.0.1", algorithm: SHA256d}
	r.peers = 1
	var starts []time.Time
	r.play = func(ctx context.Context, r *raid, peer int, rnd *rand.Rand) error {
		if starts = append(starts, time.Now()); len(starts) == 4 {
			cancel()
		}
		s, err := r.dial(ctx, false)
		if err != nil {
			return err
		}
		defer s.close()
		return s.login("farm.x", "x", "")
	}
	r.run(ctx)
	for i := 1; i < len(starts); i++ {
		if least := againLeast << (i - 1) / 2; starts[i].Sub(starts[i-1]) < least {
			t.Errorf("it came again after %v, want %v at least", starts[i].Sub(starts[i-1]), least)
		}
	}
	if r.books.cut.Load() != 3 {
		t.Errorf("%d connections are booked as closed, want 3", r.books.cut.Load())
	}
}

func TestRootCause(t *testing.T) {
	wrapped := &net.OpError{Op: "read", Net: "tcp", Err: fmt.Errorf("read: %w", io.ErrUnexpectedEOF)}
	if got := rootCause(fmt.Errorf("127.0.0.1:99: %w", wrapped)); got != "unexpected EOF" {
		t.Errorf("got %q", got)
	}
}

// A stranger gives up where a line makes no sense or no answer comes.
func TestStrangerGivesUp(t *testing.T) {
	f := func(says, want string) {
		t.Helper()
		here, there := net.Pipe()
		defer there.Close()
		go func() {
			in := bufio.NewReader(there)
			in.ReadString('\n')
			in.ReadString('\n')
			io.WriteString(there, says)
			there.Close()
		}()
		s := &stranger{conn: here, in: bufio.NewReader(here), algorithm: SHA256d, release: func() bool { return true }}
		if err := s.login("farm.x", "x", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something with %q", says, err, want)
		}
		s.conn.Close()
	}
	f("nonsense\n", "a line that no miner understands")
	f(`{"id":2,"result":[[],"zz",4],"error":null}`+"\n", "subscribe: got")
	f(`{"id":2,"result":null,"error":[20,"full",null]}`+"\n", "subscribe: got")
	f(`{"id":3,"result":null,"error":[24,"Unknown account",null]}`+"\n", "not authorized: 24 Unknown account")
	f(`{"id":null,"method":"mining.set_difficulty","params":[]}`+"\n", "EOF")
	f("", "EOF")
	if err := gaveUp(&net.OpError{Err: timeoutError{}}); !errors.Is(err, errUnanswered) {
		t.Errorf("got %v", err)
	}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "too late" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
