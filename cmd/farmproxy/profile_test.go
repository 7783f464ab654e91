package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A benchmark profiles a proxy under load: between SIGUSR1 and SIGUSR2, while the
// miners are still connected.
func TestSignalsChooseTheTimeOfProfiles(t *testing.T) {
	p := profile{cpu: filepath.Join(t.TempDir(), "cpu"), heap: filepath.Join(t.TempDir(), "heap")}
	stop, err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	self := func(s syscall.Signal) {
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
	}
	self(syscall.SIGUSR1)
	self(syscall.SIGUSR2)
	for t.Context().Err() == nil {
		if _, err := os.Stat(p.heap); err == nil {
			break
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{p.cpu, p.heap} {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
			t.Errorf("%s: %d bytes, %v; want what gzip writes", file, len(text), err)
		}
	}
}

func TestProfilesAreWrittenAtTheEnd(t *testing.T) {
	p := profile{heap: filepath.Join(t.TempDir(), "heap")}
	stop, err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.heap); err != nil {
		t.Error(err)
	}
}

func TestAProfileThatCantBeWritten(t *testing.T) {
	var out strings.Builder
	config := filepath.Join(t.TempDir(), "farmproxy.toml")
	if err := os.WriteFile(config, []byte("[[listener]]\naddress = \"127.0.0.1:0\"\n[[pool]]\nurl = \"stratum+tcp://127.0.0.1:1\"\nuser = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code := dispatch(t.Context(), []string{"run", "-c", config, "-cpuprofile", "/nonexistent/cpu"}, terminal{out: io.Discard, err: &out})
	if code != exitFailed || !strings.Contains(out.String(), "-cpuprofile: ") {
		t.Errorf("exit code %d, %q", code, &out)
	}
}
