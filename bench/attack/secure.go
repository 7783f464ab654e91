package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"farmproxy/bench/wait"
)

// Attacks on a port for TLS: each costs the proxy more than the attacker.

// hello returns the first message of a client of TLS.
func hello() []byte {
	var sent recorder
	_ = tls.Client(&sent, &tls.Config{InsecureSkipVerify: true}).Handshake() // ends where the answer is missing
	return sent.Bytes()
}

// recorder is a connection that keeps what is written, and has nothing to read.
type recorder struct {
	net.Conn
	bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error)      { return r.Buffer.Write(b) }
func (r *recorder) Read([]byte) (int, error)         { return 0, io.EOF }
func (r *recorder) Close() error                     { return nil }
func (r *recorder) SetDeadline(time.Time) error      { return nil }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

// halfShake begins a handshake, never ends it, and stays until it is closed.
func halfShake(ctx context.Context, r *Raid, _ int, _ *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.reset()
	if err := s.write(hello()); err != nil {
		return err
	}
	r.books.sent.Add(1)
	return s.hold(ctx, time.Minute)
}

// computeInVain has the proxy compute its side of a handshake, and leaves.
func computeInVain(ctx context.Context, r *Raid, _ int, _ *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.reset()
	if err := s.write(hello()); err != nil {
		return err
	}
	s.conn.SetReadDeadline(time.Now().Add(strangerWaits))
	if _, err := s.in.ReadByte(); err != nil {
		return gaveUp(err)
	}
	r.books.sent.Add(1)
	return wait.For(ctx, 25*time.Millisecond)
}

// tinyRecords encrypts each byte by itself, white space that no line ends.
func tinyRecords(ctx context.Context, r *Raid, _ int, _ *rand.Rand) error {
	s, err := r.dial(ctx, false)
	if err != nil {
		return err
	}
	defer s.reset()
	var out recorder
	top := &joint{Conn: s.conn}
	over := tls.Client(top, &tls.Config{InsecureSkipVerify: true})
	s.conn.SetDeadline(time.Now().Add(strangerWaits))
	if err := over.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", gaveUp(err))
	}
	if err := s.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	top.to = &out
	const each, every = 200, 100 * time.Millisecond
	for {
		out.Reset()
		for range each {
			if _, err := over.Write([]byte(" ")); err != nil {
				return err
			}
		}
		if err := s.write(out.Bytes()); err != nil {
			return err
		}
		r.books.sent.Add(each)
		if err := wait.For(ctx, every); err != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}

// joint is a connection whose writes go somewhere else, once that is set.
type joint struct {
	net.Conn
	to io.Writer
}

func (j *joint) Write(b []byte) (int, error) {
	if j.to != nil {
		return j.to.Write(b)
	}
	return j.Conn.Write(b)
}
