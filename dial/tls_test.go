package dial

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"net"
	"testing"
	"time"
)

// newCertificate makes a certificate for localhost that no authority signed.
func newCertificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// selfSigned starts a TLS listener with a self-signed certificate for localhost.
func selfSigned(t *testing.T) (address string, fingerprint []byte) {
	certificate := newCertificate(t)
	sum := sha256.Sum256(certificate.Certificate[0])
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func(c net.Conn) {
				c.Write([]byte("hello\n"))
				c.Close()
			}(c)
		}
	}()
	return listener.Addr().String(), sum[:]
}

func TestCertificates(t *testing.T) {
	address, sum := selfSigned(t)
	other := append([]byte{sum[0] ^ 1}, sum[1:]...)
	alike := append(append([]byte{}, sum[:len(sum)-1]...), sum[len(sum)-1]^1)
	for _, q := range []struct {
		name        string
		insecure    bool
		fingerprint []byte
		want        []string // in the error; none: the certificate is accepted
	}{
		{"by default a self-signed certificate is refused", false, nil, []string{"tls_fingerprint", hex.EncodeToString(sum)}},
		{"pinned", false, sum, nil},
		{"another one is pinned", false, other, []string{"tls_fingerprint", hex.EncodeToString(sum)}},
		{"one that differs in the last byte is pinned", false, alike, []string{"tls_fingerprint", hex.EncodeToString(sum)}},
		{"its first byte is pinned", false, sum[:1], []string{"tls_fingerprint", hex.EncodeToString(sum)}},
		{"insecure", true, nil, nil},
		{"a pin holds also when insecure", true, other, []string{"tls_fingerprint"}},
	} {
		t.Run(q.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), Timeout)
			defer cancel()
			conn, err := Direct(ctx, Target{Address: address, TLS: TLS("localhost", q.insecure, q.fingerprint)})
			if err == nil {
				shown, matters := Shown(conn, Target{TLS: TLS("localhost", q.insecure, q.fingerprint)})
				equal(t, "it is pinned", shown.Pinned, q.fingerprint != nil)
				equal(t, "it matters", matters, q.fingerprint != nil)
				conn.Close()
			}
			if err == nil != (q.want == nil) {
				t.Fatalf("error %v", err)
			}
			for _, part := range q.want {
				wantPart(t, "error", err.Error(), part)
			}
		})
	}
}

func TestAnotherHostOfTheDomainShowsItsOwnName(t *testing.T) {
	p := Target{Address: "a.pool.example:1", Host: "a.pool.example", TLS: TLS("a.pool.example", false, nil)}
	q := p.At("b.pool.example:2")
	equal(t, "server name", q.TLS.ServerName, "b.pool.example")
	equal(t, "the pool's own", p.TLS.ServerName, "a.pool.example")
}
