package dial

import (
	"bytes"
	"cmp"
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

// Certificate says when the certificates end that a target has shown.
type Certificate struct {
	Ends   time.Time
	Signer string // whose end that is: one that has signed the target's own, or signed such a one; "": its own
	Pinned bool   // the target's own was accepted because it is pinned
}

// Shown returns when what a target has shown conn is accepted no more: when the first
// certificate ends of the chain that was verified. A target that changes its authority shows
// several chains: the one that lasts longest counts. false: it matters to nobody, since conn
// uses no TLS, or any certificate would have done.
func Shown(conn net.Conn, t Target) (c Certificate, matters bool) {
	over, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	if !ok || t.TLS == nil {
		return c, false
	}
	state := over.ConnectionState()
	c.Pinned = t.TLS.VerifyConnection != nil
	if len(state.PeerCertificates) == 0 || t.TLS.InsecureSkipVerify && !c.Pinned {
		return c, false
	}
	c.Ends = state.PeerCertificates[0].NotAfter
	for i, chain := range state.VerifiedChains { // none where it is pinned, whoever signed it
		if ends, signer := firstEnd(chain); i == 0 || ends.After(c.Ends) {
			c.Ends, c.Signer = ends, signer
		}
	}
	return c, true
}

// firstEnd returns when the first certificate of a chain ends, and its name; "": it is the
// first one.
func firstEnd(chain []*x509.Certificate) (ends time.Time, signer string) {
	ends = chain[0].NotAfter
	for _, x := range chain[1:] {
		if x.NotAfter.Before(ends) {
			ends, signer = x.NotAfter, cmp.Or(x.Subject.CommonName, x.Subject.String(), "without a name")
		}
	}
	return ends, signer
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
