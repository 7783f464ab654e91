package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
)

// floor is the yardstick: it parses nothing and checks nothing. It finds
// newlines, copies the id by a byte search and answers true; all miners get the
// same canned job. A Go proxy on this event loop can come near it, and not below.
type floor struct {
	gnet.BuiltinEventEngine
	booted     chan gnet.Engine
	difficulty float64                // of all miners
	job        atomic.Pointer[[]byte] // the notify line that newcomers get
	serial     atomic.Uint32          // of extranonce1

	mu    sync.Mutex // guards the slice; taken when a miner comes
	loops []*floorLoop
}

// floorLoop is one event loop and its miners: touched on that loop only.
type floorLoop struct {
	loop   gnet.EventLoop
	miners []gnet.Conn
	out    []byte
}

// floorMiner hangs on each connection.
type floorMiner struct {
	loop       *floorLoop
	at         int // in loop.miners
	authorized bool
	carry      []byte
}

// floorLine bounds an unfinished line.
const floorLine = 4 << 10

func newFloor() *floor {
	return &floor{booted: make(chan gnet.Engine, 1), difficulty: EasyDifficulty}
}

func (f *floor) OnBoot(engine gnet.Engine) gnet.Action {
	f.booted <- engine
	return gnet.None
}

func (f *floor) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	l := f.loopOf(c.EventLoop())
	c.SetContext(&floorMiner{loop: l, at: len(l.miners)})
	l.miners = append(l.miners, c)
	return nil, gnet.None
}

func (f *floor) loopOf(loop gnet.EventLoop) *floorLoop {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.loops {
		if l.loop == loop {
			return l
		}
	}
	l := &floorLoop{loop: loop}
	f.loops = append(f.loops, l)
	return l
}

func (f *floor) OnClose(c gnet.Conn, _ error) gnet.Action {
	m := c.Context().(*floorMiner)
	last := m.loop.miners[len(m.loop.miners)-1]
	last.Context().(*floorMiner).at = m.at
	m.loop.miners[m.at] = last
	m.loop.miners = m.loop.miners[:len(m.loop.miners)-1]
	return gnet.None
}

func (f *floor) OnTraffic(c gnet.Conn) gnet.Action {
	m := c.Context().(*floorMiner)
	in, _ := c.Next(-1)
	if len(m.carry) > 0 {
		m.carry = append(m.carry, in...)
		in = m.carry
	}
	out := m.loop.out[:0]
	for {
		end := bytes.IndexByte(in, '\n')
		if end < 0 {
			break
		}
		out = f.answer(out, m, in[:end])
		in = in[end+1:]
	}
	m.loop.out = out
	if len(in) > floorLine {
		return gnet.Close
	}
	m.carry = append(m.carry[:0], in...)
	if len(out) > 0 {
		c.Write(out)
	}
	return gnet.None
}

func (f *floor) answer(out []byte, m *floorMiner, line []byte) []byte {
	out = append(append(out, `{"id":`...), floorID(line)...)
	if m.authorized {
		return append(out, `,"result":true,"error":null}`+"\n"...)
	}
	switch {
	case bytes.Contains(line, []byte("mining.configure")):
		return append(out, `,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null}`+"\n"...)
	case bytes.Contains(line, []byte("mining.subscribe")):
		return fmt.Appendf(out, `,"result":[[["mining.set_difficulty","0"],["mining.notify","0"]],"%08x",4],"error":null}`+"\n", f.serial.Add(1))
	case bytes.Contains(line, []byte("mining.authorize")):
		m.authorized = true
		out = append(out, `,"result":true,"error":null}`+"\n"...)
		out = fmt.Appendf(out, `{"id":null,"method":"mining.set_difficulty","params":[%s]}`+"\n", number(f.difficulty))
		return append(out, *f.job.Load()...)
	}
	return append(out, `,"result":true,"error":null}`+"\n"...)
}

