package packaging

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// patience bounds each wait for systemd. Nothing takes long; a machine may be busy.
const patience = 2 * time.Minute

// box is a systemd of our own: testdata/box.
type box struct {
	*testing.T
	stage string // /run/stage inside
	init  string // process id of its systemd
}

// boot starts a systemd. Where that is impossible it skips the test, unless
// FARMPROXY_BOX=required, as in CI.
func boot(t *testing.T) *box {
	t.Helper()
	give := t.Skipf
	if os.Getenv("FARMPROXY_BOX") == "required" {
		give = t.Fatalf
	}
	if os.Getuid() != 0 {
		give("booting a systemd takes root")
	}
	// Not TempDir: the box's own root must not be below /tmp, which it covers.
	dir, err := os.MkdirTemp("/var/tmp", "farmproxy-box")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &box{T: t, stage: filepath.Join(dir, "stage")}
	if err := os.Mkdir(b.stage, 0o755); err != nil {
		t.Fatal(err)
	}
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(b.stage, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()

	var console bytes.Buffer
	machine := exec.Command("unshare", "--mount", "--propagation", "private", "testdata/box", dir)
	machine.Stdout, machine.Stderr = &console, &console
	if err := machine.Start(); err != nil {
		give("%v", err)
	}
	ended := make(chan struct{})
	go func() {
		machine.Wait() // ends by being killed, or says why in console
		notify.Close()
		close(ended)
	}()
	t.Cleanup(func() {
		if pid, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil {
			exec.Command("kill", "-9", strings.TrimSpace(string(pid))).Run() // fails if it has ended already
		}
		<-ended
		if t.Failed() {
			t.Logf("the console:\n%s", console.String())
		}
	})
	notify.SetReadDeadline(time.Now().Add(patience))
	for buf := make([]byte, 4096); ; {
		n, err := notify.Read(buf)
		if err != nil {
			give("no systemd boots here: %v", err)
		}
		if strings.Contains(string(buf[:n]), "READY=1") {
			break
		}
	}
	unshare := read(t, filepath.Join(dir, "pid"))
	b.init = strings.TrimSpace(read(t, filepath.Join("/proc", unshare, "task", unshare, "children")))
	return b
}

// command returns a command that runs a line of shell inside.
func (b *box) command(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", "-t", b.init, "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w",
		"env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
		"bash", "-o", "pipefail", "-c", line)
}

// try runs a line of shell inside, and returns what it printed and whether it succeeded.
func (b *box) try(line string) (said string, ok bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	out, err := b.command(ctx, line).CombinedOutput()
	said = strings.TrimSpace(string(out))
	b.Logf("# %s\n%s", line, said)
	if ctx.Err() != nil {
		b.Fatalf("%s: no end after %v", line, patience)
	}
	return said, err == nil
}

// run runs lines of shell that must succeed, and returns what they printed.
func (b *box) run(line string) string {
	b.Helper()
	said, ok := b.try(line)
	if !ok {
		b.Fatalf("%s failed:\n%s", line, said)
	}
	return said
}

// want runs a line of shell that must succeed and print what a pattern matches.
func (b *box) want(line, pattern string) {
	b.Helper()
	if said := b.run(line); !regexp.MustCompile(pattern).MatchString(said) {
		b.Errorf("%s printed\n%s\nwant a match of %s", line, said, pattern)
	}
}

// refuses runs a line of shell that must fail, and print what a pattern matches.
func (b *box) refuses(line, pattern string) {
	b.Helper()
	said, ok := b.try(line)
	if ok {
		b.Errorf("%s succeeded", line)
	}
	if !regexp.MustCompile(pattern).MatchString(said) {
		b.Errorf("%s printed\n%s\nwant a match of %s", line, said, pattern)
	}
}

// write writes a file inside.
func (b *box) write(path, text string) {
	b.Helper()
	put(b.T, filepath.Join(b.stage, "text"), text)
	b.run("cat /run/stage/text >" + path)
}

// lines is the output of a command that goes on.
type lines struct {
	b    *box
	what string
	ch   chan string
}

// follow runs a line of shell inside until the test ends.
func (b *box) follow(line string) *lines {
	b.Helper()
	cmd := b.command(b.Context(), line)
	out, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = cmd.Stdout
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	l := &lines{b, line, make(chan string)}
	go func() {
		defer close(l.ch)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case l.ch <- s.Text():
			case <-b.Context().Done():
			}
		}
		cmd.Wait() // killed with the test's context
	}()
	return l
}

// tells runs a line of shell, and waits until a unit's journal has had a line for each
// pattern, in this order.
func (b *box) tells(unit, line string, patterns ...string) {
	b.Helper()
	cursor := b.run("journalctl --sync; journalctl -q -n 1 --show-cursor | sed -n 's/^-- cursor: //p'")
	journal := b.follow("exec journalctl -q -f -o cat --after-cursor='" + cursor + "' -u " + unit)
	b.run(line)
	for _, pattern := range patterns {
		journal.until(pattern)
	}
}

// until waits for a line that a pattern matches, and returns it.
func (l *lines) until(pattern string) string {
	l.b.Helper()
	late := time.After(patience)
	var said []string
	for match := regexp.MustCompile(pattern); ; {
		select {
		case line, more := <-l.ch:
			if !more {
				l.b.Fatalf("%s ended after\n%s\nwant a match of %s", l.what, strings.Join(said, "\n"), pattern)
			}
			if match.MatchString(line) {
				return line
			}
			said = append(said, line)
		case <-late:
			l.b.Fatalf("%s printed\n%s\nand no match of %s", l.what, strings.Join(said, "\n"), pattern)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
