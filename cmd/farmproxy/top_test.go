package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"farmproxy/bench/fleet"
	"farmproxy/bench/pool"
)

// TestTopChild is no test: it is the process in the terminal of those below.
func TestTopChild(t *testing.T) {
	args := os.Getenv("FARMPROXY_TOP")
	if args == "" {
		t.Skip("a process that TestTop and TestTopElsewhere start")
	}
	os.Exit(dispatch(untilAsked(), append([]string{"top"}, strings.Fields(args)...), terminal{out: os.Stdout, err: os.Stderr}))
}

// typewriter is a terminal with a program in it: what it shows is text.
type typewriter struct {
	t     *testing.T
	tty   *os.File // our end of it
	child *exec.Cmd
	wrote chan struct{} // something came

	mu     sync.Mutex
	screen *vt.Emulator
}

// topIn runs farmproxy top in a terminal of 80 columns and 24 lines.
func topIn(t *testing.T, args string) *typewriter {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestTopChild$")
	child.Env = append(os.Environ(), "FARMPROXY_TOP="+args, "TERM=xterm-256color", "TZ=UTC")
	tty, err := pty.StartWithSize(child, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		t.Skipf("there is no pseudo terminal: %v", err)
	}
	w := &typewriter{t: t, tty: tty, child: child, wrote: make(chan struct{}, 1), screen: vt.NewEmulator(80, 24)}
	var both sync.WaitGroup
	both.Go(w.show)
	both.Go(w.answer)
	t.Cleanup(func() {
		child.Process.Kill()
		child.Wait()
		tty.Close()
		w.screen.InputPipe().(io.Closer).Close() // its Close is not for while others read
		both.Wait()
	})
	return w
}

// show takes what the program writes, until that has ended.
func (w *typewriter) show() {
	defer close(w.wrote)
	b := make([]byte, 4096)
	for {
		n, err := w.tty.Read(b)
		w.mu.Lock()
		w.screen.Write(b[:n])
		w.mu.Unlock()
		if err != nil {
			return
		}
		select {
		case w.wrote <- struct{}{}:
		default:
		}
	}
}

// answer passes on what the terminal answers to questions about itself.
func (w *typewriter) answer() {
	b := make([]byte, 4096)
	for {
		n, err := w.screen.Read(b)
		if err != nil {
			return
		}
		w.tty.Write(b[:n])
	}
}

func (w *typewriter) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.screen.String()
}

// until waits until the screen has all texts.
func (w *typewriter) until(texts ...string) {
	w.t.Helper()
	end := time.After(patience)
	for {
		screen, missing := w.text(), ""
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		select {
		case _, goes := <-w.wrote:
			if !goes {
				w.t.Fatalf("it has ended without %q:\n%s", missing, screen)
			}
		case <-end:
			w.t.Fatalf("no %q on\n%s", missing, screen)
		}
	}
}

func (w *typewriter) press(keys string) { w.tty.WriteString(keys) }

// resize makes the terminal as large as one likes.
func (w *typewriter) resize(width, height uint16) {
	w.t.Helper()
	w.mu.Lock()
	w.screen.Resize(int(width), int(height))
	w.mu.Unlock()
	if err := pty.Setsize(w.tty, &pty.Winsize{Cols: width, Rows: height}); err != nil {
		w.t.Fatal(err)
	}
}

// ends waits for the end of the program.
func (w *typewriter) ends(code int) {
	w.t.Helper()
	for end := time.After(patience); ; {
		select {
		case _, goes := <-w.wrote:
			if goes {
				continue
			}
			w.child.Wait()
			if got := w.child.ProcessState.ExitCode(); got != code {
				w.t.Errorf("it ends with %d, want %d:\n%s", got, code, w.text())
			}
			return
		case <-end:
			w.t.Fatalf("it does not end:\n%s", w.text())
		}
	}
}

const (
	keyDown, keyEnter, keyEscape = "\x1b[B", "\r", "\x1b"
)

