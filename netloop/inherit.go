package netloop

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/upstream"
	"farmproxy/work"
)

// A server that is an heir (Options.Inherit) takes over from another process: its loops
// run, but until Serve it accepts nobody, reads no miner, and sends nothing. Images of
// connections are decoded on goroutines of their own, and put on their loops as they
// come.
//
// gnet reads a socket as soon as it has it. So that nothing is taken from a socket that
// may yet stay the other process's, the kernel is told to report it as readable only
// with more bytes than a miner sends in the meantime (SO_RCVLOWAT); it lies in the
// socket, and both processes have the same. Who hangs up is reported in any case, and
// then leaves in the usual way.

// decoders is how many records of connections are decoded at once.
const decoders = 2

// inheritance is what an heir keeps until it serves.
type inheritance struct {
	waits  atomic.Bool   // until Serve
	before int           // loops of the process before
	moment time.Duration // of the image, as Env.Now
	loops  loopsImage
	fresh  uint32 // the generation of places that nobody inherits: no cookie has it yet

	decoding sync.WaitGroup
	places   chan struct{} // one for each record that is decoded
	mu       sync.Mutex
	err      error
}

func (x *inheritance) begin(i *Inheritance) {
	x.waits.Store(true)
	x.before = i.loops
	x.places = make(chan struct{}, decoders)
}

// Running is closed once the loops run. An heir's take over then what Restore is given;
// another server's accept miners.
func (s *Server) Running() <-chan struct{} { return s.running }

// Restore takes a record of another server's image, and owns its descriptors. The server
// must run, and be an heir; its directory must be restored, and have its lanes.
func (s *Server) Restore(section string, data []byte, files []int) error {
	x := &s.inherited
	if section != loopsSection && len(x.loops.Loops) == 0 {
		closeFiles(files)
		return fmt.Errorf("%s came before %s", section, loopsSection)
	}
	switch section {
	case loopsSection:
		return s.restoreLoops(data)
	case peersSection:
		x.places <- struct{}{}
		x.decoding.Go(func() {
			defer func() { <-x.places }()
			x.failed(s.restorePeers(data, files))
		})
	case parkedSection:
		return s.parked.restore(data, x.moment, s.directory.Inherited)
	case debtsSection:
		return s.debts.restore(data, x.moment)
	case bansSection:
		return s.restoreBans(data, x.moment)
	default:
		closeFiles(files) // of a newer farmproxy, which can do without
	}
	return nil
}

func (x *inheritance) failed(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err == nil {
		x.err = err
	}
}

func closeFiles(files []int) {
	for _, fd := range files {
		_ = unix.Close(fd)
	}
}

// Restored returns when everything that was given to Restore is in its place.
func (s *Server) Restored() error {
	x := &s.inherited
	x.decoding.Wait()
	if x.err != nil {
		return x.err
	}
	s.allLoops((*loop).freeSlots)
	return nil
}

// Serve ends the heir's waiting: from here on everything is its own.
func (s *Server) Serve() {
	s.inherited.waits.Store(false)
	s.ports.dropInherited()
	s.allLoops((*loop).takeUp)
	s.accept()
}

// allLoops has each loop do something, and returns when all have.
func (s *Server) allLoops(do func(*loop)) {
	var done sync.WaitGroup
	for _, l := range *s.loops.Load() {
		done.Add(1)
		l.mailbox.call(func() {
			defer done.Done()
			do(l)
		})
	}
	done.Wait()
}

// place returns where a connection goes that was in that slot of that loop: to the same
// place, if there are as many loops as before.
func (s *Server) place(index int, slot uint32) (int, uint32) {
	before, now := s.inherited.before, s.loopCount
	if before == now {
		return index, slot
	}
	on := (before + now - 1) / now // loops that come together on one
	return index % now, slot*uint32(on) + uint32(index/now)
}

// Cookie returns the cookie of a miner that had this one in the process before.
func (s *Server) Cookie(old upstream.Cookie) upstream.Cookie {
	index, generation, slot := splitCookie(old)
	index, slot = s.place(index, slot)
	return makeCookie(index, generation, slot)
}

func (s *Server) restoreLoops(data []byte) error {
	x := &s.inherited
	if err := json.Unmarshal(data, &x.loops); err != nil {
		return fmt.Errorf("what the running farmproxy has of its loops: %w", err)
	}
	loops := *s.loops.Load()
	switch {
	case len(x.loops.Loops) != x.before:
		return fmt.Errorf("the running farmproxy has %d loops, and said %d", len(x.loops.Loops), x.before)
	case len(loops) != s.loopCount:
		return errors.New("some event loops are not running yet") // they have no bells
	}
	x.moment = time.Since(s.started)
	for n := range x.loops.Loops { // all of them: two loops may become one
		x.fresh = max(x.fresh, x.loops.Loops[n].Generation+1)
	}
	s.allLoops(func(l *loop) {
		for n := range x.loops.Loops {
			if at, _ := s.place(n, 0); at == l.index {
				l.restore(n, &x.loops.Loops[n])
			}
		}
	})
	return nil
}

// restore prepares a loop for the connections of one of the process before.
func (l *loop) restore(index int, i *loopImage) {
	if i.Slots > 0 {
		_, last := l.server.place(index, uint32(i.Slots-1))
		for uint32(len(l.slots)) <= last {
			l.slots = append(l.slots, slot{generation: l.server.inherited.fresh})
		}
	}
	for n := range i.Feeds {
		was := &i.Feeds[n]
		lane := l.server.directory.Inherited(was.Lane)
		if lane == nil {
			continue // of an account that is gone
		}
		if had := l.feeds[lane]; had != nil {
			had.kept += was.Kept
			had.keptWork += was.KeptWork
			continue // two loops have become one: their feeds are the same but for moments
		}
		f := newFeed(lane, l.server.inherited.moment-time.Duration(was.SentMS)*time.Millisecond)
		f.kept, f.keptWork = was.Kept, was.KeptWork
		recent := lane.Recent(nil)
		f.Restore(&was.FeedImage, func(id uint32) *work.Job {
			for _, r := range recent {
				if r.Job.ID == id {
					return r.Job
				}
			}
			return nil
		})
		l.feeds[lane] = f
	}
}

// freeSlots makes the places available that nobody has inherited.
func (l *loop) freeSlots() {
	l.free = l.free[:0]
	for at := len(l.slots) - 1; at >= 0; at-- {
		if l.slots[at].peer == nil {
			l.free = append(l.free, uint32(at))
		}
	}
}
