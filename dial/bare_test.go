package dial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

// An error says what is wrong. Where that was is known to who says it.
func TestErrorsWithoutAddresses(t *testing.T) {
	pool := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 3333}
	ours := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 40123}
	op := func(op string, err error) error {
		return &net.OpError{Op: op, Net: "tcp", Source: ours, Addr: pool, Err: err}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{op("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection refused"},
		{op("dial", os.ErrDeadlineExceeded), "i/o timeout"},
		{op("read", os.NewSyscallError("read", syscall.ECONNRESET)), "read: connection reset by peer"},
		{op("write", os.NewSyscallError("write", syscall.EPIPE)), "write: broken pipe"},
		{op("read", os.ErrDeadlineExceeded), "read: i/o timeout"},
		{op("dial", &net.DNSError{Err: "no such host", Name: "pool.example", Server: "10.0.0.53:53"}), "no such host (name server 10.0.0.53:53)"},
		{op("dial", &net.DNSError{Err: "no such host", Name: "pool.example"}), "no such host"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "remote error: tls: bad certificate"},
		{fmt.Errorf("the proxy: %w", op("dial", os.ErrDeadlineExceeded)), "the proxy: dial tcp 10.0.0.2:40123->10.0.0.1:3333: i/o timeout"},
		{io.EOF, "EOF"},
	} {
		got := Bare(c.err)
		equal(t, c.err.Error(), got.Error(), c.want)
		if !errors.Is(got, c.err) {
			t.Errorf("%v: not in %#v", c.err, got)
		}
	}
}

// An address that is dialled is not in the error; those of a name are, each once.
func TestWhyThereIsNoConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, err = Direct(t.Context(), Target{Address: address})
	equal(t, "an address", err.Error(), "connection refused")
	if op := (*net.OpError)(nil); !errors.As(err, &op) || op.Op != "dial" || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%#v", err)
	}
	for _, c := range []struct {
		what string
		town *town
		want string
	}{
		{"a name with two", &town{six: "fd00::1", four: "10.0.0.1", shut: "fd00::1 10.0.0.1"}, "fd00::1: connection refused; 10.0.0.1: connection refused"},
		{"a name with none", &town{}, "no such host"},
		{"one whose address does not answer", &town{four: "10.0.0.1", dead: "10.0.0.1"}, "i/o timeout"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), Timeout)
			defer cancel()
			_, err := c.town.sockets().dial(ctx, "pool.test:3333")
			equal(t, c.what, err.Error(), c.want)
			if strings.Contains(err.Error(), "pool.test") {
				t.Errorf("%s: %v", c.what, err)
			}
		})
	}
}
