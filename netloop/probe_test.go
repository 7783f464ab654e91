package netloop

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
)

func TestProbe(t *testing.T) {
	free, err := probe("127.0.0.1:0")
	if err != nil || strings.HasSuffix(free, ":0") {
		t.Fatalf("%q, %v", free, err)
	}
	if again, err := probe(free); err != nil || again != free {
		t.Errorf("a free port: %q, %v", again, err)
	}
	l, err := net.Listen("tcp", free)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := probe(free); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port that is taken: %v", err)
	}
	for _, all := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		if got, err := probe(all); err != nil || strings.HasSuffix(got, ":0") {
			t.Errorf("%s: %q, %v", all, got, err)
		}
	}
	if _, err := probe("no such host:1"); err == nil {
		t.Error("a host that can't be")
	}
}
