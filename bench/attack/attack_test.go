package attack

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

	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/bench/wait"
)

// mustRaid runs one attack on a pool, without a proxy in between, until done, and
// returns once all of its connections are gone.
func mustRaid(t *testing.T, name string, p *pool.Pool, done func(r *Raid) bool) *Raid {
	t.Helper()
	some, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	r := &Raid{Attack: some[0], Target: p.Addr(), Source: "127.0.0.1", Account: "farm", Algorithm: p.Options().Algorithm, Pool: p, Seed: 1}
	r.Peers = min(r.Peers, 4)
	ctx, cancel := context.WithCancel(t.Context())
	var raid sync.WaitGroup
	raid.Go(func() { r.Run(ctx) })
	if !wait.Until(ctx, wantTime, func() bool { return done(r) }) {
		t.Errorf("the pool did not see it; books %v: %+v", p.Books().Total(), r.Figures())
	}
	cancel()
	raid.Wait()
	return r
}

// The pool must refuse what the attack sends: otherwise a proxy that lets everything
// through would pass.
func TestAttacksByShares(t *testing.T) {
	f := func(name string, algorithm *proof.Algorithm, refused *proof.Refusal) {
		t.Helper()
		t.Run(name+" "+algorithm.Name, func(t *testing.T) {
			t.Parallel()
			p := mustPool(t, func(o *pool.Options) { o.Algorithm, o.Difficulty = algorithm, algorithm.Easy() })
			r := mustRaid(t, name, p, func(r *Raid) bool {
				return p.Books().Total().Refused[refused.Text] > 0 && r.books.refused.Load() > 0
			})
			for other, n := range p.Books().Total().Refused {
				if other != refused.Text {
					t.Errorf("%d shares were refused with %q", n, other)
				}
			}
			if refused == proof.RefusedDuplicate && r.books.repeats.Load() > 0 {
				t.Errorf("%d repeated shares are booked as accepted", r.books.repeats.Load())
			}
			if refused == proof.RefusedDuplicate && r.books.earned.Load() == 0 {
				t.Error("no connection had a share accepted")
			}
			if b := p.AgentTotal(); name == "reregister" && (b.Unregistered == 0 || b.Twice > 0) {
				t.Errorf("the agent's worker was registered, but not anew: %s", b)
			}
		})
	}
	f("replay", proof.SHA256d, proof.RefusedDuplicate)
	f("replay", proof.Unchecked, proof.RefusedDuplicate)
	f("resume", proof.SHA256d, proof.RefusedDuplicate)
	f("resume", proof.Scrypt, proof.RefusedDuplicate)
	f("reregister", proof.SHA256d, proof.RefusedDuplicate)
	f("junk", proof.Unchecked, proof.RefusedLow)
	f("flood", proof.Scrypt, proof.RefusedLow)
}

// A peer that counts a share twice is detected.
func TestAttacksCountWhatCountsTwice(t *testing.T) {
	for _, name := range []string{"replay", "resume", "reregister"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p *pool.Pool
			p = mustPool(t, func(o *pool.Options) {
				o.OnSubmit = func(pool.Submit) { p.ForgetShares() }
			})
			r := mustRaid(t, name, p, func(r *Raid) bool { return r.books.repeats.Load() > 2 })
			if connects, earned := r.books.connects.Load(), r.books.earned.Load(); earned < 1 || earned > connects {
				t.Errorf("%d of %d connections had a share accepted", earned, connects)
			}
		})
	}
}

// The circle has one share for the pool, and easy ones if the miner's difficulty is
// lower.
func TestAttackCircle(t *testing.T) {
	p := mustPool(t, func(o *pool.Options) { o.Difficulty = 64 * proof.EasyDifficulty })
	r := &Raid{Target: p.Addr(), Source: "127.0.0.1", Algorithm: proof.SHA256d, Pool: p}
	s, err := r.dial(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.login("farm.x", "x", ""); err != nil {
		t.Fatal(err)
	}
	s.work = proof.EasyDifficulty // as a proxy would have set it
	circle, err := r.circle(s, rand.New(rand.NewPCG(1, 1)), 24)
	if err != nil || len(circle) != 25 {
		t.Fatalf("%d shares, %v", len(circle), err)
	}
	if _, err := r.round(s, s.job, circle, make([]bool, 25)); err != nil {
		t.Fatal(err)
	}
	if total := p.Books().Total(); total.Accepted != 1 || total.Refused[proof.RefusedLow.Text] != 24 {
		t.Errorf("the pool has %d accepted and %v; want 1, and 24 below its difficulty", total.Accepted, total.Refused)
	}
}

// A second acceptance of the same share must never happen.
func TestAttackCountsRepeats(t *testing.T) {
	var b books
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
	f := func(name string, done func(p *pool.Pool, r *Raid) bool) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustPool(t, nil)
			mustRaid(t, name, p, func(r *Raid) bool { return done(p, r) })
		})
	}
	f("names", func(p *pool.Pool, r *Raid) bool { return r.books.accepted.Load() > namesEach })
	f("agents", func(p *pool.Pool, r *Raid) bool { return p.AgentTotal().Registered >= 2*workersEach })
	f("connects", func(p *pool.Pool, r *Raid) bool { return p.Opened() > 20 })
	f("slow", func(p *pool.Pool, r *Raid) bool { return p.BytesUp() > 100_000 })
	f("dribble", func(p *pool.Pool, r *Raid) bool { return r.books.sent.Load() > 4 })
	f("masks", func(p *pool.Pool, r *Raid) bool { return r.books.sent.Load() > 2 })
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
	r := &Raid{HTTP: server.Listener.Addr().String(), Source: "127.0.0.1", Algorithm: proof.SHA256d}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- occupyHTTP(ctx, r, 0, rand.New(rand.NewPCG(1, 1))) }()
	go func() { ended <- occupyHTTP(ctx, r, httpReaders, rand.New(rand.NewPCG(1, 1))) }()
	if path := <-asked; path != "/metrics" {
		t.Errorf("asked for %s", path)
	}
	if !wait.Until(ctx, wantTime, func() bool { return r.books.connects.Load() == 2 }) {
		t.Errorf("%d connections, want one idle and one that asks", r.books.connects.Load())
	}
	cancel()
	<-ended
	<-ended
}

// A closed attacker returns after growing pauses, up to a bound.
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
	r := &Raid{Target: l.Addr().String(), Source: "127.0.0.1", Algorithm: proof.SHA256d}
	r.Peers = 1
	var starts []time.Time
	r.play = func(ctx context.Context, r *Raid, peer int, rnd *rand.Rand) error {
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
	r.Run(ctx)
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
	if got := RootCause(fmt.Errorf("127.0.0.1:99: %w", wrapped)); got != "unexpected EOF" {
		t.Errorf("got %q", got)
	}
}

// A stranger gives up if a line makes no sense or no answer comes.
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
		s := &stranger{conn: here, in: bufio.NewReader(here), algorithm: proof.SHA256d, release: func() bool { return true }}
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

func (timeoutError) Error() string { return "too late" }

func (timeoutError) Timeout() bool { return true }

func (timeoutError) Temporary() bool { return true }
