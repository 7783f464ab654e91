package pool

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"farmproxy/bench/proof"
	"farmproxy/bench/recent"
)

// Pool is a Stratum V1 pool that verifies every share itself and keeps Books. On the
// same port it accepts agents, which carry many workers over one connection. All
// methods may be called from any goroutine.
//
//	accept -> link.read -> handle -> rules.verify -> Books -> link.out -> link.write
//	                                  Job, Notify, Set...  -----^
type Pool struct {
	o       Options
	books   *Books
	stopped chan struct{} // closed by Close

	mu         sync.Mutex
	addr       string // its listening address, kept after Stop
	listener   net.Listener
	serving    sync.WaitGroup
	links      map[*link]bool
	linkSerial int
	sessions   recent.Map[string, *session]
	serial     uint64 // of the last session
	tmpl       *proof.Template
	current    *proof.Job
	generation int // clean jobs so far
	seen       recent.Map[proof.Hash, struct{}]
	rnd        *rand.Rand

	difficulty float64
	hardest    float64 // the highest difficulty so far
	mask       uint32
	size2      int
	reject     float64
	wake       chan struct{} // not nil while silent; closed when the silence ends
	wakeTimer  *time.Timer

	jobs     []proof.Job // emitted, the last jobsKept
	timeline []Event     // the last eventsKept
	upBytes  uint64      // received from links that are gone

	own        func(worker string) (exponent uint8) // difficulty of an agent's workers; nil: the link's
	shortIDs   int                                  // given to jobs so far
	traceMu    sync.Mutex
	agentsGone []AgentBooks // of ended links, the last agentsKept
}

// Bounds of what a pool remembers.
const (
	sessionsKept = 1 << 17 // twice the miners of a full link, in case each connects directly
	jobsKept     = 1 << 12
	eventsKept   = 1 << 12
	agentsKept   = 1 << 8
)

// EventKind says what happened to a Pool.
type EventKind string

const (
	EventClean  EventKind = "clean"  // a clean job: older ones are stale
	EventDrop   EventKind = "drop"   // all links closed
	EventDown   EventKind = "down"   // all links closed, and no longer listening
	EventUp     EventKind = "up"     // listening again
	EventForget EventKind = "forget" // sessions can't be resumed any more
	EventSilent EventKind = "silent"
)

// Event is one entry of a Pool's timeline.
type Event struct {
	At   time.Time
	Kind EventKind
}

// Start listens and emits the first job.
func Start(o Options) (*Pool, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("pool %s: %w", o.Name, err)
	}
	p := &Pool{
		o: o, books: newBooks(), stopped: make(chan struct{}),
		addr: o.Listen, links: map[*link]bool{},
		sessions: recent.Map[string, *session]{Limit: sessionsKept},
		seen:     recent.Map[proof.Hash, struct{}]{Limit: booksShares},
		rnd:      rand.New(rand.NewPCG(o.Seed, 1)),
		tmpl:     proof.NewTemplate(o.Seed, o.Name, o.Branches),

		difficulty: o.Difficulty, hardest: o.Difficulty, mask: o.Mask, size2: o.Extranonce2Size,
	}
	p.serial = p.rnd.Uint64()
	if err := p.Start(); err != nil {
		return nil, err
	}
	switch {
	case o.FirstJob != "":
		if err := p.Notify(o.FirstJob); err != nil {
			p.Close()
			return nil, err
		}
	case !o.Idle:
		p.Job(true)
	}
	if o.JobEvery > 0 {
		go p.emit()
	}
	return p, nil
}

// emit makes jobs until Close.
func (p *Pool) emit() {
	tick := time.NewTicker(p.o.JobEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-p.stopped:
			return
		case <-tick.C:
		}
		if p.silence() == nil {
			p.Job(p.o.CleanEvery > 0 && n%p.o.CleanEvery == 0)
		}
	}
}

// Addr returns the pool's host:port, even while it is stopped.
func (p *Pool) Addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addr
}

// Books returns the pool's books.
func (p *Pool) Books() *Books { return p.books }