// farm is a farmproxy that runs with a pool and three miners that mine.
func farm(t *testing.T) (dir, web string, main *pool.Pool) {
	t.Helper()
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Setenv("STATE_DIRECTORY", "")
	dir, err := os.MkdirTemp("", "fp") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := pool.DefaultOptions()
	o.Name = "main"
	if main, err = pool.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { main.Close() })
	file := filepath.Join(dir, "f.toml")
	fileIn(t, file, fmt.Sprintf("state_dir = %q\n[http]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n[[pool]]\nname = \"main\"\nurl = \"stratum+tcp://%s\"\nuser = \"farm\"\n", dir, main.Addr()))
	log, _ := runs(t, file)
	at := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(log.String())
		if m == nil {
			t.Fatalf("the log has no %s:\n%s", pattern, log)
		}
		return m[1]
	}
	f := fleet.DefaultOptions(at(`serving miners.*?(127\.0\.0\.1:\d+)`))
	f.Miners, f.Rate, f.Name = 3, 20, func(i int) string { return fmt.Sprintf("farm.rig%04d", i+1) }
	miners, err := fleet.New(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(miners.Close)
	if err := miners.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir, at(`(http://127\.0\.0\.1:\d+)`), main
}

// An operator looks at a farm that runs, in a terminal of 80 columns: at a glance, for a
// worker, and while the pool goes. Then the terminal is a smaller one.
func TestTop(t *testing.T) {
	dir, _, main := farm(t)
	w := topIn(t, "-socket "+dir+"/admin.sock")
	w.until("[1 Farm]", "✓ Nothing is wrong.", "main  ● active", "3 workers up, 0 down")
	w.press("2")
	w.until("[2 Workers]", "3 workers, 3 up", "> farm.rig0001  ● up", "  farm.rig0003  ● up")
	w.press("/RIG0002")
	w.until("1 worker, 1 up", `only "RIG0002" of 3`, "> farm.rig0002", "filter: RIG0002_")
	w.press(keyEnter + keyEnter)
	w.until("farm.rig0002", "State", "● up for", "Difficulty", "SHARES SINCE FARMPROXY STARTED", "accepted", "Esc back")
	w.press(keyEscape)
	w.until("> farm.rig0002")
	w.press(keyEscape)
	w.until("3 workers, 3 up", "> farm.rig0001")
	w.press("ss" + keyDown)
	w.until("HASH RATE ▼")
	w.press("1")
	main.Stop()
	w.until("▲ Pool main is down: ", "main  ✕ down")
	w.resize(60, 12)
	w.until("↑↓ scroll  ? keys  q end")
	lines := strings.Split(w.text(), "\n")
	if len(lines) != 12 || !strings.HasPrefix(lines[0], "farmproxy ") || !strings.HasPrefix(lines[11], "2 workers") {
		t.Errorf("60 x 12:\n%s", strings.Join(lines, "\n"))
	}
	w.press("q")
	w.ends(exitOK)
}

// The same over HTTP; without a farmproxy, or a terminal, it says so and ends.
func TestTopElsewhere(t *testing.T) {
	_, web, _ := farm(t)
	w := topIn(t, "-url "+web)
	w.until("3 workers up, 0 down")
	w.press("\x03")
	w.ends(exitOK)

	w = topIn(t, "-socket /nowhere/admin.sock")
	w.until("start farmproxy, or name its socket")
	w.ends(exitFailed)

	f := func(line string, code int, want string) {
		t.Helper()
		if got, _, said := invoke(t, append([]string{"top"}, strings.Fields(line)...)...); got != code || !strings.Contains(said, want) {
			t.Errorf("top %s: %d %s", line, got, said)
		}
	}
	f("-url "+web, exitFailed, "top needs a terminal")
	f("-url ftp://box", exitMisused, `"ftp://box": expected the address of farmproxy's page`)
	f("-token-file x", exitMisused, "-token-file is for -url")
	f("-url http://x -token-file /nowhere/token", exitMisused, "/nowhere/token: no such file")
	f("-url http://x -token-file "+fileOf(t, "a b c"), exitMisused, "expected one line with the token")
	f("rig", exitMisused, `unexpected "rig"`)
}
