package attack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/wait"
	"farmproxy/bench/wire"
)

// Attacks that mine nothing: they take up room, or time.

// ghost returns a name that nobody has, or will ever have again.
func ghost(rnd *rand.Rand) string { return fmt.Sprintf("ghost%016x", rnd.Uint64()) }

// namesEach is how many names one connection logs in under.
const namesEach = 10

// inventNames logs in under several names and leaves.
func inventNames(ctx context.Context, r *Raid, _ int, rnd *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.reset()
	if err := s.write(fmt.Appendf(nil, `{"id":%d,"method":"mining.subscribe","params":["stranger"]}`+"\n", mine.IDSubscribe)); err != nil {
		return err
	}
	for range namesEach {
		v, err := s.again(ghost(rnd) + ".rig")
		if err != nil {
			return err
		}
		r.books.sent.Add(1)
		r.books.verdict(v, false)
	}
	return wait.For(ctx, 200*time.Millisecond)
}

// workersEach is how many workers an idle agent registers.
const workersEach = 20

// idleAgent is an agent whose workers never work.
func idleAgent(ctx context.Context, r *Raid, _ int, rnd *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.reset()
	r.books.sent.Add(1)
	if err := s.agentLogin(ghost(rnd)); err != nil {
		return err
	}
	r.books.accepted.Add(1)
	var frames []byte
	for session := range uint16(workersEach) {
		frames = append(frames, wire.RegisterFrame(session, "stranger", ghost(rnd))...)
	}
	if err := s.write(frames); err != nil {
		return err
	}
	return s.hold(ctx, 3*time.Second+time.Duration(rnd.Int64N(int64(5*time.Second))))
}

// hold reads and discards. It returns nil after d, or earlier the reason why the
// connection ended.
func (s *stranger) hold(ctx context.Context, d time.Duration) error {
	ended := make(chan error, 1)
	go func() {
		var buffer [1 << 10]byte
		s.conn.SetReadDeadline(time.Time{})
		for {
			if _, err := s.conn.Read(buffer[:]); err != nil {
				ended <- err
				return
			}
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(d):
		s.close()
		<-ended
		return ctx.Err()
	}
}

// greetings are what connects sends first; "" is nothing.
var greetings = []string{
	"",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", // TLS
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	`{"id":1,"method":"mining.sub`,
	`{"id":1,"method":"mining.subscribe","params":[]}` + "\n",
	"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00", // RDP
}

// connects sends a greeting and leaves.
func connects(ctx context.Context, r *Raid, _ int, rnd *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.reset()
	r.books.sent.Add(1)
	s.write([]byte(greetings[rnd.IntN(len(greetings))])) // whoever closes first
	return wait.For(ctx, 25*time.Millisecond)
}

// readNothing asks for more than it reads.
func readNothing(ctx context.Context, r *Raid, peer int, _ *rand.Rand) error {
	s, err := r.dial(ctx, true)
	if err != nil {
		return err
	}
	defer s.reset()
	if err := s.login(fmt.Sprintf("%s.slow%d", r.Account, peer), "x", ""); err != nil {
		return err
	}
	const asks, every = 25, 100 * time.Millisecond
	var lines []byte
	for id := range asks {
		lines = fmt.Appendf(lines, `{"id":%d,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}`+"\n", id)
	}
	for {
		if err := s.write(lines); err != nil {
			return err
		}
		r.books.sent.Add(asks)
		if err := wait.For(ctx, every); err != nil {
			return err
		}
	}
}

// dribble sends a line that never ends, before a login or after one.
func dribble(ctx context.Context, r *Raid, peer int, rnd *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.reset()
	if peer%2 == 1 {
		if err := s.login(fmt.Sprintf("%s.dribble%d", r.Account, peer), "x", ""); err != nil {
			return err
		}
	}
	if err := s.write([]byte(`{"id":9,"method":"mining.submit","params":["`)); err != nil {
		return err
	}
	for {
		if err := s.write([]byte{'a'}); err != nil {
			return err
		}
		r.books.sent.Add(1)
		if err := wait.For(ctx, 300*time.Millisecond+time.Duration(rnd.Int64N(int64(200*time.Millisecond)))); err != nil {
			return err
		}
	}
}

// httpReaders is how many connections ask for the metrics and read nothing; the others
// ask for nothing.
const httpReaders = 4

// occupyHTTP holds a connection to the proxy's HTTP.
func occupyHTTP(ctx context.Context, r *Raid, peer int, _ *rand.Rand) error {
	s, err := r.dialHTTP(ctx)
	if err != nil {
		return err
	}
	defer s.reset()
	r.books.sent.Add(1)
	if peer >= httpReaders {
		return s.hold(ctx, time.Minute)
	}
	if err := s.write([]byte("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		return err
	}
	return wait.For(ctx, 10*time.Second)
}

// waverEvery is how often the pool changes its mind, and NarrowMask what it leaves of
// the mask for a moment: honest miners roll within it.
const (
	waverEvery = 20 * time.Millisecond
	NarrowMask = 0x00ffe000
)

// waver makes the pool change its mind until ctx ends.
func waver(ctx context.Context, r *Raid, _ int, _ *rand.Rand) error {
	for {
		r.Pool.Waver(NarrowMask)
		r.books.sent.Add(1)
		if err := wait.For(ctx, waverEvery); err != nil {
			return err
		}
	}
}
