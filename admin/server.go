package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// MaxCalls bounds the commands at work, each of which takes a file descriptor: a
	// handful of operators and scripts, and some who watch for hours.
	MaxCalls = 16

	// requestTime is how long a client may take to send its line.
	requestTime = 10 * time.Second

	// hearOutTime is how long a client that was refused may go on sending, and how long it
	// has its place.
	hearOutTime = time.Second

	// acceptPause is the wait during a shortage, as of file descriptors.
	acceptPause = 100 * time.Millisecond
)

// Func runs a command. It returns what is encoded as the answer, or an error that tells
// the operator what to do; an answer beside an error has the details of it. ctx ends when
// the server stops; a Query's also when the client leaves.
type Func func(ctx context.Context, c *Call) (answer any, err error)

// command is a registered one.
type command struct {
	do    Func
	reads bool // it changes nothing
}

// Server answers commands. The zero value is not usable: New.
type Server struct {
	log *slog.Logger

	mu       sync.Mutex
	commands map[string]command
	open     map[net.Conn]struct{}
	listens  net.Listener // nil: not yet
	stopping bool

	calls sync.WaitGroup
	ctx   context.Context // ends with the server
	end   context.CancelFunc
}

// New returns a server without commands that listens nowhere yet. Who changes something is
// written to log.
func New(log *slog.Logger) *Server {
	s := &Server{log: log, commands: make(map[string]command), open: make(map[net.Conn]struct{})}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s
}

// Handle registers a command that changes something: it is logged, with its arguments,
// so no secret may be one. It panics if the name is taken.
func (s *Server) Handle(name string, do Func) { s.register(name, command{do: do}) }

// Query registers a command that only reads.
func (s *Server) Query(name string, do Func) { s.register(name, command{do: do, reads: true}) }

func (s *Server) register(name string, c command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.commands[name]; taken {
		panic("admin: two commands are called " + name)
	}
	s.commands[name] = c
}

// Serve answers on l until Shutdown, then returns nil. An error means that l has failed
// for good. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	s.mu.Lock()
	s.listens = l
	stopped := s.stopping
	s.mu.Unlock()
	if stopped {
		return nil
	}
	for said := false; ; {
		conn, err := l.Accept()
		switch {
		case err == nil:
			said = false
			s.admit(conn)
			continue
		case s.ctx.Err() != nil:
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("admin.socket: %s cannot be served any more: %w", l.Addr(), err)
		}
		if !said {
			s.log.Warn("admin: cannot accept connections; still trying", "socket", l.Addr().String(), "error", err)
			said = true
		}
		time.Sleep(acceptPause)
	}
}

// Shutdown takes no more commands, ends those that read, and waits for those that change
// something. When ctx ends first, their clients get no answer, and it returns an error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	l := s.listens
	s.mu.Unlock()
	s.end()
	if l != nil {
		l.Close()
	}
	idle := make(chan struct{})
	go func() { s.calls.Wait(); close(idle) }()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		conn.Close()
	}
	return fmt.Errorf("admin: %d commands were still at work: %w", len(s.open), ctx.Err())
}

// admit runs a connection's command, if there is room.
func (s *Server) admit(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		conn.Close()
		return
	}
	c := &Call{conn: conn}
	if len(s.open) == MaxCalls {
		// The line fits into the socket's buffer.
		_ = c.finish(nil, fmt.Errorf("%d commands are at work, and that is all there may be: end one, for example a watching one", MaxCalls))
		conn.Close()
		return
	}
	s.open[conn] = struct{}{}
	s.calls.Go(func() {
		s.serve(c)
		conn.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, conn)
	})
}

// serve reads a request, runs its command and answers.
func (s *Server) serve(c *Call) {
	c.Peer = peerOf(c.conn)
	in := bufio.NewReader(io.LimitReader(c.conn, maxRequest))
	known, err := s.read(c, in)
	if err != nil {
		_ = c.finish(nil, err)
		c.hearOut()
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if known.reads {
		// Nothing else is expected from the client, so the next thing is its end.
		go func() {
			_, _ = io.Copy(io.Discard, c.conn)
			cancel()
		}()
	}
	log := s.audit(c, known)
	began := time.Now()
	log.Info("admin command")
	answer, err := known.do(ctx, c)
	if err != nil {
		log.Warn("admin command failed", "error", err, "took", time.Since(began))
	} else {
		log.Info("admin command done", "took", time.Since(began))
	}
	if err := c.finish(answer, err); err != nil {
		s.log.Debug("admin: the client did not take its answer", "command", c.Command, "error", err)
	}
}

// hearOut reads what a client goes on to send after its refusal: if the connection ended
// before, the kernel would throw the refusal away.
func (c *Call) hearOut() {
	if half, is := c.conn.(interface{ CloseWrite() error }); is {
		_ = half.CloseWrite()
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(hearOutTime))
	_, _ = io.Copy(io.Discard, c.conn)
}

// audit returns the log for a command, with everything known of who asked.
func (s *Server) audit(c *Call, known command) *slog.Logger {
	if known.reads {
		return slog.New(slog.DiscardHandler)
	}
	log := s.log.With("command", c.Command).With(c.Peer.attributes()...)
	if len(c.args) > len("{}") {
		log = log.With("args", string(c.args))
	}
	return log
}

// read reads the request and finds its command.
func (s *Server) read(c *Call, in *bufio.Reader) (command, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(requestTime)); err != nil {
		return command{}, err
	}
	line, err := in.ReadBytes('\n')
	if err != nil && (err != io.EOF || len(line) == 0) {
		return command{}, fmt.Errorf("expected a line with a command: %w", err)
	}
	if err == io.EOF && len(line) == maxRequest {
		return command{}, fmt.Errorf("a request has at most %d bytes", maxRequest)
	}
	var r request
	if err := strictly(line, &r); err != nil {
		return command{}, fmt.Errorf(`expected a line like {"command":"status"}: %w`, err)
	}
	c.Command, c.args = r.Command, r.Args
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.commands[r.Command]
	if !ok {
		return command{}, fmt.Errorf("the running farmproxy has no command %q: it has %s", r.Command, strings.Join(slices.Sorted(maps.Keys(s.commands)), ", "))
	}
	return known, c.conn.SetReadDeadline(time.Time{})
}
