package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"farmproxy/internal/journal"
)

// serve has a server answer on a socket until the test ends.
func serve(t *testing.T, s *Server) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "admin.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(context.Background()), <-ended); err != nil {
			t.Error(err)
		}
	})
	return path
}

// say sends bytes and returns everything that comes back.
func say(t *testing.T, path, text string) string {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// Who sends too much is told so, however much it is: nothing of it is left unread.
func TestALineThatIsTooLong(t *testing.T) {
	path := serve(t, New(slog.New(slog.DiscardHandler)))
	want := `{"error":"a request has at most 65536 bytes"}` + "\n"
	for _, n := range []int{maxRequest, 3 << 20} {
		if got := say(t, path, strings.Repeat("x", n)); got != want {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
}

// What goes over the socket, byte for byte.
func TestLines(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler))
	s.Query("status", func(context.Context, *Call) (any, error) { return map[string]int{"miners": 7}, nil })
	s.Handle("nothing", func(context.Context, *Call) (any, error) { return nil, nil })
	s.Handle("fail", func(context.Context, *Call) (any, error) { return nil, errors.New("try again") })
	s.Handle("reload", func(_ context.Context, c *Call) (any, error) {
		var args struct{ File string }
		if err := c.Args(&args); err != nil {
			return nil, err
		}
		if err := c.Send("reading " + args.File); err != nil {
			return nil, err
		}
		return []string{"line 3"}, errors.New("1 problem")
	})
	s.Query("broken", func(context.Context, *Call) (any, error) { return func() {}, nil })
	path := serve(t, s)
	f := func(request, want string) {
		t.Helper()
		if got := say(t, path, request); got != want {
			t.Errorf("%s\ngot  %swant %s", request, got, want)
		}
	}
	f(`{"command":"status"}`+"\n", `{"answer":{"miners":7}}`+"\n")
	f(`{"command":"status","args":{}}`, `{"answer":{"miners":7}}`+"\n")
	f(`{"command":"nothing"}`, `{"answer":{}}`+"\n")
	f(`{"command":"fail"}`, `{"error":"try again"}`+"\n")
	f(`{"command":"reload","args":{"file":"x.toml"}}`, `{"event":"reading x.toml"}`+"\n"+`{"answer":["line 3"],"error":"1 problem"}`+"\n")
	f(`{"command":"reload","args":{"fiel":"x"}}`, `{"error":"the arguments of reload: json: unknown field \"fiel\"; is the farmproxy that asks of the same version?"}`+"\n")
	f(`{"command":"stop"}`, `{"error":"the running farmproxy has no command \"stop\": it has broken, fail, nothing, reload, status"}`+"\n")
	f("status\n", `{"error":"expected a line like {\"command\":\"status\"}: invalid character 's' looking for beginning of value"}`+"\n")
	f("\n", `{"error":"expected a line like {\"command\":\"status\"}: nothing there"}`+"\n")
	f("", `{"error":"expected a line with a command: EOF"}`+"\n")
	f(strings.Repeat(" ", maxRequest), `{"error":"a request has at most 65536 bytes"}`+"\n")
}

// The client's side returns what the command did, with its events in order.
func TestDo(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler))
	s.Handle("count", func(_ context.Context, c *Call) (any, error) {
		var n int
		if err := c.Args(&n); err != nil {
			return nil, err
		}
		for i := range n {
			if err := c.Send(i); err != nil {
				return nil, err
			}
		}
		return n, nil
	})
	path := serve(t, s)
	var events []string
	answer, err := Do(t.Context(), path, "count", 3, func(e json.RawMessage) error {
		events = append(events, string(e))
		return nil
	})
	if err != nil || string(answer) != "3" || strings.Join(events, " ") != "0 1 2" {
		t.Errorf("%s, %v, events %v", answer, err, events)
	}
	enough := errors.New("enough")
	if _, err := Do(t.Context(), path, "count", 3, func(json.RawMessage) error { return enough }); err != enough {
		t.Errorf("the client's end: %v", err)
	}
	var refused Refused
	if _, err := Do(t.Context(), path, "stop", nil, nil); !errors.As(err, &refused) {
		t.Errorf("an unknown command: %v", err)
	}
	if _, err := Do(t.Context(), path+"x", "count", 1, nil); !errors.Is(err, ErrNobody) {
		t.Errorf("no socket: %v", err)
	}
}

// The log has who asked for what, and what became of it; nothing of those who only look.
func TestAudit(t *testing.T) {
	var log journal.Journal
	s := New(slog.New(slog.NewTextHandler(&log, nil)))
	s.Query("status", func(context.Context, *Call) (any, error) { return nil, errors.New("unseen") })
	s.Handle("reload", func(context.Context, *Call) (any, error) { return nil, errors.New("no such file") })
	path := serve(t, s)
	say(t, path, `{"command":"status"}`)
	say(t, path, `{"command":"reload","args":{"file":"x"}}`)
	who := " uid=" + strconv.Itoa(os.Getuid()) + " pid=" + strconv.Itoa(os.Getpid()) + ` args="{\"file\":\"x\"}"`
	for _, want := range []string{
		`level=INFO msg="admin command" command=reload user=`,
		`level=WARN msg="admin command failed" command=reload user=`,
		who + ` error="no such file" took=`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in\n%s", want, &log)
		}
	}
	if strings.Contains(log.String(), "status") || strings.Contains(log.String(), "unseen") {
		t.Errorf("a question is logged:\n%s", &log)
	}
}

