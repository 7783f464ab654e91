package systemd

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMessages(t *testing.T) {
	f := func(send func() error, want string) {
		t.Helper()
		m := listen(t)
		if err := send(); err != nil {
			t.Error(err)
		}
		m.want(want)
	}
	f(Ready, "READY=1")
	f(Stopping, "STOPPING=1")
	f(func() error { return Status("%d miners", 7) }, "STATUS=7 miners")
	f(func() error { return Status("pool says: %s", "a\r\nREADY=1\n") }, "STATUS=pool says: a READY=1")
}

// The time of a reload is on the clock that systemd compares it with.
func TestReloading(t *testing.T) {
	m := listen(t)
	now := func() int64 {
		var x unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &x); err != nil {
			t.Fatal(err)
		}
		return x.Nano() / 1000
	}
	before := now()
	if err := Reloading(); err != nil {
		t.Fatal(err)
	}
	usec, ok := strings.CutPrefix(m.read(), "RELOADING=1\nMONOTONIC_USEC=")
	if n, err := strconv.ParseInt(usec, 10, 64); !ok || err != nil || n < before || n > now() {
		t.Errorf("%q, not since %d", usec, before)
	}
}

func TestNothingHappensOutsideOfSystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	t.Setenv("STATE_DIRECTORY", "")
	if err := errors.Join(Ready(), Reloading(), Status("x"), Stopping()); err != nil {
		t.Error(err)
	}
	if err := Watchdog(t.Context(), func(context.Context) error { panic("asked") }); err != nil {
		t.Error(err)
	}
	if dir := StateDirectory(); dir != "" {
		t.Errorf("state directory %q", dir)
	}
}

func TestASocketThatIsGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	if err := Ready(); err == nil || !strings.Contains(err.Error(), "NotifyAccess") {
		t.Errorf("got %v, want a sentence that names NotifyAccess", err)
	}
}

func TestDirectories(t *testing.T) {
	f := func(env, want string) {
		t.Helper()
		t.Setenv("STATE_DIRECTORY", env)
		t.Setenv("RUNTIME_DIRECTORY", env)
		if state, runtime := StateDirectory(), RuntimeDirectory(); state != want || runtime != want {
			t.Errorf("%q: got %q and %q, want %q", env, state, runtime, want)
		}
	}
	f("/var/lib/farmproxy", "/var/lib/farmproxy")
	f("/var/lib/farmproxy:/var/lib/other", "/var/lib/farmproxy")
}

// The watchdog is fed when alive returns nil in time, and not otherwise.
func TestWatchdog(t *testing.T) {
	m := listen(t)
	t.Setenv("WATCHDOG_USEC", "200000") // asked every 100 ms
	t.Setenv("WATCHDOG_PID", "")
	answers := []func(context.Context) error{
		func(context.Context) error { return nil },
		func(context.Context) error { return errors.New("loop 1 does not answer") },
		func(ctx context.Context) error { <-ctx.Done(); return nil },
		func(context.Context) error { return nil },
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- Watchdog(ctx, func(ctx context.Context) error {
			if len(answers) == 0 {
				stop()
				return nil
			}
			answer := answers[0]
			answers = answers[1:]
			return answer(ctx)
		})
	}()
	m.want("WATCHDOG=1")
	m.want("STATUS=not alive: loop 1 does not answer")
	m.want("STATUS=not alive: context deadline exceeded")
	m.want("WATCHDOG=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWatchdogOfAnotherProcess(t *testing.T) {
	listen(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", "1")
	if err := Watchdog(t.Context(), func(context.Context) error { panic("asked") }); err != nil {
		t.Error(err)
	}
}

func TestWatchdogSettingsThatMakeNoSense(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "soon")
	if err := Watchdog(t.Context(), func(context.Context) error { panic("asked") }); err == nil {
		t.Error("got no error")
	}
}

// notifySocket is the service manager's end of NOTIFY_SOCKET.
type notifySocket struct {
	t    *testing.T
	conn *net.UnixConn
}

func listen(t *testing.T) *notifySocket {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return &notifySocket{t, conn}
}

func (m *notifySocket) read() string {
	m.t.Helper()
	buf := make([]byte, 1024)
	n, err := m.conn.Read(buf)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(buf[:n])
}

func (m *notifySocket) want(message string) {
	m.t.Helper()
	if got := m.read(); got != message {
		m.t.Errorf("got %q, want %q", got, message)
	}
}
