package textfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe") // nobody writes to it
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	const most = 10
	for _, x := range []struct {
		path    string
		private bool
		text    string // what is read, or
		trouble string // why nothing is
	}{
		{file("short", "secret", 0o640), true, "secret", ""},
		{file("full", "0123456789", 0o600), true, "0123456789", ""},
		{file("long", "0123456789a", 0o600), false, "", "expected at most 10 bytes"},
		{file("public", "hello", 0o644), false, "hello", ""},
		{file("open", "secret", 0o644), true, "", "every user of this machine can read or write it (mode 0644); chmod 640 it"},
		{file("writable", "secret", 0o602), true, "", "(mode 0602)"},
		{filepath.Join(dir, "none"), false, "", fs.ErrNotExist.Error()},
		{dir, false, "", "it is a directory"},
		{pipe, false, "", "no ordinary file"},
		{"/dev/zero", false, "", "no ordinary file"},
	} {
		text, err := Read(x.path, most, x.private)
		if x.trouble == "" && (err != nil || text != x.text) {
			t.Errorf("%s: %q, %v", x.path, text, err)
		}
		if x.trouble != "" && (err == nil || text != "" || !strings.Contains(err.Error(), x.trouble) || strings.Contains(err.Error(), x.path)) {
			t.Errorf("%s: %q, %v, want %q", x.path, text, err, x.trouble)
		}
	}
	if _, err := Read(filepath.Join(dir, "none"), most, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}
