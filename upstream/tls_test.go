package upstream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"farmproxy/dial"
	"farmproxy/work"
)

// overTLS has the farm's pools behind TLS. The relay in between closes what the other
// side closes.
func (f *farm) overTLS(certificate tls.Certificate) {
	plain := f.o.Dial
	f.o.Dial = func(ctx context.Context, to dial.Target) (net.Conn, error) {
		pool, err := plain(ctx, to)
		if err != nil {
			return nil, err
		}
		here, there := net.Pipe()
		server := tls.Server(there, &tls.Config{Certificates: []tls.Certificate{certificate}, DynamicRecordSizingDisabled: true})
		relay := func(dst, src net.Conn) {
			io.Copy(dst, src)
			dst.Close()
		}
		go relay(server, pool)
		go relay(pool, server)
		socket := &passable{Conn: here}
		trust := to.TLS
		if trust == nil {
			trust = &tls.Config{InsecureSkipVerify: true}
		}
		client := tls.Client(&dial.Conn{Conn: socket}, trust)
		return &secured{client, socket}, client.HandshakeContext(ctx)
	}
}

// secured is a connection over TLS that says nothing at its end once its socket was passed
// on.
type secured struct {
	*tls.Conn
	socket *passable
}

func (s *secured) Close() error {
	if s.socket.passed.Load() {
		return nil
	}
	return s.Conn.Close()
}

// A link goes through TLS before a loop carries it, and after that.
func TestALinkOverTLS(t *testing.T) {
	certificate := newCertificate(t)
	inFarm(t, "a b", func(f *farm) {
		f.overTLS(certificate)
		f.start()
		f.wantOn("a")
		f.submit(1, 3)
		f.pools[0].last().job(true)
		f.after(time.Millisecond)
		equal(t, "its age", time.Since(f.latest().Job.Received), time.Millisecond)
		f.submit(4, 2*maxBatch)
		f.wantFate(1, 2*maxBatch, work.Accepted)
		f.wantTold("a-1! a-2!")
		equal(t, "shares at the pool", len(f.pools[0].shares()), 2*maxBatch)

		f.pools[0].do(func() { f.pools[0].refuse = true })
		f.pools[0].last().Close()
		f.after(time.Minute)
		f.wantOn("b")
		equal(t, "reason", *f.book.Pools()[0].LastError.Load(), "connect to a:1: connection refused")
	})
}

// What TLS has read of a record, and the handshake has not, waits for nothing else that
// comes.
func TestTheRestOfARecord(t *testing.T) {
	certificate := newCertificate(t)
	inFarm(t, "a", func(f *farm) {
		f.overTLS(certificate)
		f.pools[0].jobless = true
		f.start()
		f.pools[0].last().out <- `{"id":null,"method":"mining.set_difficulty","params":[1024]}` + "\n" +
			notify("1", true) + "\n" + bigJob("2", 2*firstBuffer) + "\n"
		f.after(time.Millisecond)
		equal(t, "the last job", f.latest().Job.PoolID, `"2"`)
	})
}
