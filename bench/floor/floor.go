package floor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"

	"farmproxy/bench/proof"
)

// Floor is the yardstick: it parses nothing and checks nothing. It finds newlines,
// copies the id by a byte search and answers true; all miners get the same canned job.
// A Go proxy on this event loop can come close to it, but not below.
type Floor struct {
	gnet.BuiltinEventEngine
	booted     chan gnet.Engine
	Difficulty float64                // of all miners
	job        atomic.Pointer[[]byte] // the notify line that newcomers get
	serial     atomic.Uint32          // of extranonce1

	mu    sync.Mutex // guards the slice; locked when a miner connects
	loops []*loopMiners
}

// loopMiners is one event loop and its miners: touched on that loop only.
type loopMiners struct {
	loop   gnet.EventLoop
	miners []gnet.Conn
	out    []byte
}

// miner is the context of each connection.
type miner struct {
	loop       *loopMiners
	at         int // index in loop.miners
	authorized bool
	carry      []byte
}

// maxLine bounds an unfinished line.
const maxLine = 4 << 10

// New returns a floor that serves once Run is called.
func New() *Floor {
	return &Floor{booted: make(chan gnet.Engine, 1), Difficulty: proof.EasyDifficulty}
}

// OnBoot keeps the engine, to stop it later.
func (f *Floor) OnBoot(engine gnet.Engine) gnet.Action {
	f.booted <- engine
	return gnet.None
}

// OnOpen adds the miner to its loop's list.
func (f *Floor) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	l := f.loopOf(c.EventLoop())
	c.SetContext(&miner{loop: l, at: len(l.miners)})
	l.miners = append(l.miners, c)
	return nil, gnet.None
}

func (f *Floor) loopOf(loop gnet.EventLoop) *loopMiners {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.loops {
		if l.loop == loop {
			return l
		}
	}
	l := &loopMiners{loop: loop}
	f.loops = append(f.loops, l)
	return l
}

// OnClose removes it.
func (f *Floor) OnClose(c gnet.Conn, _ error) gnet.Action {
	m := c.Context().(*miner)
	last := m.loop.miners[len(m.loop.miners)-1]
	last.Context().(*miner).at = m.at
	m.loop.miners[m.at] = last
	m.loop.miners = m.loop.miners[:len(m.loop.miners)-1]
	return gnet.None
}

// OnTraffic answers whole lines.
func (f *Floor) OnTraffic(c gnet.Conn) gnet.Action {
	m := c.Context().(*miner)
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
	if len(in) > maxLine {
		return gnet.Close
	}
	m.carry = append(m.carry[:0], in...)
	if len(out) > 0 {
		c.Write(out)
	}
	return gnet.None
}

func (f *Floor) answer(out []byte, m *miner, line []byte) []byte {
	out = append(append(out, `{"id":`...), idOf(line)...)
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
		out = fmt.Appendf(out, `{"id":null,"method":"mining.set_difficulty","params":[%s]}`+"\n", proof.Number(f.Difficulty))
		return append(out, *f.job.Load()...)
	}
	return append(out, `,"result":true,"error":null}`+"\n"...)
}

// idOf returns the text after "id", up to the comma.
func idOf(line []byte) []byte {
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

// Notify sends a job to all miners.
func (f *Floor) Notify(params string) {
	line := []byte(`{"id":null,"method":"mining.notify","params":` + params + "}\n")
	f.job.Store(&line)
	f.mu.Lock()
	loops := append([]*loopMiners(nil), f.loops...)
	f.mu.Unlock()
	for _, l := range loops {
		l.loop.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			for i := len(l.miners) - 1; i >= 0; i-- { // a failed Write removes its miner
				l.miners[i].Write(line)
			}
			return nil
		}))
	}
}

// silent keeps gnet from logging during the measurement.
type silent struct{}

func (silent) Debugf(string, ...any) {}

func (silent) Infof(string, ...any) {}

func (silent) Warnf(string, ...any) {}

func (silent) Errorf(string, ...any) {}

func (silent) Fatalf(string, ...any) {}

var _ logging.Logger = silent{}

// Run serves until ctx ends. listen is host:port; loops 0 means one per CPU.
func (f *Floor) Run(ctx context.Context, listen string, loops int) error {
	if f.job.Load() == nil {
		f.Notify(proof.NewTemplate(1, "floor", 12).Params(true, 8, time.Now()))
	}
	options := []gnet.Option{gnet.WithLogger(silent{}), gnet.WithMulticore(true)}
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
