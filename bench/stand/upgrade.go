package stand

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// installed is the name of the program in a stand's directory.
const installed = "farmproxy"

// leavesWithin is how long the proxy may take to end after another process has taken
// over from it.
const leavesWithin = 20 * time.Second

// install puts a copy of a program in the place of the one that runs, in one step, as a
// package does.
func (s *Stand) install(exe string) error {
	from, err := os.Open(exe)
	if err != nil {
		return err
	}
	defer from.Close()
	return s.place(func(to io.Writer) error {
		_, err := io.Copy(to, from)
		return err
	})
}

// InstallScript puts a shell script in the program's place. Commands still use the
// program itself.
func (s *Stand) InstallScript(text string) error {
	return s.place(func(to io.Writer) error {
		_, err := io.WriteString(to, "#!/bin/sh\n"+text+"\n")
		return err
	})
}

// Reinstall puts the program in its place again.
func (s *Stand) Reinstall() error { return s.install(s.program) }

func (s *Stand) place(write func(io.Writer) error) error {
	file := filepath.Join(s.dir, installed)
	to, err := os.OpenFile(file+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if err := errors.Join(write(to), to.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// Upgraded is what farmproxy upgrade answers.
type Upgraded struct {
	PID      int     `json:"pid"`
	Prepared float64 `json:"prepared_seconds"`
	Frozen   float64 `json:"frozen_seconds"`
}

// Upgrade runs farmproxy upgrade, with further flags. If another process has taken over,
// it is the child from now on. The error is what farmproxy said why not.
func (s *Stand) Upgrade(ctx context.Context, flags ...string) (u Upgraded, err error) {
	if err := adoptOrphans(); err != nil {
		return u, err
	}
	args := append([]string{"upgrade", "-c", filepath.Join(s.dir, configFile), "-json"}, flags...)
	cmd := exec.CommandContext(ctx, s.program, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return u, fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &u); err != nil || u.PID == 0 {
		return u, fmt.Errorf("farmproxy upgrade: want an answer with a pid, got %q", out.String())
	}
	select {
	case <-s.Child.Exited:
	case <-time.After(leavesWithin):
		return u, fmt.Errorf("process %d has not ended %v after process %d took over", s.Child.PID(), leavesWithin, u.PID)
	}
	if s.Child.err != nil {
		return u, fmt.Errorf("process %d ended with %v after process %d took over, want exit code 0", s.Child.PID(), s.Child.err, u.PID)
	}
	s.Child, err = adopt(s.Child, u.PID)
	return u, err
}

// adopt returns the child that took over from another, whose orphan it is.
func adopt(old *Child, pid int) (*Child, error) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, fmt.Errorf("%s: process %d: %w", old.Name, pid, err)
	}
	c := &Child{Name: old.Name, process: process, Exited: make(chan struct{}), started: old.started, Listened: old.Listened}
	go func() {
		c.state, c.err = process.Wait()
		if c.err == nil && !c.state.Success() {
			c.err = &exec.ExitError{ProcessState: c.state}
		}
		close(c.Exited)
	}()
	return c, nil
}
