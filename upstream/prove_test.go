package upstream

import (
	"context"
	"errors"
	"testing"
	"time"

	"farmproxy/descriptors"
)

// proof is the account that a proof is for.
func (f *farm) prove(ctx context.Context, p Pool) error { return f.directory.Prove(ctx, "alice", p) }

// Whatever serves an account goes on unchanged, whatever the pool says about other
// credentials.
func TestProofsTouchNothing(t *testing.T) {
	for _, c := range []struct {
		what    string
		user    string
		harm    func(p *scripted)
		refused bool // the pool refuses
		proven  bool
	}{
		{"let in", "other", func(*scripted) {}, false, true},
		{"refused", "bad", func(p *scripted) { p.badUser = "bad" }, true, false},
		{"without a job", "other", func(p *scripted) { p.jobless = true }, false, true},
		{"connections are refused", "other", func(p *scripted) { p.refuse = true }, false, false},
		{"connections hang", "other", func(p *scripted) { p.hole = true }, false, false},
		{"no answer", "other", func(p *scripted) { p.mute = true }, false, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			inAccounts(t, "a", func(f *farm) {
				f.set("alice a farm")
				f.join("alice.rig", 1)
				pool, serving := f.pools[0], f.pools[0].lane()
				up, known := f.book.Pools()[0], len(f.book.Pools())
				pool.do(func() { c.harm(pool) })

				began := time.Now()
				err := f.prove(context.Background(), at("a", c.user))
				_, refused := errors.AsType[*Refusal](err)
				if (err == nil) != c.proven || refused != c.refused {
					t.Errorf("proven: %v", err)
				}
				if took := time.Since(began); took > proveTime {
					t.Errorf("it took %v", took)
				}
				f.after(time.Second)
				equal(t, "links", pool.links(), 1)
				equal(t, "the serving link is the same", pool.lane() == serving, true)
				equal(t, "the pool is up", up.Up.Load(), true)
				equal(t, "nobody is told of a fault", up.LastError.Load() == nil, true)
				equal(t, "failures", up.Failures.Load(), 0)
				equal(t, "pools that are shown", len(f.book.Pools()), known)
				p := f.login("alice.rig").list()[0]
				equal(t, "links that the endpoint thinks are being dialled", p.dialing, 0)
				equal(t, "the pool may be tried", p.ready(time.Now()), true)
			})
		})
	}
}

// A pool that nobody uses can be asked just as well, and is not shown afterwards.
func TestProofAtAPoolThatIsNotInUse(t *testing.T) {
	inAccounts(t, "a b", func(f *farm) {
		if err := f.prove(context.Background(), at("b", "farm")); err != nil {
			t.Error(err)
		}
		equal(t, "pools that are shown", len(f.book.Pools()), 0)
		f.after(time.Second)
		equal(t, "links", f.pools[1].links(), 0)
	})
}

// Only the credentials are tried: a pool's objections to other requests, and what it
// does not grant unasked, mean nothing for the links that serve.
func TestProofsAskForNothingElse(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		pool := f.pools[0]
		f.set("alice a farm")
		f.join("alice.rig", 1)
		p := f.login("alice.rig").list()[0]
		size, mask, _ := p.state.get(p.URL)
		var heard string
		pool.do(func() {
			pool.heard = nil
			pool.on = map[string]func(*conn, request) bool{"mining.authorize": func(c *conn, _ request) bool { c.Close(); return true }}
		})
		a := at("a", "other")
		a.SuggestDifficulty = 1024
		if err := f.prove(context.Background(), a); err == nil {
			t.Error("proven by a pool that hung up")
		}
		heard = pool.methods()
		equal(t, "requests", heard, "mining.subscribe mining.authorize")
		newSize, newMask, _ := p.state.get(p.URL)
		equal(t, "extranonce2 that is remembered", newSize, size)
		equal(t, "mask that is remembered", newMask, mask)
		equal(t, "requests that are left out", p.skips(time.Now()), 0)
	})
}

// A proof takes no descriptor promised to a miner.
func TestProofsTakeNoMinersDescriptor(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools = nil
		f.o.Descriptors = descriptors.New(0, 0, 0)
		f.start()
		err := f.prove(context.Background(), at("a", "farm"))
		equal(t, "why not", errors.Is(err, errNoFiles), true)
		equal(t, "dialled", f.pools[0].dialled(), 0)
	})
}

// If the requester goes away, so does the link.
func TestProofsEndWithWhoAsked(t *testing.T) {
	inAccounts(t, "a", func(f *farm) {
		f.pools[0].do(func() { f.pools[0].mute = true })
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := f.prove(ctx, at("a", "farm")); err == nil {
			t.Error("proven by a pool that said nothing")
		}
		f.after(0)
		equal(t, "links", f.pools[0].links(), 0)
	})
}

// The miners of everybody else's goal are told to log in again, those of accounts are not.
func TestLoginAgain(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		f.set("alice a farm")
		f.join("alice.rig", 1)
		f.directory.LoginAgain()
		equal(t, "goals whose miners are to log in again", len(f.rerouted), 1)
		equal(t, "it is everybody else's", f.rerouted[0] == f.goal, true)
	})
	inAccounts(t, "a", func(f *farm) {
		f.directory.LoginAgain()
		equal(t, "without one for everybody else", len(f.rerouted), 0)
	})
}
