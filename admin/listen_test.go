package admin

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever may open the socket may do everything, so nobody else can.
func TestTheSocketsPermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A socket that a dead process left is replaced, one that answers is not, and a file that
// is no socket never.
func TestListenWhereSomethingIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	first, err := Listen(path)
	if err != nil {
		t.Fatalf("a dead one is there: %v", err)
	}
	if _, err := Listen(path); !errors.Is(err, ErrTaken) {
		t.Errorf("a living one is there: %v", err)
	}
	first.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("a file is there: %v", err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", MaxPath))
	if _, err := Listen(long); err == nil || !strings.Contains(err.Error(), "choose a shorter one") {
		t.Errorf("a long path: %v", err)
	}
}

// The new process's socket is there before the old one's is gone, and stays when the old
// process closes its own.
func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	before, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	after, err := Replace(path)
	if err != nil {
		t.Fatal(err)
	}
	before.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if accepted, err := after.Accept(); err != nil {
		t.Error(err)
	} else {
		accepted.Close()
	}
	after.Close()
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
