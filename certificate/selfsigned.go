package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// skew is how long before now a new certificate begins: miners' clocks may be slow.
const skew = 24 * time.Hour

// SelfSigned makes a certificate for names and addresses, signed by itself, that is valid
// for so long from now on, in PEM. It is of ECDSA with P-256: all clients of TLS 1.2 know
// that, and signing takes a tenth of RSA's time.
func SelfSigned(hosts []string, now time.Time, valid time.Duration) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	t := x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: hosts[0], Organization: []string{"farmproxy"}},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(valid),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, // signs itself: so it can be trusted as an authority
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// Write writes the files. Only the owner, and the group, can read the key. It replaces
// nothing.
func (f Files) Write(cert, key []byte) error {
	for _, x := range []struct {
		path string
		text []byte
		mode os.FileMode
	}{{f.Key, key, 0o640}, {f.Cert, cert, 0o644}} {
		file, err := os.OpenFile(x.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, x.mode)
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("%s: there is a file of that name; move it away, or name another directory", x.path)
		}
		if err != nil {
			return err
		}
		_, err = file.Write(x.text)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}
