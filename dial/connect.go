package dial

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// maxConnectAnswer bounds how much of an HTTP proxy's answer is read, in bytes:
	// real ones have a few hundred, with NTLM and Kerberos a few thousand.
	maxConnectAnswer = 16 << 10

	// maxQuote bounds how much of a peer's text an error quotes, in bytes.
	maxQuote = 100
)

// connect connects to the pool at address through an HTTP proxy's CONNECT
// (RFC 9110, 9.3.6).
func (x *viaProxy) connect(ctx context.Context, address string) (net.Conn, error) {
	conn, err := tcp.dial(ctx, x.address)
	if err != nil {
		return nil, unreachable(err)
	}
	if x.tls != nil {
		over := tls.Client(conn, x.tls)
		if err := over.HandshakeContext(ctx); err != nil {
			forsake(ctx, conn)
			return nil, explainProxyTLS(ctx, err)
		}
		conn = over
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	through, err := x.ask(ctx, conn, address)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		forsake(ctx, conn)
		return nil, err
	}
	return through, nil
}

// ask asks the proxy behind conn for a connection to address.
func (x *viaProxy) ask(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	r := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address,
		Header: http.Header{"User-Agent": {""}}, // empty: none is sent
	}
	if x.login != nil {
		basic := base64.StdEncoding.EncodeToString([]byte(x.login.user + ":" + x.login.password))
		r.Header.Set("Proxy-Authorization", "Basic "+basic)
	}
	if err := r.Write(conn); err != nil {
		return nil, unheard(ctx, err, "HTTP")
	}
	limit := &io.LimitedReader{R: conn, N: maxConnectAnswer}
	in := bufio.NewReader(limit)
	answer, err := http.ReadResponse(in, r) // its body is the tunnel: do not touch it
	if err != nil {
		return nil, explainAnswer(ctx, err, limit.N == 0)
	}
	switch status := quote(answer.Status); {
	case answer.StatusCode/100 == 2:
		return withRest(conn, in), nil
	case answer.StatusCode == http.StatusProxyAuthRequired, answer.StatusCode == http.StatusUnauthorized: // tinyproxy sends the latter
		if takes := answer.Header.Get("Proxy-Authenticate"); takes != "" {
			status += "; it takes " + quote(takes) + ", we have Basic"
		}
		return nil, x.notLetIn(status)
	default:
		return nil, fmt.Errorf("the proxy does not connect to the pool: %s; allow CONNECT to that port on the proxy, or check that the proxy can reach the pool", status)
	}
}

func explainAnswer(ctx context.Context, err error, tooLong bool) error {
	var broken net.Error
	switch {
	case tooLong:
		return fmt.Errorf("the proxy's answer is longer than %d bytes; is it an HTTP proxy?", maxConnectAnswer)
	case ctx.Err() != nil, errors.As(err, &broken), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return unheard(ctx, err, "HTTP")
	}
	return fmt.Errorf("the proxy does not speak HTTP: %s; is it a socks5:// or https:// one?", quote(err.Error()))
}

// explainProxyTLS says what the operator can do about a failed TLS handshake with a
// proxy.
func explainProxyTLS(ctx context.Context, err error) error {
	var unverified *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &unverified):
		return fmt.Errorf("the proxy's certificate cannot be verified: %w; install its authority's certificate on this machine, or accept any certificate (tls_insecure)", unverified.Err)
	case errors.As(err, &plain):
		return fmt.Errorf("the proxy does not speak TLS: %w; is it an http:// one?", err)
	}
	return unheard(ctx, err, "HTTPS")
}

// quote makes a peer's text fit for a log line.
func quote(s string) string { return fmt.Sprintf("%q", s[:min(len(s), maxQuote)]) }

// withRest returns conn, preceded by what in has already read from it: a pool may speak
// first.
func withRest(conn net.Conn, in *bufio.Reader) net.Conn {
	if in.Buffered() == 0 {
		return conn
	}
	rest, _ := in.Peek(in.Buffered())
	return &withHead{Conn: conn, head: rest}
}

// withHead is a connection with bytes to read before its own.
type withHead struct {
	net.Conn
	head []byte
}

// NetConn returns the connection, as crypto/tls's method of that name does.
func (c *withHead) NetConn() net.Conn { return c.Conn }

func (c *withHead) Read(p []byte) (int, error) {
	if len(c.head) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.head)
	if c.head = c.head[n:]; len(c.head) == 0 {
		c.head = nil // the reader's buffer is not kept
	}
	return n, nil
}