// floorID is what stands after "id": up to the comma.
func floorID(line []byte) []byte {
	at := bytes.Index(line, []byte(`"id":`))
	if at < 0 {
		return []byte("null")
	}
	id := line[at+len(`"id":`):]
	if end := bytes.IndexAny(id, ",}"); end >= 0 {
		id = id[:end]
	}
	return id
}

// notify sends a job to all miners.
func (f *floor) notify(params string) {
	line := []byte(`{"id":null,"method":"mining.notify","params":` + params + "}\n")
	f.job.Store(&line)
	f.mu.Lock()
	loops := append([]*floorLoop(nil), f.loops...)
	f.mu.Unlock()
	for _, l := range loops {
		l.loop.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			for i := len(l.miners) - 1; i >= 0; i-- { // a failed Write takes its miner out
				l.miners[i].Write(line)
			}
			return nil
		}))
	}
}

// floorSilent keeps gnet from logging: it would log into the measurement.
type floorSilent struct{}

func (floorSilent) Debugf(string, ...any) {}
func (floorSilent) Infof(string, ...any)  {}
func (floorSilent) Warnf(string, ...any)  {}
func (floorSilent) Errorf(string, ...any) {}
func (floorSilent) Fatalf(string, ...any) {}

var _ logging.Logger = floorSilent{}

// run serves until ctx ends. listen is host:port, loops 0 is one for each CPU.
func (f *floor) run(ctx context.Context, listen string, loops int) error {
	if f.job.Load() == nil {
		f.notify(newTemplate(1, "floor", 12).params(true, 8, time.Now()))
	}
	options := []gnet.Option{gnet.WithLogger(floorSilent{}), gnet.WithMulticore(true)}
	if loops > 0 {
		options = append(options, gnet.WithNumEventLoop(loops))
	}
	over := make(chan struct{})
	var stopping sync.WaitGroup
	stopping.Go(func() {
		select {
		case engine := <-f.booted:
			select {
			case <-ctx.Done():
				engine.Stop(context.WithoutCancel(ctx))
			case <-over:
			}
		case <-over:
		}
	})
	err := gnet.Run(f, "tcp://"+listen, options...)
	close(over)
	stopping.Wait()
	switch {
	case err != nil:
		return fmt.Errorf("floor: listen on %s: %w; choose another address", listen, err)
	case ctx.Err() == nil:
		return errors.New("floor: the event loop ended by itself; more connections than descriptors (ulimit -n) is the usual cause")
	}
	return nil
}

func floorCommand(ctx context.Context, args []string, t terminal) error {
	flags := newFlags(t, "floor", `
A canned responder in the proxy's place, the yardstick for its costs. Miners must
configure, subscribe and authorize. Standard input takes "job" (send a new job)
and "notify PARAMS" (send exactly that one).`)
	listen := flags.String("listen", "127.0.0.1:3333", "`host:port`")
	loops := flags.Int("loops", 0, "event loops; 0: one for each CPU")
	difficulty := flags.Float64("difficulty", EasyDifficulty, "that miners are given")
	every := flags.Duration("job-every", 0, "a new job that often; 0: only on command")
	if err := parse(flags, args); err != nil {
		return err
	}
	f := newFloor()
	f.difficulty = *difficulty
	jobs := newTemplate(rand.Uint64(), "floor", 12)
	var mu sync.Mutex // of jobs
	job := func() {
		mu.Lock()
		defer mu.Unlock()
		f.notify(jobs.params(true, 8, time.Now()))
	}
	job()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go readLines(t.in, func(line string) { // not waited for: a read of standard input can't be ended
		if params, ok := strings.CutPrefix(line, "notify "); ok {
			f.notify(params)
		} else if line == "job" {
			job()
		}
	})
	var ticking sync.WaitGroup
	defer ticking.Wait()
	defer cancel()
	if *every > 0 {
		ticking.Go(func() {
			for sleep(ctx, *every) == nil {
				job()
			}
		})
	}
	return f.run(ctx, *listen, *loops)
}
