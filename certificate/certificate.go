package certificate

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// watchEvery is how often the files are read again: soon enough for whoever waits
	// after a change, and 20 kB each time.
	watchEvery = 5 * time.Second

	// warnBefore is how long before its end a certificate is complained about, once in
	// warnEvery: authorities' tools renew theirs earlier.
	warnBefore = 14 * 24 * time.Hour
	warnEvery  = 24 * time.Hour
)

// Certificate is a certificate from files. It changes when they do.
type Certificate struct {
	files Files
	tls   *tls.Config
	now   atomic.Pointer[tls.Certificate]

	mu     sync.Mutex // guards the following
	shown  contents   // of the files, when the certificate was made of them
	wrong  string     // with the files, at the last look
	looks  int        // that have found this wrong
	warned time.Time  // of its end
}

// Load reads a certificate.
func Load(f Files) (*Certificate, error) {
	c := &Certificate{files: f}
	read, err := f.read()
	if err != nil {
		return nil, err
	}
	pair, err := f.parse(read)
	if err != nil {
		return nil, err
	}
	c.shown = read
	c.now.Store(pair)
	c.tls = &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
	return c, nil
}

// Files returns where it comes from.
func (c *Certificate) Files() Files { return c.files }

// TLS returns the configuration of a server that shows the certificate: always the one
// that was read last. It speaks TLS 1.2 and 1.3. No session is resumed: miners' firmware
// keeps none, and a ticket costs time and bytes in each handshake. It is the same at each
// call, and must not be changed.
func (c *Certificate) TLS() *tls.Config { return c.tls }

// Ends returns until when it is valid.
func (c *Certificate) Ends() time.Time { return c.now.Load().Leaf.NotAfter }

// Fingerprint returns its SHA-256, in hexadecimal, as pools' tls_fingerprint takes it.
func (c *Certificate) Fingerprint() string { return fingerprint(c.now.Load().Certificate[0]) }

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Check reads the files again. If they have changed, and are good, new connections get
// the new certificate; if they are not good, the last one stays, and the log says why,
// once for each fault: at the second look, since a tool may write one file after the
// other. The log also says when the certificate ends soon, or has ended.
func (c *Certificate) Check(now time.Time, log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	read, err := c.files.read()
	if err == nil && read != c.shown {
		var pair *tls.Certificate
		if pair, err = c.files.parse(read); err == nil {
			c.shown, c.warned = read, time.Time{}
			c.now.Store(pair)
			log.Info("certificate read again", "cert", c.files.Cert, "valid_until", until(pair), "fingerprint", c.Fingerprint())
		}
	}
	c.complain(err, log)
	left := c.Ends().Sub(now)
	if left > warnBefore || !c.warned.IsZero() && now.Sub(c.warned) < warnEvery {
		return
	}
	c.warned = now
	if left > 0 {
		log.Warn("a certificate ends soon", "cert", c.files.Cert, "valid_until", until(c.now.Load()), "try", "renewing it; farmproxy notices when the files change")
	} else {
		log.Error("a certificate has expired: miners and clients that verify it do not connect", "cert", c.files.Cert, "valid_until", until(c.now.Load()), "try", "renewing it; farmproxy notices when the files change")
	}
}

// complain logs what is wrong with the files, if it still is. The caller holds the lock.
func (c *Certificate) complain(err error, log *slog.Logger) {
	if err == nil {
		c.wrong, c.looks = "", 0
		return
	}
	if err.Error() != c.wrong {
		c.wrong, c.looks = err.Error(), 0
	}
	if c.looks++; c.looks == 2 {
		log.Error("the certificate's files have changed and cannot be used: the last one stays in use", "error", err, "valid_until", until(c.now.Load()))
	}
}

// until returns a certificate's last moment, for display.
func until(c *tls.Certificate) string { return c.Leaf.NotAfter.UTC().Format(time.RFC3339) }

// Watch checks the certificates that list returns, now and then, until ctx ends.
func Watch(ctx context.Context, log *slog.Logger, list func() []*Certificate) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		for _, c := range list() {
			c.Check(time.Now(), log)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Describe returns what an operator wants to know of it, in words.
func (c *Certificate) Describe() string {
	leaf := c.now.Load().Leaf
	names := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return fmt.Sprintf("for %s, valid until %s, fingerprint %s", strings.Join(names, ", "), until(c.now.Load()), c.Fingerprint())
}
