package proxy

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/config"
)

const (
	// maxLogLines bounds the lines that wait to be written: 300 kB or so, the log of
	// a farm's worst second.
	maxLogLines = 1024

	// logTime is how long the end waits for the last lines to be written.
	logTime = time.Second
)

// LogQueue is what the log is written to: it keeps nobody waiting. Event loops log
// too, and a journal that is busy, or a pipe that nobody reads, would hold up all
// their miners. When the queue is full lines are left out, and counted; the log
// says how many.
type LogQueue struct {
	to    io.Writer
	lines chan []byte
	left  atomic.Uint64 // out, ever
	told  uint64        // of them, in the log; the writer's
	log   atomic.Pointer[slog.Logger]

	handler atomic.Pointer[slog.Handler] // of a line that is logged now

	closing chan struct{}
	close   func()
	written chan struct{} // closed when the writer has ended
}

// NewLogQueue returns a queue to a writer. It wants one End.
func NewLogQueue(to io.Writer) *LogQueue {
	q := &LogQueue{to: to, lines: make(chan []byte, maxLogLines), closing: make(chan struct{}), written: make(chan struct{})}
	q.Configure(config.Default().Log)
	q.close = sync.OnceFunc(func() { close(q.closing) })
	go q.write()
	return q
}

// Configure has lines written in that shape and from that level on, from now on. Any
// goroutine.
func (q *LogQueue) Configure(c config.Log) {
	q.log.Store(newLog(c, q.to)) // for what the writer itself has to say
	h := newLog(c, q).Handler()
	q.handler.Store(&h)
}

// Logger returns a log that is written through the queue.
func (q *LogQueue) Logger() *slog.Logger { return slog.New(&handler{queue: q}) }

// handler makes each line as it is configured when it is logged, whenever the logger
// was made.
type handler struct {
	queue *LogQueue
	with  []func(slog.Handler) slog.Handler // what the logger adds to each line
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return (*h.queue.handler.Load()).Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	to := *h.queue.handler.Load()
	for _, add := range h.with {
		to = add(to)
	}
	return to.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.and(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h *handler) WithGroup(name string) slog.Handler {
	return h.and(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *handler) and(add func(slog.Handler) slog.Handler) slog.Handler {
	return &handler{h.queue, append(slices.Clip(h.with), add)}
}

// Write implements io.Writer, for slog, which writes a line at a time.
func (q *LogQueue) Write(line []byte) (int, error) {
	select {
	case q.lines <- append([]byte(nil), line...):
	default:
		q.left.Add(1)
	}
	return len(line), nil
}

// LeftOut returns how many lines were left out, ever.
func (q *LogQueue) LeftOut() uint64 { return q.left.Load() }

// write is the writer's goroutine. An error is nobody's to hear: it is the log
// that fails.
func (q *LogQueue) write() {
	defer close(q.written)
	for {
		select {
		case line := <-q.lines:
			q.to.Write(line)
			q.tell()
			continue
		default:
		}
		select {
		case line := <-q.lines:
			q.to.Write(line)
			q.tell()
		case <-q.closing:
			if len(q.lines) == 0 {
				return
			}
		}
	}
}

// tell says how many lines were left out, once there is room again.
func (q *LogQueue) tell() {
	left := q.left.Load()
	if left == q.told || len(q.lines) > maxLogLines/2 {
		return
	}
	if log := q.log.Load(); log != nil {
		log.Warn("log lines were dropped: the log's reader does not keep up", "lines", left-q.told)
	}
	q.told = left
}

// End writes what waits, for logTime at most.
func (q *LogQueue) End() {
	q.close()
	select {
	case <-q.written:
	case <-time.After(logTime):
	}
}

// newLog returns a log that is written to w.
func newLog(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // config has checked it
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
