package upstream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"farmproxy/descriptors"
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

// signed makes a certificate for a that another one has signed, with its key; nil: its own.
func signed(t *testing.T, name string, ends time.Time, by *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"a"},
		NotBefore: ends.AddDate(-1, 0, 0), NotAfter: ends, BasicConstraintsValid: true, IsCA: name != "a",
	}
	c := &tls.Certificate{PrivateKey: key, Leaf: template}
	if by == nil {
		by = c
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.Leaf, key.Public(), by.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	if c.Leaf, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	c.Certificate = [][]byte{der}
	return c
}

// A chain ends with the first of its certificates, whose name is noted: links are refused from
// then on. A pool that shows two chains is accepted until the last of them ends.
func TestTheFirstEndOfAChain(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name               string
		own, signer, other time.Duration // until the ends; other 0: there is no second chain
		want               time.Duration
		whose              string
	}{
		{"the pool's own", 10 * day, 20 * day, 0, 10 * day, ""},
		{"its signer's", 20 * day, 10 * day, 0, 10 * day, "R11"},
		{"two chains, and a signer's", 20 * day, 5 * day, 10 * day, 10 * day, "R11"},
		{"two chains, and the pool's own", 20 * day, 5 * day, 30 * day, 20 * day, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				now := time.Now().UTC()
				root := signed(t, "root", now.Add(100*day), nil)
				signer := signed(t, "R11", now.Add(c.signer), root)
				own := signed(t, "a", now.Add(c.own), signer)
				own.Certificate = append(own.Certificate, signer.Certificate[0])
				if c.other > 0 {
					again := *signer.Leaf
					again.SerialNumber, again.NotAfter = big.NewInt(2), now.Add(c.other)
					der, err := x509.CreateCertificate(rand.Reader, &again, root.Leaf, signer.PrivateKey.(*ecdsa.PrivateKey).Public(), root.PrivateKey)
					if err != nil {
						t.Fatal(err)
					}
					own.Certificate = append(own.Certificate, der)
				}
				f.overTLS(*own)
				roots := x509.NewCertPool()
				roots.AddCert(root.Leaf)
				trust := dial.TLS("a", false, nil)
				trust.RootCAs = roots
				f.others.Pools[0].TLS = trust
				f.start()
				f.wantOn("a")
				equal(t, "the end", f.shownBy(0), now.Add(c.want))
				equal(t, "whose", f.book.Pools()[0].Certificate.Load().Signer, c.whose)
				o, _ := Try(context.Background(), f.others.Pools[0], f.o.Dial, nil)
				equal(t, "the end that Try tells", o.Until, now.Add(c.want))
				equal(t, "whose that is", o.Signer, c.whose)
			})
		})
	}
}

// Without a descriptor a pool can't be asked for its certificate: it is some minutes later,
// not the next day.
func TestNoDescriptorForACertificate(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		c, pin := certificateUntil(t, time.Now().Add(90*24*time.Hour))
		f.overTLS(c)
		f.others.Pools[0].TLS = dial.TLS("a", false, pin)
		f.o.Failover.Silence = 1000 * time.Hour
		files := descriptors.New(40, 0, 16)
		f.o.Descriptors = files
		f.start()
		f.wantOn("a")
		taken := 0
		for files.Take(descriptors.Link, 1) {
			taken++
		}
		f.after(certificateEvery + time.Hour)
		equal(t, "dialled without a descriptor", f.pools[0].dialled(), 1)
		files.Give(descriptors.Link, taken)
		f.after(certificateAgain + tickServing)
		equal(t, "dialled when there are some", f.pools[0].dialled(), 2)
		f.after(certificateEvery - time.Minute)
		equal(t, "dialled until the next day", f.pools[0].dialled(), 2)
	})
}
