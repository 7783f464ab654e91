package stand

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Child is a process under measurement: the proxy, or the floor.
type Child struct {
	Name    string
	process *os.Process
	stdin   io.WriteCloser // nil: it was adopted
	Exited  chan struct{}
	state   *os.ProcessState // how it ended; read it after Exited
	err     error            // why it did not end well; read it after Exited

	started  time.Time
	Listened time.Duration // time from its start to an open port
	once     sync.Once
}

// Bounds of a child's life.
const (
	childListens = 20 * time.Second // from start to an open port
	childStops   = 20 * time.Second // from SIGTERM to its end, before it is killed
	childKnocks  = time.Millisecond // between checks of its port
)

// startChild runs exe with args; its output goes to log.
func startChild(name, exe string, args []string, log *os.File) (*Child, error) {
	c := &Child{Name: name, Exited: make(chan struct{})}
	cmd := exec.Command(exe, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	var err error
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c.started = time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: start %s: %w", name, exe, err)
	}
	c.process = cmd.Process
	go func() {
		c.err = cmd.Wait()
		c.state = cmd.ProcessState
		close(c.Exited)
	}()
	return c, nil
}

// PID returns the child's process id.
func (c *Child) PID() int { return c.process.Pid }

// Signal sends the child a signal.
func (c *Child) Signal(s os.Signal) error { return c.process.Signal(s) }

// stop ends the child: with SIGTERM, and with SIGKILL if that takes too long. It
// returns an error if the child did not end cleanly.
func (c *Child) stop() error {
	early := false
	c.once.Do(func() {
		select {
		case <-c.Exited:
			early = true
			return
		default:
		}
		c.process.Signal(syscall.SIGTERM)
		select {
		case <-c.Exited:
		case <-time.After(childStops):
			c.process.Kill()
			<-c.Exited
		}
	})
	<-c.Exited
	switch {
	case early:
		return fmt.Errorf("%s ended by itself: %s", c.Name, c.ending())
	case c.err != nil && !(c.Name == haproxyProgram && c.signalled()):
		return fmt.Errorf("%s: after SIGTERM: %s, want exit code 0 within %v", c.Name, c.ending(), childStops)
	}
	return nil
}

// signalled reports whether the child died of SIGTERM, as HAProxy does.
func (c *Child) signalled() bool {
	status, ok := c.state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

// Kill ends the child at once, like a crash.
func (c *Child) Kill() {
	c.once.Do(func() { c.process.Kill() })
	<-c.Exited
}

func (c *Child) ending() string {
	if c.err == nil {
		return "exit code 0"
	}
	return c.err.Error()
}

// listening waits until addr accepts connections.
func (c *Child) listening(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, childListens)
	defer cancel()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			c.Listened = time.Since(c.started)
			return conn.Close()
		}
		select {
		case <-c.Exited:
			return fmt.Errorf("%s ended before it listened on %s: %s", c.Name, addr, c.ending())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s: %w", c.Name, addr, err)
		case <-time.After(childKnocks):
		}
	}
}

// ClockTick is the unit of times in /proc: USER_HZ, 100 a second on every Linux.
const ClockTick = 10 * time.Millisecond

// CPU returns the CPU time used so far, in whole clock ticks.
func (c *Child) CPU() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.process.Pid))
	if err != nil {
		return 0, fmt.Errorf("%s: processor time: %w", c.Name, err)
	}
	return parseCPU(string(text))
}

// parseCPU adds up utime and stime of a /proc/PID/stat. The command's name before them
// may contain anything.
func parseCPU(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const utime, stime = 11, 12 // counted from the state
	if len(fields) <= stime {
		return 0, errors.New("processor time: /proc/PID/stat is too short")
	}
	user, err1 := strconv.ParseInt(fields[utime], 10, 64)
	system, err2 := strconv.ParseInt(fields[stime], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(user+system) * ClockTick, nil
}

// RSS returns the resident memory in bytes.
func (c *Child) RSS() (int64, error) { return c.memory("VmRSS") }

// Anonymous returns the resident memory that is the process's own, in bytes: without the
// pages of its program, which the kernel maps and drops as they are needed.
func (c *Child) Anonymous() (int64, error) { return c.memory("RssAnon") }

func (c *Child) memory(field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.process.Pid))
	if err != nil {
		return 0, fmt.Errorf("%s: memory: %w", c.Name, err)
	}
	return parseMemory(string(text), field)
}

func parseMemory(status, field string) (int64, error) {
	_, rest, ok := strings.Cut(status, "\n"+field+":")
	fields := strings.Fields(rest)
	if !ok || len(fields) == 0 {
		return 0, fmt.Errorf("memory: no %s in /proc/PID/status", field)
	}
	kB, err := strconv.ParseInt(fields[0], 10, 64)
	return kB << 10, err
}

// FreeAddr returns a loopback address on which nobody is currently listening.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
