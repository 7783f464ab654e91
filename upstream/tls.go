package upstream

import "crypto/tls"

// TLSConfig returns how to verify the pool at host.
func TLSConfig(host string, insecure bool, fingerprint []byte) *tls.Config {
	return &tls.Config{ServerName: host}
}