// Options returns the options that the pool was started with.
func (p *Pool) Options() Options { return p.o }

// Start listens again after Stop, on the same port.
func (p *Pool) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("pool %s: listen on %s: %w; choose another address or port 0", p.o.Name, p.addr, err)
	}
	p.listener, p.addr = l, l.Addr().String()
	p.note(EventUp)
	p.serving.Go(func() { p.accept(l) })
	return nil
}

func (p *Pool) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // probably out of descriptors: that passes
			select {
			case <-p.stopped:
				return
			case <-time.After(50 * time.Millisecond):
				continue
			}
		}
		p.mu.Lock()
		if p.listener != listener {
			p.mu.Unlock()
			conn.Close()
			return
		}
		p.linkSerial++
		l := newLink(p, conn, p.linkSerial)
		p.links[l] = true
		p.serving.Go(l.read)
		p.serving.Go(l.write)
		p.mu.Unlock()
	}
}

// Stop closes the listener and all links. The port is kept for Start.
func (p *Pool) Stop() {
	p.mu.Lock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
		p.note(EventDown)
	}
	p.dropLocked()
	p.mu.Unlock()
}

// Close stops for good and returns once no goroutine of the pool is left.
func (p *Pool) Close() {
	p.mu.Lock()
	select {
	case <-p.stopped:
	default:
		close(p.stopped)
	}
	p.mu.Unlock()
	p.Stop()
	p.serving.Wait()
}

// DropLinks closes all links; they may reconnect at once.
func (p *Pool) DropLinks() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(EventDrop)
	p.dropLocked()
}

func (p *Pool) dropLocked() {
	for l := range p.links {
		l.close()
	}
}

// ForgetSessions makes every session so far impossible to resume.
func (p *Pool) ForgetSessions() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetLocked()
}

func (p *Pool) forgetLocked() {
	p.note(EventForget)
	p.sessions = recent.Map[string, *session]{Limit: sessionsKept}
}

// ForgetShares makes repeated shares count again.
func (p *Pool) ForgetShares() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = recent.Map[proof.Hash, struct{}]{Limit: booksShares}
}

// GoSilent keeps all sockets and freezes for d, like a process that hangs: nothing is
// read, judged or sent until it is over, and everything after that.
func (p *Pool) GoSilent(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(EventSilent)
	if p.wake != nil {
		p.wakeTimer.Reset(d)
		return
	}
	wake := make(chan struct{})
	p.wake = wake
	p.wakeTimer = time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.wake == wake {
			p.wake = nil
			close(wake)
		}
	})
}

// silence returns nil, or a channel that is closed when the silence ends.
func (p *Pool) silence() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wake
}

// SetDifficulty tells all links; it applies from the next job on.
func (p *Pool) SetDifficulty(d float64) error {
	if !proof.ValidDifficulty(d) {
		return fmt.Errorf("difficulty: want a number above 0, got %v", d)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.difficulty, p.hardest = d, max(d, p.hardest)
	for l := range p.links {
		if l.ready && l.agent == nil { // agents are told once, and their workers by frames
			l.sendDifficulty()
		}
	}
	return nil
}

// SetMask tells all links that negotiated version rolling; it applies at once.
func (p *Pool) SetMask(mask uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mask = mask
	for l := range p.links {
		if l.rolling && l.ready {
			l.sendMask()
		}
	}
}

// Waver tells all links another mask and another extranonce, and takes both back at
// once: a client that believes each line goes back and forth, and no job ever uses what
// was taken back.
func (p *Pool) Waver(mask uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.mask
	for l := range p.links {
		if !l.ready || l.agent != nil {
			continue
		}
		if l.rolling {
			p.mask = mask
			l.sendMask()
			p.mask = own
			l.sendMask()
		}
		other := append([]byte{^l.session.extranonce1[0]}, l.session.extranonce1[1:]...)
		l.sendExtranonce(other, l.session.size2+1)
		l.sendExtranonce(l.session.extranonce1, l.session.size2)
	}
}

// Open returns the number of connections the pool has, of any kind.
func (p *Pool) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Opened returns the number of connections the pool ever accepted.
func (p *Pool) Opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.linkSerial
}

