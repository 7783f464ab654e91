package dial

import (
	"errors"
	"net"
	"net/netip"
	"os"
)

// Bare returns an error of package net without the addresses that it begins with, if it is
// one: whoever says that there is no connection says to where, and our own port, which is
// another one each time, is news to nobody.
func Bare(err error) error {
	op, ok := err.(*net.OpError) // not below others: what wraps it has a text of its own
	if !ok {
		return err
	}
	var call *os.SyscallError
	var name *net.DNSError
	switch called := errors.As(op.Err, &call); {
	case errors.As(op.Err, &name):
		text := name.Err
		if name.Server != "" {
			text += " (name server " + name.Server + ")"
		}
		return &bare{text, err}
	case op.Op == "dial" && called:
		return &bare{call.Err.Error(), err}
	case op.Op == "dial", called && (op.Op == "read" || op.Op == "write"):
		return &bare{op.Err.Error(), err}
	case op.Op == "read", op.Op == "write":
		return &bare{op.Op + ": " + op.Err.Error(), err}
	}
	return err // of TLS: it has no addresses
}

// at is Bare of a failure at one of a name's addresses.
func at(addr netip.Addr, err error) error {
	return &bare{addr.String() + ": " + Bare(err).Error(), err}
}

// bare is an error with another text.
type bare struct {
	text string
	error
}

func (b *bare) Error() string { return b.text }
func (b *bare) Unwrap() error { return b.error }
