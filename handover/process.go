package handover

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Variable is the name of the environment variable that tells a new process the number
// of its socket to the old one.
const Variable = "FARMPROXY_HANDOVER"

// firstExtra is the number of the first of exec.Cmd.ExtraFiles.
const firstExtra = 3

const (
	// exitTime is how long a process that has closed its end of the socket may take to
	// be gone: then its exit status is known.
	exitTime = time.Second

	// endTime is how long a killed process may take to be gone.
	endTime = 5 * time.Second
)

// Child is the new process, from its start until it serves or has ended.
type Child struct {
	channel *channel
	path    string        // of its binary
	kill    func()        // ends it at once, if it has not ended yet
	ended   chan struct{} // closed when it has
	how     error         // how it ended, valid after ended
}

// Start starts the binary at path with args (without its name), in this process's
// environment but for the variables named in without. Its output goes where this
// process's goes.
func Start(path string, args []string, without ...string) (*Child, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Env = append(environment(append(without, Variable)), Variable+"="+strconv.Itoa(firstExtra))
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, fmt.Errorf("starting the new process: %w", err)
	}
	kill := func() { _ = cmd.Process.Kill() } // an error means that it has ended
	c := &Child{channel: newChannel(ours), path: path, kill: kill, ended: make(chan struct{})}
	go func() {
		c.how = cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// environment returns this process's, without some variables.
func environment(without []string) (list []string) {
next:
	for _, v := range os.Environ() {
		for _, name := range without {
			if strings.HasPrefix(v, name+"=") {
				continue next
			}
		}
		list = append(list, v)
	}
	return list
}

// pair returns the two ends of a channel.
func pair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "handover")
	if ours, err = unixConn(fds[0]); err != nil {
		theirs.Close()
	}
	return ours, theirs, err
}

// unixConn makes a connection of a descriptor, and owns it.
func unixConn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "handover")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, is := conn.(*net.UnixConn)
	if !is {
		conn.Close()
		return nil, errors.New("it is no unix socket")
	}
	return u, nil
}

// Inherited returns the socket to the process that started this one to take over; nil:
// it was started in the usual way.
func Inherited() (*net.UnixConn, error) {
	text := os.Getenv(Variable)
	if text == "" {
		return nil, nil
	}
	os.Unsetenv(Variable)
	fd, err := strconv.Atoi(text)
	if err == nil {
		unix.CloseOnExec(fd)
		var conn *net.UnixConn
		if conn, err = unixConn(fd); err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("%s = %q: %w; it is set by farmproxy upgrade only", Variable, text, err)
}

// end kills the child and returns when it is gone. It adds to err, for which it has to
// end, how it ended by itself.
func (c *Child) end(err error) error {
	if errors.Is(err, errGone) {
		select {
		case <-c.ended:
			if c.how == nil {
				return fmt.Errorf("%w: it did nothing, and ended with exit status 0: is %s a farmproxy?", err, c.path)
			}
			return fmt.Errorf("%w: %w", err, c.how)
		case <-time.After(exitTime):
		}
	}
	c.kill()
	select {
	case <-c.ended:
	case <-time.After(endTime): // whatever the kernel waits for, it runs no instruction any more
	}
	return err
}
