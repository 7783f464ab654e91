package attack

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

	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/bench/wait"
)

// Attack is one way to hurt a farm, for someone who can reach the proxy's ports, or for
// a pool.
type Attack struct {
	Name  string
	about string
	Peers int  // concurrent connections
	lanes bool // it wants links of its own, but does no work for them
	// play plays one connection of the attack, from dial to end. It is called again,
	// after a pause, as long as the attack lasts. The error means an end that the
	// attacker did not want.
	play func(ctx context.Context, r *Raid, peer int, rnd *rand.Rand) error
}

// All lists every attack, in the order of the report. The scenario's stages choose from
// it.
var All = []Attack{
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
	{"halves", "TLS handshakes that are begun and never ended", 400, false, halfShake},
	{"hellos", "TLS handshakes that are left when the proxy has computed its side", 10, false, computeInVain},
	{"records", "40,000 TLS records a second, of one byte each", 20, false, tinyRecords},
	{"http", "HTTP connections that are idle, or ask for /metrics and don't read", 132, false, occupyHTTP},
	{"masks", "the pool changes mask and extranonce back and forth, 50 times a second", 1, false, waver},
}

// Pauses of an attacker that was closed, before it comes again: they grow from
// the least to the most as long as it does not last. One that left by itself
// pauses for a moment in any case.
const (
	againLeast = 100 * time.Millisecond
	againMost  = 2 * time.Second
	leastPause = 10 * time.Millisecond
)

// Lookup returns the attacks that -only names, or all.
func Lookup(only string) ([]Attack, error) {
	if only == "" {
		return All, nil
	}
	var some []Attack
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(All, func(a Attack) bool { return a.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("want some of %s, separated by commas, got %q", strings.Join(Names(), ","), name)
		}
		some = append(some, All[i])
	}
	return some, nil
}

// Wrong returns what is wrong with -only, or nil.
func Wrong(only string) error {
	_, err := Lookup(only)
	return err
}

// Names returns the names that -only accepts.
func Names() (names []string) {
	for _, a := range All {
		names = append(names, a.Name)
	}
	return names
}

// Raid is an attack under way.
type Raid struct {
	Attack
	Target    string // host:port of the proxy
	HTTP      string // the same of its HTTP
	Source    string // the attack's own source address
	Account   string // its miners' account
	Algorithm *proof.Algorithm
	Pool      *pool.Pool // the serving pool
	Seed      uint64
	books     books
}

// books records what an attack did and what came of it.
type books struct {
	connects atomic.Int64 // connections
	cut      atomic.Int64 // connections that the other side ended
	sent     atomic.Int64 // shares, or whatever the attack sends
	accepted atomic.Int64
	refused  atomic.Int64
	repeats  atomic.Int64 // accepted although the same header had been accepted before
	earned   atomic.Int64 // connections with an accepted share

	mu   sync.Mutex
	ends map[string]int // why connections ended and shares were refused
}

// mostEnds bounds the number of distinct texts.
const mostEnds = 40

func (b *books) note(text string) {
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

// verdict books the answer to a share; before says whether the same header had been
// accepted earlier.
func (b *books) verdict(r reply, before bool) {
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

// dial connects for the attack.
func (r *Raid) dial(ctx context.Context, narrow bool) (*stranger, error) {
	s, err := dialStranger(ctx, r.Target, r.Source, r.Algorithm, narrow)
	if err == nil {
		r.books.connects.Add(1)
	}
	return s, err
}

// dialHTTP is dial for the proxy's HTTP.
func (r *Raid) dialHTTP(ctx context.Context) (*stranger, error) {
	s, err := dialStranger(ctx, r.HTTP, r.Source, r.Algorithm, true)
	if err == nil {
		r.books.connects.Add(1)
	}
	return s, err
}

// Run attacks until ctx ends, and returns when no connection is left.
func (r *Raid) Run(ctx context.Context) {
	var all sync.WaitGroup
	for i := range r.Peers {
		all.Go(func() { r.repeat(ctx, i) })
	}
	all.Wait()
}

// repeat plays one peer's part over and over.
func (r *Raid) repeat(ctx context.Context, peer int) {
	rnd := rand.New(rand.NewPCG(r.Seed, uint64(peer)|uint64(r.books.connects.Load())<<32))   // different each time
	if r.Peers > 50 && wait.For(ctx, time.Duration(rnd.Int64N(int64(time.Second)))) != nil { // not all at once
		return
	}
	again := againLeast
	for ctx.Err() == nil {
		start := time.Now()
		err := r.play(ctx, r, peer, rnd)
		if ctx.Err() != nil {
			return
		}
		if err == nil { // it left by itself, and keeps its own pauses
			wait.For(ctx, leastPause)
			continue
		}
		r.books.cut.Add(1)
		r.books.note("closed: " + RootCause(err))
		if time.Since(start) > againMost {
			again = againLeast
		}
		wait.For(ctx, again/2+time.Duration(rnd.Int64N(int64(again))))
		again = min(2*again, againMost)
	}
}

// RootCause returns an error without the addresses around it.
func RootCause(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}
