package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// attack is one way to hurt a farm that somebody has who can reach the proxy's
// ports, or that a pool has.
type attack struct {
	name  string
	about string
	peers int  // connections at the same time
	lanes bool // it wants links of its own, and works for none of them
	// play is one connection of it, from dial to end. It is called again, after
	// a pause, as long as the attack lasts. The error is for an end that the
	// attacker did not want.
	play func(ctx context.Context, r *raid, peer int, rnd *rand.Rand) error
}

// attacks are all that there are, in the order of the report. What a stage has
// of them is for stages to say.
var attacks = []attack{
	{"replay", "one share that meets the pool's difficulty and 24, 60 or 300 that don't, in a circle", 6, false, replay},
	{"resume", "one share over disconnects, resumed sessions and other names", 4, false, replayResumed},
	{"reregister", "an agent whose miner registers, hands in one share, and leaves, again and again", 2, false, replayRegistered},
	{"junk", "150 random shares a second from each of three miners", 3, false, junk},
	{"flood", "4,000 random shares a second from eight miners", 8, false, flood},
	{"names", "logins under invented names", 30, true, inventNames},
	{"agents", "agents that come, register invented workers and never work", 300, true, idleAgent},
	{"connects", "connections that say nothing, TLS, HTTP or half a line, and are gone", 10, false, connects},
	{"slow", "miners that ask and don't read", 40, false, readNothing},
	{"dribble", "miners that send a byte at a time", 500, false, dribble},
	{"http", "HTTP connections that are idle, or ask for /metrics and don't read", 132, false, occupyHTTP},
	{"masks", "the pool changes mask and extranonce back and forth, 50 times a second", 1, false, waver},
}

// mostSockets bounds the connections of all attacks together. A process may
// have 20,000 descriptors on the usual machine, and a connection takes two.
const mostSockets = 8000

// Pauses of an attacker that was closed, before it comes again: they grow from
// the least to the most as long as it does not last. One that left by itself
// pauses for a moment in any case.
const (
	againLeast = 100 * time.Millisecond
	againMost  = 2 * time.Second
	leastPause = 10 * time.Millisecond
)

// lookupAttacks is for -only: all, or those that are named.
func lookupAttacks(only string) ([]attack, error) {
	if only == "" {
		return attacks, nil
	}
	var some []attack
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(attacks, func(a attack) bool { return a.name == name })
		if i < 0 {
			return nil, fmt.Errorf("want some of %s, separated by commas, got %q", strings.Join(attackNames(), ","), name)
		}
		some = append(some, attacks[i])
	}
	return some, nil
}

// wrongAttack is what is wrong with -only, or nil.
func wrongAttack(only string) error {
	_, err := lookupAttacks(only)
	return err
}

func attackNames() (names []string) {
	for _, a := range attacks {
		names = append(names, a.name)
	}
	return names
}

// raid is an attack under way.
type raid struct {
	attack
	target    string // host:port of the proxy
	http      string // the same of its HTTP
	source    string // the address that it comes from, its own
	algorithm *Algorithm
	pool      *Pool // that serves
	seed      uint64
	books     raidBooks
}

// raidBooks are what an attack did and came to.
type raidBooks struct {
	connects atomic.Int64 // connections
	cut      atomic.Int64 // of them, those that the other side ended
	sent     atomic.Int64 // shares, or what else the attack is made of
	accepted atomic.Int64
	refused  atomic.Int64
	repeats  atomic.Int64 // accepted, though the same header was accepted before
	earned   atomic.Int64 // connections with an accepted share

	mu   sync.Mutex
	ends map[string]int // why connections ended, and shares were refused
}

// mostEnds bounds the texts that are told apart.
const mostEnds = 40

func (b *raidBooks) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ends == nil {
		b.ends = map[string]int{}
	}
	if _, known := b.ends[text]; !known && len(b.ends) >= mostEnds {
		text = "others"
	}
	b.ends[text]++
}

// verdict books the answer to a share; before says whether the same header was
// accepted earlier.
func (b *raidBooks) verdict(r reply, before bool) {
	switch {
	case !r.yes:
		b.refused.Add(1)
		b.note(r.text)
	case before:
		b.repeats.Add(1)
		fallthrough
	default:
		b.accepted.Add(1)
	}
}

// dial connects as the attack does.
func (r *raid) dial(ctx context.Context, narrow bool) (*stranger, error) {
	s, err := dialStranger(ctx, r.target, r.source, r.algorithm, narrow)
	if err == nil {
		r.books.connects.Add(1)
	}
	return s, err
}

// dialHTTP is dial for the proxy's HTTP.
func (r *raid) dialHTTP(ctx context.Context) (*stranger, error) {
	s, err := dialStranger(ctx, r.http, r.source, r.algorithm, true)
	if err == nil {
		r.books.connects.Add(1)
	}
	return s, err
}

// run attacks until ctx ends, and returns when no connection is left.
func (r *raid) run(ctx context.Context) {
	var all sync.WaitGroup
	for i := range r.peers {
		all.Go(func() { r.repeat(ctx, i) })
	}
	all.Wait()
}

// repeat plays one peer's part again and again.
func (r *raid) repeat(ctx context.Context, peer int) {
	rnd := rand.New(rand.NewPCG(r.seed, uint64(peer)|uint64(r.books.connects.Load())<<32)) // another one each time
	if r.peers > 50 && sleep(ctx, time.Duration(rnd.Int64N(int64(time.Second)))) != nil {  // not all at once
		return
	}
	again := againLeast
	for ctx.Err() == nil {
		start := time.Now()
		err := r.play(ctx, r, peer, rnd)
		if ctx.Err() != nil {
			return
		}
		if err == nil { // it left, and knows its own pauses
			sleep(ctx, leastPause)
			continue
		}
		r.books.cut.Add(1)
		r.books.note("closed: " + rootCause(err))
		if time.Since(start) > againMost {
			again = againLeast
		}
		sleep(ctx, again/2+time.Duration(rnd.Int64N(int64(again))))
		again = min(2*again, againMost)
	}
}

// rootCause is an error without the addresses around it.
func rootCause(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}
