package dial

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"time"
)

// TLS returns how the pool at host must prove its identity. By default its certificate
// is verified against the system's authorities. With a fingerprint (SHA-256 of the leaf
// certificate, DER) exactly that certificate is accepted, whoever signed it. insecure
// accepts any.
func TLS(host string, insecure bool, fingerprint []byte) *tls.Config {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	switch {
	case len(fingerprint) > 0:
		c.InsecureSkipVerify = true // VerifyConnection does it instead
		c.VerifyConnection = func(s tls.ConnectionState) error {
			leaf := s.PeerCertificates[0]
			if got := sha256.Sum256(leaf.Raw); !bytes.Equal(got[:], fingerprint) {
				return fmt.Errorf("the pool's certificate does not match tls_fingerprint: its fingerprint is %s; if the pool has a new certificate, use that fingerprint; otherwise someone is intercepting the link", hex.EncodeToString(got[:]))
			}
			return nil
		}
	case insecure:
		c.InsecureSkipVerify = true
	}
	return c
}

// Shown returns the certificate that conn was shown by a target, and whether it was
// accepted because it is pinned. nil: it matters to nobody, since conn uses no TLS or any
// certificate would have done.
func Shown(conn net.Conn, t Target) (leaf *x509.Certificate, pinned bool) {
	c, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	if !ok || t.TLS == nil {
		return nil, false
	}
	pinned = t.TLS.VerifyConnection != nil
	list := c.ConnectionState().PeerCertificates
	if len(list) == 0 || t.TLS.InsecureSkipVerify && !pinned {
		return nil, false
	}
	return list[0], pinned
}

// explainTLS says what the operator can do about a rejected certificate.
func explainTLS(err error) error {
	var v *tls.CertificateVerificationError
	if !errors.As(err, &v) || len(v.UnverifiedCertificates) == 0 {
		return Bare(err)
	}
	return fmt.Errorf("the pool's certificate cannot be verified: %w; if it is the right one, pin it: tls_fingerprint = %q", timeless(v.Err), Fingerprint(v.UnverifiedCertificates[0]))
}

// timeless returns an error that does not change with the clock, so that the log says it
// once: x509 puts the time into that of an expired certificate.
func timeless(err error) error {
	var x x509.CertificateInvalidError
	if !errors.As(err, &x) || x.Reason != x509.Expired || x.Cert == nil {
		return err
	}
	return &expired{err, x.Cert}
}

// expired is an error about a certificate that is not valid now.
type expired struct {
	error
	certificate *x509.Certificate
}

func (e *expired) Error() string {
	return fmt.Sprintf("it is valid from %s to %s; check this machine's clock, and ask the pool to renew it",
		e.certificate.NotBefore.Format(time.DateOnly), e.certificate.NotAfter.Format(time.DateOnly))
}

func (e *expired) Unwrap() error { return e.error }

// Fingerprint returns a certificate's fingerprint as tls_fingerprint takes it.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
