package upstream

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/dial"
)

// What a pool does, and the report about it.
func TestTry(t *testing.T) {
	f := func(change func(*scripted), user, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s := newScripted("a")
			change(s)
			connect := func(ctx context.Context, t dial.Target) (net.Conn, error) { return s.dial(ctx, t.Address) }
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			o, err := Try(ctx, at("a", user), connect, nil)
			got := fmt.Sprintf("%d bytes, mask %08x, difficulty %v, job %v", o.Extranonce2, o.Mask, o.Difficulty, o.Job > 0)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, want) {
				t.Errorf("%s\nwant %s", got, want)
			}
			for _, c := range s.every() {
				c.Close()
			}
		})
	}
	late := func(c *conn, r request) bool {
		c.reply(r.ID, `"result":true,"error":null`)
		time.Sleep(time.Second)
		c.say(`{"id":null,"method":"mining.set_difficulty","params":[512]}`)
		c.job(true)
		return true
	}
	f(func(s *scripted) { s.size, s.mask, s.on = 8, "1fffe000", onAuthorize(late) }, "farm", "8 bytes, mask 1fffe000, difficulty 512, job true")
	f(func(s *scripted) { s.size = 4; s.mask = ""; s.on = onAuthorize(late) }, "farm", "4 bytes, mask 00000000, difficulty 512, job true")
	f(func(s *scripted) { s.refuse = true }, "farm", "connect to a:1: ")
	f(func(s *scripted) { s.badUser = "farm" }, "farm", `refused user "farm"`)
	f(func(s *scripted) { s.jobless = true }, "farm", "no mining.notify within 15s")
	f(func(s *scripted) { s.mute = true }, "farm", "mining.subscribe got no answer within 15s")
	f(func(s *scripted) { s.hole = true }, "farm", "connect to a:1: ")

	// Without a user, because the miners name it themselves, a refusal is not a fault.
	f(func(s *scripted) { s.size, s.mask, s.badUser = 8, "1fffe000", "" }, "", "8 bytes, mask 1fffe000")
	f(func(s *scripted) { s.refuse = true }, "", "connect to a:1: ")
}

func onAuthorize(f func(*conn, request) bool) map[string]func(*conn, request) bool {
	return map[string]func(*conn, request) bool{"mining.authorize": f}
}

// The certificate is shown, so that it can be pinned.
func TestTryShowsTheCertificate(t *testing.T) {
	certificate := newCertificate(t)
	connect := func(ctx context.Context, _ dial.Target) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { // hangs up after TLS
			server := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{certificate}})
			server.Handshake()
			io.CopyN(io.Discard, server, 1)
			theirs.Close()
		}()
		c := tls.Client(ours, dial.TLS("a", true, nil))
		return c, c.HandshakeContext(ctx)
	}
	o, err := Try(t.Context(), at("a", "farm"), connect, nil)
	if want := fmt.Sprintf("%x", sha256.Sum256(certificate.Certificate[0])); err == nil || o.Certificate != want {
		t.Errorf("%q, %v; want %s", o.Certificate, err, want)
	}
}