// SetExtranonce2Size applies to new sessions; older ones can't be resumed.
func (p *Pool) SetExtranonce2Size(bytes int) error {
	if bytes < 1 || bytes > 16 {
		return fmt.Errorf("extranonce2 size: want 1 to 16 bytes, got %d", bytes)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size2 = bytes
	p.forgetLocked()
	return nil
}

// Reject makes the pool refuse that fraction of valid shares, 0..1.
func (p *Pool) Reject(fraction float64) error {
	if !(fraction >= 0 && fraction <= 1) {
		return fmt.Errorf("reject: want a fraction from 0 to 1, got %v", fraction)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reject = fraction
	return nil
}

// Job makes a new job and sends it to all links.
func (p *Pool) Job(clean bool) proof.Job {
	p.mu.Lock()
	size := p.o.Extranonce1Size + p.size2
	if p.o.Extranonce1 != nil {
		size = len(p.o.Extranonce1) + p.size2
	}
	params := p.tmpl.Params(clean || p.current == nil, size, time.Now())
	p.mu.Unlock()
	j, err := proof.NewJob(params)
	if err != nil {
		panic("bench: made a notify that can't be read: " + err.Error())
	}
	return p.publish(j)
}

// Notify sends a job with exactly these params (JSON) to all links.
func (p *Pool) Notify(params string) error {
	j, err := proof.NewJob(params)
	if err == nil {
		p.publish(j)
	}
	return err
}

// publish makes j the current job. OnJob runs before the first byte is sent.
func (p *Pool) publish(j *proof.Job) proof.Job {
	j.Emitted = time.Now()
	if p.o.OnJob != nil {
		p.o.OnJob(*j)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.Clean {
		p.generation++
		p.noteAt(j.Emitted, EventClean)
	}
	j.ShortID = p.shortID(j.ID)
	p.current = j
	p.jobs = append(p.jobs[max(0, len(p.jobs)-jobsKept+1):], *j)
	for l := range p.links {
		if l.ready {
			l.sendJob(j, j.Params)
		}
	}
	return *j
}

// Raw sends a line unchanged to all authorized links.
func (p *Pool) Raw(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.ready {
			l.send([]byte(strings.TrimRight(line, "\n") + "\n"))
		}
	}
}

// note enters an event; the caller holds p.mu.
func (p *Pool) note(kind EventKind) { p.noteAt(time.Now(), kind) }

func (p *Pool) noteAt(at time.Time, kind EventKind) {
	p.timeline = append(p.timeline[max(0, len(p.timeline)-eventsKept+1):], Event{at, kind})
}

// Timeline returns what happened, oldest first.
func (p *Pool) Timeline() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Event(nil), p.timeline...)
}

// Jobs returns the emitted jobs, oldest first.
func (p *Pool) Jobs() []proof.Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]proof.Job(nil), p.jobs...)
}

// BytesUp returns the bytes that all links ever sent to the pool.
func (p *Pool) BytesUp() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.upBytes
	for l := range p.links {
		n += l.received.Load()
	}
	return n
}

// HardestDifficulty returns the highest difficulty that the pool ever had.
func (p *Pool) HardestDifficulty() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hardest
}

// Links returns how many links are authorized and have a job.
func (p *Pool) Links() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for l := range p.links {
		if l.ready {
			n++
		}
	}
	return n
}

// newSession returns a session with a unique extranonce1, unless a fixed one was asked
// for. The caller holds p.mu.
func (p *Pool) newSession() *session {
	p.serial++
	s := &session{
		id:          fmt.Sprintf("%016x", p.serial),
		extranonce1: p.o.Extranonce1,
		size2:       p.size2,
		jobs:        map[string]issued{},
	}
	if s.extranonce1 == nil {
		digits := s.id[16-2*p.o.Extranonce1Size:]
		s.extranonce1, _ = hex.DecodeString(digits)
	}
	p.sessions.Put(s.id, s)
	return s
}
