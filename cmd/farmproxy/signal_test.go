package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for an event that must come: far longer than it
// takes on a busy machine.
const patience = 20 * time.Second

// TestUntilAskedChild is no test: it is a process that does not end by itself, for the one
// below.
func TestUntilAskedChild(t *testing.T) {
	if os.Getenv("FARMPROXY_UNTIL_ASKED") == "" {
		t.Skip("a process that TestASecondSIGTERMEndsAtOnce starts")
	}
	ctx := untilAsked()
	fmt.Println("running")
	<-ctx.Done()
	fmt.Println("stopping")
	select {}
}

// The first SIGTERM asks for an orderly end, the second one ends the process.
func TestASecondSIGTERMEndsAtOnce(t *testing.T) {
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^TestUntilAskedChild$", "-test.v")
	child.Env = append(os.Environ(), "FARMPROXY_UNTIL_ASKED=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Process.Kill()
	lines := bufio.NewScanner(out)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Fatalf("it never said %q", want)
	}
	until("running")
	child.Process.Signal(syscall.SIGTERM)
	until("stopping")
	// There is no way to see that the handler is gone, so SIGTERM is sent until it
	// works.
	ended := make(chan error, 1)
	go func() { io.Copy(io.Discard, out); ended <- child.Wait() }()
	for end := time.After(patience); ; {
		child.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
				t.Errorf("it ended with %v", err)
			}
			return
		case <-end:
			t.Fatal("it goes on")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
