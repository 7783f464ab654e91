package handover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// diary is what both sides were asked to do, in order: the channel between them is the
// only thing that orders them.
type diary struct{ lines chan string }

func (d diary) note(format string, args ...any) { d.lines <- fmt.Sprintf(format, args...) }

func (d diary) all() (list []string) {
	for len(d.lines) > 0 {
		list = append(list, <-d.lines)
	}
	return list
}

// giver is a Giver that sends what it is told to, and fails where it is told to.
type giver struct {
	diary
	ahead, state []Record
	fails        string
}

func (g *giver) do(what string) error {
	g.note("old: %s", what)
	if g.fails == what {
		return errors.New("no " + what)
	}
	return nil
}

func (g *giver) records(what string, list []Record, to *Sender) error {
	for _, r := range list {
		if err := to.Send(r.Section, r.Data, r.Files...); err != nil {
			return err
		}
	}
	return g.do(what)
}

func (g *giver) Ahead(to *Sender) error       { return g.records("ahead", g.ahead, to) }
func (g *giver) Freeze(context.Context) error { return g.do("freeze") }
func (g *giver) State(to *Sender) error       { return g.records("state", g.state, to) }
func (g *giver) Thaw()                        { g.note("old: thaw") }

// taker is the Taker at the other end.
type taker struct {
	diary
	got   []Record
	fails string
	at    map[string]func() // called at a step

	killed chan struct{} // closed when its process is
}

func (t *taker) do(what string) error {
	t.note("new: %s", what)
	if f := t.at[what]; f != nil {
		f()
	}
	if t.fails == what {
		return errors.New("no " + what)
	}
	return nil
}

func (t *taker) Take(r Record) error {
	t.got = append(t.got, r)
	if t.fails == "take" {
		return errors.New("no take")
	}
	return nil
}
func (t *taker) Prepare(context.Context) error  { return t.do("prepare") }
func (t *taker) Complete(context.Context) error { return t.do("complete") }
func (t *taker) Serve() error                   { return t.do("serve") }

// hand lets a giver hand over to a taker in this process. Its end is killed by closing
// its socket.
func hand(t *testing.T, ctx context.Context, g *giver, to *taker) (given, taken error) {
	t.Helper()
	ours, file, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	child := &Child{channel: newChannel(ours), kill: func() { theirs.Close(); close(to.killed) }, ended: make(chan struct{})}
	to.killed = make(chan struct{})
	go func() {
		taken = Take(context.Background(), theirs.(*net.UnixConn), "2.0", to)
		child.how = taken
		close(child.ended)
	}()
	_, given = Give(ctx, child, "1.0", g)
	<-child.ended
	return given, taken
}

func TestHandOver(t *testing.T) {
	d := diary{make(chan string, 100)}
	given, taken := hand(t, t.Context(), &giver{diary: d}, &taker{diary: d})
	if given != nil || taken != nil {
		t.Fatalf("old: %v, new: %v; expected no errors", given, taken)
	}
	want := []string{"old: ahead", "new: prepare", "old: freeze", "old: state", "new: complete", "new: serve"}
	if got := d.all(); !slices.Equal(got, want) {
		t.Errorf("steps %q, expected %q", got, want)
	}
}

// TestAFailureLeadsBack goes through every step that may fail: the old process must go
// on, thaw if it has frozen, and say why; the new one must not serve.
func TestAFailureLeadsBack(t *testing.T) {
	tests := []struct {
		old, new string // what fails
		last     string
		says     string
	}{
		{"ahead", "", "old: ahead", "no ahead"},
		{"", "take", "old: ahead", `section "one": no take`},
		{"", "prepare", "new: prepare", "no prepare"},
		{"freeze", "", "old: thaw", "no freeze"},
		{"state", "", "old: thaw", "no state"},
		{"", "complete", "old: thaw", "no complete"},
		{"", "serve", "old: thaw", "no serve"},
	}
	for _, test := range tests {
		t.Run(test.old+test.new, func(t *testing.T) {
			d := diary{make(chan string, 100)}
			g := &giver{diary: d, fails: test.old, ahead: []Record{{Section: "one", Data: []byte("1")}}}
			given, taken := hand(t, t.Context(), g, &taker{diary: d, fails: test.new})
			if given == nil || !strings.Contains(given.Error(), test.says) {
				t.Errorf("the old process says %v, expected %q", given, test.says)
			}
			if taken == nil {
				t.Error("the new process serves")
			}
			if got := d.all(); got[len(got)-1] != test.last {
				t.Errorf("steps %q, expected the last to be %q", got, test.last)
			}
		})
	}
}

// TestTheNewProcessDies has it die at each step.
func TestTheNewProcessDies(t *testing.T) {
	for _, step := range []string{"prepare", "complete", "serve"} {
		t.Run(step, func(t *testing.T) {
			d := diary{make(chan string, 100)}
			g, to := &giver{diary: d}, &taker{diary: d, at: make(map[string]func())}
			ours, file, err := pair()
			if err != nil {
				t.Fatal(err)
			}
			theirs, _ := net.FileConn(file)
			file.Close()
			child := &Child{channel: newChannel(ours), kill: func() {}, ended: make(chan struct{}), how: errors.New("signal: killed")}
			to.at[step] = func() { theirs.Close() }
			go func() {
				defer close(child.ended)
				_ = Take(context.Background(), theirs.(*net.UnixConn), "2.0", to)
			}()
			_, err = Give(t.Context(), child, "1.0", g)
			if !errors.Is(err, errGone) || !strings.Contains(err.Error(), "signal: killed") {
				t.Errorf("the old process says %v, expected that the new one was killed", err)
			}
			got := d.all()
			if thawed := slices.Contains(got, "old: thaw"); thawed != (step != "prepare") {
				t.Errorf("steps %q", got)
			}
		})
	}
}

