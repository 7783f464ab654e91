package sharelog

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/work"
)

// maxWaiting bounds the shares that wait to be written, 5 MB of them: a disk that stands
// still for 30 s at 1,000 shares per second. The writer looks ten times per second, in
// which time no number of miners sends so many; so a flood pushes nobody else's out
// unless the disk stands still.
const maxWaiting = 32 << 10

// lookEvery is how often the writer takes what waits.
const lookEvery = 100 * time.Millisecond

// Share is one share and its verdict.
type Share struct {
	Time      time.Time // of the verdict
	Worker    string
	Address   netip.AddrPort // of the miner, or its agent; zero: it has left
	Account   string         // of the store, or the user in multi-user mode; "": none
	Pool      string
	Algorithm string
	Verdict   work.Verdict
	Work      float64 // what it counts for, in shares of difficulty 1
}

// Settings say what is written, and where. They may change at any time.
type Settings struct {
	Dir         string        // "": nothing is written
	Format      Format        // of lines
	SegmentSize int64         // bytes, compressed, from which on there is another segment
	RotateEvery time.Duration // the same, by age
	Keep        int64         // bytes of finished segments, beyond which the oldest are deleted; 0: all are kept
}

// Format is how a share is written.
type Format uint8

const (
	JSON Format = iota // JSON lines
	CSV                // comma-separated values, with a head in each segment
)

// Log is a share log. The zero value writes nothing, and neither does nil.
type Log struct {
	on   atomic.Bool
	mu   sync.Mutex
	next []Share // what waits; an event loop may take mu, so it is held for a moment only

	lines, left atomic.Uint64 // shares that were written, and that were left out, ever

	settings atomic.Pointer[Settings]
	changed  chan struct{}
	ending   chan struct{}
	ended    chan struct{} // closed when the writer has
	end      func()
}

// New returns a log that writes nothing yet. It wants one End.
func New(log *slog.Logger) *Log {
	l := &Log{changed: make(chan struct{}, 1), ending: make(chan struct{}), ended: make(chan struct{})}
	l.end = sync.OnceFunc(func() { close(l.ending) })
	l.settings.Store(new(Settings))
	go l.write(&writer{of: l, log: log})
	return l
}

// Configure has shares written so from now on. A segment that was begun otherwise is
// finished. Any goroutine.
func (l *Log) Configure(s Settings) {
	if before := l.settings.Swap(&s); *before == s {
		return
	}
	l.on.Store(s.Dir != "")
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// On reports whether shares are written: if not, no Share needs to be made. Any goroutine.
func (l *Log) On() bool { return l != nil && l.on.Load() }

// Add queues a share, unless the queue is full. Any goroutine; it never waits.
func (l *Log) Add(s Share) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.next) == maxWaiting {
		l.left.Add(1)
		return
	}
	l.next = append(l.next, s)
}

// Counts returns how many shares were written, and how many were left out, ever. Any
// goroutine.
func (l *Log) Counts() (written, leftOut uint64) { return l.lines.Load(), l.left.Load() }

// End writes what waits and finishes the segment; it returns when that is done, or when
// ctx ends.
func (l *Log) End(ctx context.Context) error {
	l.end()
	select {
	case <-l.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take exchanges what waits for an empty list.
func (l *Log) take(empty []Share) []Share {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.next
	l.next = empty[:0]
	return list
}

// write is the writer's goroutine.
func (l *Log) write(w *writer) {
	defer close(l.ended)
	look := time.NewTicker(lookEvery)
	look.Stop()
	defer look.Stop()
	var list []Share
	for {
		ends := false
		select {
		case <-l.changed:
		case <-l.ending:
			ends = true
		case <-look.C:
		}
		if next := l.settings.Load(); *next != w.settings {
			w.finish()
			w.settings = *next
			if w.recover(); w.settings.Dir != "" {
				look.Reset(lookEvery)
			} else {
				look.Stop()
			}
		}
		list = l.take(list)
		w.add(list, time.Now())
		clear(list) // the names of workers
		if ends {
			w.finish()
			return
		}
	}
}
