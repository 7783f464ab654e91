package upstream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"farmproxy/dial"
	"farmproxy/work"
)

// certificateUntil makes a certificate that nobody knows, and returns its fingerprint too.
func certificateUntil(t *testing.T, ends time.Time) (c tls.Certificate, fingerprint []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: ends.AddDate(-1, 0, 0), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, sum[:]
}

// shownBy returns when the certificate ends that a pool has shown; zero: none that matters.
func (f *farm) shownBy(i int) (ends time.Time) {
	if c := f.book.Pools()[i].Certificate.Load(); c != nil {
		ends = c.Ends
	}
	return ends
}

// The books have what links and probes were shown, where it matters.
func TestTheEndOfAPoolsCertificate(t *testing.T) {
	inFarm(t, "a b c", func(f *farm) {
		ends := time.Now().Add(90 * 24 * time.Hour).UTC()
		c, pin := certificateUntil(t, ends)
		f.overTLS(c)
		f.others.Pools[0].TLS = dial.TLS("a", false, pin)
		f.others.Pools[1].TLS = dial.TLS("b", false, pin)
		f.others.Pools[2].TLS = dial.TLS("c", true, nil)
		f.start()
		f.wantOn("a")
		equal(t, "of a link", f.shownBy(0), ends)
		equal(t, "of a link, pinned", f.book.Pools()[0].Certificate.Load().Pinned, true)
		equal(t, "of a probe", f.shownBy(1), ends)
		equal(t, "where any would do", f.shownBy(2), time.Time{})
	})
}

// A link outlives the certificate that it was shown: the pool is asked again, while its
// link and its health stay as they are.
func TestALinkOutlivesACertificate(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		ends := time.Now().Add(20 * 24 * time.Hour).UTC()
		old, pin := certificateUntil(t, ends)
		next, nextPin := certificateUntil(t, ends.Add(90*24*time.Hour))
		plain := f.o.Dial
		f.overTLS(old)
		before := f.o.Dial
		f.o.Dial = plain
		f.overTLS(next)
		after := f.o.Dial
		var renewed atomic.Bool
		accepted := dial.TLS("a", false, pin)
		verify := accepted.VerifyConnection
		accepted.VerifyConnection = func(s tls.ConnectionState) error { // as an authority would
			if sum := sha256.Sum256(s.PeerCertificates[0].Raw); renewed.Load() && string(sum[:]) == string(nextPin) {
				return nil
			}
			return verify(s)
		}
		f.others.Pools[0].TLS = accepted
		f.o.Dial = func(ctx context.Context, to dial.Target) (net.Conn, error) {
			if renewed.Load() {
				return after(ctx, to)
			}
			return before(ctx, to)
		}
		f.start()
		renewed.Store(true)
		day := time.Now()
		for time.Since(day) < certificateEvery {
			equal(t, "until it is asked again", f.shownBy(0), ends)
			f.pools[0].last().job(true)
			f.after(2 * time.Minute)
		}
		f.after(10 * time.Second)
		equal(t, "after a day", f.shownBy(0), ends.Add(90*24*time.Hour))
		equal(t, "links", f.book.Links()[0].Connects, uint64(1))
		equal(t, "dialled", f.pools[0].dialled(), 2)
		f.wantOn("a")

		f.pools[0].do(func() { f.pools[0].refuse = true })
		for range 25 * 30 {
			f.pools[0].every()[0].job(true)
			f.after(2 * time.Minute)
		}
		equal(t, "dialled while it refuses", f.pools[0].dialled(), 3)
		equal(t, "what is known then", f.shownBy(0), ends.Add(90*24*time.Hour))
		equal(t, "failures", f.book.Pools()[0].Failures.Load(), uint64(0))
		f.submit(1, 3)
		f.wantFate(1, 3, work.Accepted)
	})
}
