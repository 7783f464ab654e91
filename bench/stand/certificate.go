package stand

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificate is what a child shows to miners that connect over TLS.
type Certificate struct {
	Cert, Key string      // in PEM
	Client    *tls.Config // of the miners, who verify it
}

// NewCertificate makes a certificate for loopback. The miners offer what firmware does:
// TLS 1.3, without the key exchanges of the last years.
func NewCertificate() (*Certificate, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	t := x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, &private.PublicKey, private)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c := &Certificate{
		Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
		Client: &tls.Config{
			RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1",
			CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
		},
	}
	c.Client.RootCAs.AppendCertsFromPEM([]byte(c.Cert))
	return c, nil
}

// write writes the certificate into a directory, in two files and, for HAProxy, in one.
func (c *Certificate) write(dir string) (cert, key, both string, err error) {
	cert, key, both = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "both.pem")
	for path, text := range map[string]string{cert: c.Cert, key: c.Key, both: c.Cert + c.Key} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", "", "", err
		}
	}
	return cert, key, both, nil
}