// When its client leaves, what watches ends; what changes something goes on.
func TestAClientThatLeaves(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler))
	watching, changing, left, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan error, 2)
	s.Query("watch", func(ctx context.Context, _ *Call) (any, error) {
		close(watching)
		<-ctx.Done()
		ended <- nil
		return nil, nil
	})
	s.Handle("change", func(ctx context.Context, _ *Call) (any, error) {
		close(changing)
		<-left
		ended <- ctx.Err()
		return nil, nil
	})
	path := serve(t, s)
	leave := func(command string, begun chan struct{}) {
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := Do(ctx, path, command, nil, nil)
			gone <- err
		}()
		<-begun
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the client got %v", command, err)
		}
	}
	leave("watch", watching)
	<-ended
	leave("change", changing)
	close(left)
	if err := <-ended; err != nil {
		t.Errorf("the change was ended: %v", err)
	}
}

// There are so many commands at a time; the next one is told.
func TestTooManyCommands(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler))
	begun := make(chan struct{})
	s.Query("watch", func(ctx context.Context, _ *Call) (any, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return nil, nil
	})
	path := serve(t, s)
	for range MaxCalls {
		go Do(t.Context(), path, "watch", nil, nil)
		<-begun
	}
	if _, err := Do(t.Context(), path, "watch", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "16 commands are at work") {
		t.Errorf("one more: %v", err)
	}
}

// A stop ends what watches, and waits for what changes something, which gets its answer
// to the client.
func TestShutdown(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler))
	begun, stopping := make(chan struct{}), make(chan struct{})
	s.Handle("change", func(ctx context.Context, _ *Call) (any, error) {
		close(begun)
		<-ctx.Done()
		close(stopping)
		return "changed", nil
	})
	path := serve(t, s)
	answered := make(chan string)
	go func() {
		answer, err := Do(context.Background(), path, "change", nil, nil)
		answered <- string(answer) + errorText(err)
	}()
	<-begun
	shut := make(chan error)
	go func() { shut <- s.Shutdown(context.Background()) }()
	<-stopping
	if got := <-answered; got != `"changed"` {
		t.Errorf("the client got %s", got)
	}
	if err := <-shut; err != nil {
		t.Error(err)
	}
	if n := s.atWork(); n > 0 {
		t.Errorf("%d commands are at work after the stop", n)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file is still there: %v", err)
	}
}

// atWork counts the commands.
func (s *Server) atWork() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// A stop that has no time left says what it did not wait for, and its client is told so.
func TestShutdownWithoutPatience(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler))
	begun, release := make(chan struct{}), make(chan struct{})
	s.Handle("change", func(context.Context, *Call) (any, error) {
		close(begun)
		<-release
		return nil, nil
	})
	path := serve(t, s)
	defer close(release)
	answered := make(chan error)
	go func() {
		_, err := Do(context.Background(), path, "change", nil, nil)
		answered <- err
	}()
	<-begun
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 { // one that does not wait may report the end of late, or not
		if err := s.Shutdown(late); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 commands were still at work") {
			t.Fatalf("the stop: %v", err)
		}
	}
	if err := <-answered; err == nil || !strings.Contains(err.Error(), "went without an answer") {
		t.Errorf("the client: %v", err)
	}
}

// short is a listener during a shortage.
type short struct {
	net.Listener
	failures []error // still to come
}

func (l *short) Accept() (net.Conn, error) {
	if len(l.failures) > 0 {
		err := l.failures[0]
		l.failures = l.failures[1:]
		return nil, &net.OpError{Op: "accept", Net: "unix", Err: os.NewSyscallError("accept4", err)}
	}
	return l.Listener.Accept()
}

// Commands are taken again after a shortage of descriptors, or of memory, which Go does not
// call temporary. It is logged once.
func TestAShortage(t *testing.T) {
	var log journal.Journal
	s := New(slog.New(slog.NewTextHandler(&log, nil)))
	s.Query("status", func(context.Context, *Call) (any, error) { return "fine", nil })
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Serve(&short{l, []error{syscall.EMFILE, syscall.ENOMEM}}) }()
	if answer, err := Do(t.Context(), path, "status", nil, nil); err != nil || string(answer) != `"fine"` {
		t.Errorf("%s, %v", answer, err)
	}
	if err := errors.Join(s.Shutdown(t.Context()), <-ended); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "cannot accept connections; still trying"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
