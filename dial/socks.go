package dial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/net/proxy"
)

// socks connects to the pool at address through a SOCKS5 proxy (RFC 1928,
// 1929), which resolves its name.
func (x *viaProxy) socks(ctx context.Context, address string) (net.Conn, error) {
	var auth *proxy.Auth
	if x.login != nil {
		auth = &proxy.Auth{User: x.login.user, Password: x.login.password}
	}
	var bottom lastDialed
	d, err := proxy.SOCKS5("tcp", x.address, auth, &bottom)
	if err != nil {
		return nil, err
	}
	if _, err := d.(proxy.ContextDialer).DialContext(ctx, "tcp", address); err != nil {
		if bottom.conn != nil {
			forsake(ctx, bottom.conn)
		}
		return nil, x.explainSOCKS(ctx, err)
	}
	return bottom.conn, nil // package proxy's wrapper around it does nothing any more
}

// lastDialed dials, and remembers the connection.
type lastDialed struct{ conn net.Conn }

// Dial implements proxy.Dialer. Nobody calls it.
func (d *lastDialed) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext implements proxy.ContextDialer.
func (d *lastDialed) DialContext(ctx context.Context, _, address string) (conn net.Conn, err error) {
	d.conn, err = tcp.dial(ctx, address)
	return d.conn, err
}

// explainSOCKS says what the operator can do about an error of package proxy, whose
// errors differ only in their texts.
func (x *viaProxy) explainSOCKS(ctx context.Context, err error) error {
	var outer, inner *net.OpError
	if errors.As(err, &outer) {
		err = outer.Err // without both addresses: we name them
	}
	if errors.As(err, &inner) && inner.Op == "dial" {
		return unreachable(err)
	}
	text := err.Error()
	reply, refused := strings.CutPrefix(text, "unknown error ")
	switch {
	case refused:
		return fmt.Errorf("the proxy does not connect to the pool: %s; allow that on the proxy, or check that the proxy can reach the pool", reply)
	case strings.HasSuffix(text, "authentication failed"), strings.HasPrefix(text, "no acceptable authentication"):
		return x.notLetIn(text)
	case ctx.Err() != nil, inner != nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrDeadlineExceeded):
		return unheard(ctx, err, "SOCKS5")
	}
	return fmt.Errorf("the proxy does not speak SOCKS5: %w; is it an http:// or https:// one?", err)
}
