package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	// MaxPath is the longest path of a socket, in bytes: the kernel takes 107, and a new
	// socket has nextSuffix at its end until it is ready.
	MaxPath = 107 - len(nextSuffix)

	nextSuffix = ".new"

	// socketMode lets the owner and the group in, for example operators in the group
	// farmproxy.
	socketMode = 0o660

	// knockTime bounds the question whether somebody listens already: a local connect
	// waits only if the other's queue is full, and then somebody does.
	knockTime = time.Second
)

// ErrTaken means that another process answers on the socket.
var ErrTaken = errors.New("another farmproxy listens there")

// Listen opens the socket at path. A file that a dead process has left is replaced; if
// somebody answers there, the error is ErrTaken.
func Listen(path string) (net.Listener, error) {
	conn, err := net.DialTimeout("unix", path, knockTime)
	if err == nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w: stop it, or name another path", path, ErrTaken)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.EAGAIN) {
		return nil, fmt.Errorf("%s: %w, and is very busy", path, ErrTaken)
	}
	return Replace(path)
}

// Replace opens the socket at path in the place of what is there, even if a process still
// listens on it: there is no moment without a socket, and whoever connected before keeps
// the old one. It replaces nothing but a socket.
func Replace(path string) (net.Listener, error) {
	if len(path) > MaxPath {
		return nil, fmt.Errorf("%s: the path of a socket has at most %d bytes, this one has %d: choose a shorter one", path, MaxPath, len(path))
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s exists and is no socket: remove it, or choose another path", path)
	}
	next := path + nextSuffix
	_ = os.Remove(next) // a crash left it
	// The mode of the descriptor is that of the file that bind makes: at no time may
	// anyone else connect, whatever the umask.
	private := func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) })
	}
	l, err := (&net.ListenConfig{Control: private}).Listen(context.Background(), "unix", next)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // the path may be another's by then
	err = os.Chmod(next, socketMode)
	if err == nil {
		err = os.Rename(next, path)
	}
	info, statErr := os.Lstat(path)
	if err = errors.Join(err, statErr); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(next))
	}
	return &listener{l, path, info}, nil
}

// listener removes its file when it is closed, if it is still there.
type listener struct {
	net.Listener
	path string
	file os.FileInfo
}

func (l *listener) Close() error {
	if info, err := os.Lstat(l.path); err == nil && os.SameFile(info, l.file) {
		_ = os.Remove(l.path) // a file that stays does no harm
	}
	return l.Listener.Close()
}