// TestTheOldProcessDies has it die at each of its steps. With everything in place, the
// new process serves: nobody else has the sockets any more.
func TestTheOldProcessDies(t *testing.T) {
	for step, serves := range map[string]bool{"prepare": false, "complete": true} {
		t.Run(step, func(t *testing.T) {
			ours, file, err := pair()
			if err != nil {
				t.Fatal(err)
			}
			theirs, _ := net.FileConn(file)
			file.Close()
			d := diary{make(chan string, 100)}
			to := &taker{diary: d, at: map[string]func(){step: func() { ours.Close() }}}
			old := newChannel(ours)
			go func() {
				_, _, _ = old.receive()
				_ = old.say(message{Step: offer, Format: Format})
				_ = old.say(message{Step: sent})
				if step == "complete" {
					_, _, _ = old.receive()
					_ = old.say(message{Step: sent})
				}
			}()
			err = Take(t.Context(), theirs.(*net.UnixConn), "2.0", to)
			if served := slices.Contains(d.all(), "new: serve"); served != serves || (err == nil) != serves {
				t.Errorf("it serves: %v, error %v; expected it to serve: %v", served, err, serves)
			}
		})
	}
}

func TestAHandOverThatIsCalledOff(t *testing.T) {
	d := diary{make(chan string, 100)}
	ctx, cancel := context.WithCancelCause(t.Context())
	to := &taker{diary: d}
	to.at = map[string]func(){"complete": func() { cancel(errors.New("asked to stop")); <-to.killed }}
	given, _ := hand(t, ctx, &giver{diary: d}, to)
	if given == nil || !strings.Contains(given.Error(), "asked to stop") {
		t.Errorf("the old process says %v", given)
	}
	if got := d.all(); !slices.Contains(got, "old: thaw") || slices.Contains(got, "new: serve") {
		t.Errorf("steps %q", got)
	}
}

// A refusal is heard even if the new process ends before it has read what the old one
// said.
func TestARefusalIsHeard(t *testing.T) {
	ours, file, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	c := newChannel(ours)
	if err := c.say(message{Step: offer, Format: Format}); err != nil {
		t.Fatal(err)
	}
	Refuse(theirs.(*net.UnixConn), "2.0", errors.New("listener: no such address"))
	for _, want := range []step{hello, failed} {
		if m, _, err := c.receive(); m.Step != want || err != nil {
			t.Errorf("the new process says %+v, %v; expected %q", m, err, want)
		}
	}
}

func TestFormatsAreAgreedOn(t *testing.T) {
	tests := []struct {
		newest, oldest int
		format         int
		ok             bool
	}{
		{Format, Oldest, Format, true},
		{Format + 1, Format, Format, true},
		{Format + 2, Format + 1, Format, false},
		{Oldest, Oldest, Oldest, true},
		{Oldest - 1, Oldest - 1, Oldest - 1, false},
		{0, 0, 0, false}, // it did not say
	}
	for _, test := range tests {
		if format, ok := agree(test.newest, test.oldest); ok != test.ok || ok && format != test.format {
			t.Errorf("formats %d to %d: agreed on %d, %v; expected %d, %v", test.oldest, test.newest, format, ok, test.format, test.ok)
		}
	}
}

// TestRecordsOfAnySize sends what takes more than one packet: bytes, descriptors, both.
func TestRecordsOfAnySize(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, size := range []struct{ bytes, files int }{{0, 0}, {1, 0}, {maxPacket, 0}, {maxPacket + 1, 1}, {10, maxFiles}, {10, maxFiles + 1}, {3 * maxPacket, 2 * maxFiles}} {
		r := Record{Section: "some", Data: bytes.Repeat([]byte("abcdefg"), size.bytes/7+1)[:size.bytes]}
		for range size.files {
			r.Files = append(r.Files, int(null.Fd()))
		}
		d := diary{make(chan string, 100)}
		to := &taker{diary: d}
		given, taken := hand(t, t.Context(), &giver{diary: d, state: []Record{{Section: "before"}, r, {Section: "after"}}}, to)
		if given != nil || taken != nil {
			t.Fatalf("%v: old: %v, new: %v", size, given, taken)
		}
		if len(to.got) != 3 || to.got[1].Section != "some" || !bytes.Equal(to.got[1].Data, r.Data) || len(to.got[1].Files) != size.files {
			t.Errorf("%v: got %d records", size, len(to.got))
		}
		for _, fd := range to.got[1].Files {
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Fatalf("descriptor %d: flags %d, %v; expected it to close on exec", fd, flags, err)
			}
		}
		to.got[1].Discard()
	}
}

// TestADescriptorIsTheSameSocket sends one end of a pair, and reads from the other what
// is written to the copy.
func TestADescriptorIsTheSameSocket(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	d := diary{make(chan string, 100)}
	to := &taker{diary: d}
	if given, taken := hand(t, t.Context(), &giver{diary: d, ahead: []Record{{Section: "pipe", Files: []int{int(write.Fd())}}}}, to); given != nil || taken != nil {
		t.Fatal(given, taken)
	}
	write.Close()
	copied := os.NewFile(uintptr(to.got[0].Files[0]), "copy")
	fmt.Fprint(copied, "hello")
	copied.Close()
	if got, _ := io.ReadAll(read); string(got) != "hello" {
		t.Errorf("read %q", got)
	}
}
