package proxy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/api"
	"farmproxy/certificate"
	"farmproxy/config"
	"farmproxy/netloop"
	"farmproxy/systemd"
)

// machine implements check.Machine for this machine.
type machine struct{}

// askTime bounds the check whether a farmproxy runs here.
const askTime = 2 * time.Second

func (machine) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func (machine) Bind(address string) error { return netloop.Probe(address) }

func (machine) Addresses() (list []netip.Addr) {
	addresses, _ := net.InterfaceAddrs() // without them loopback is still known
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p.Addr().Unmap())
		}
	}
	return list
}

// Farmproxy requests something that only farmproxy answers: /readyz needs no token.
func (machine) Farmproxy(ctx context.Context, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	at := net.JoinHostPort(host, port) + "/readyz"
	return isFarmproxy(ctx, "http://"+at) || isFarmproxy(ctx, "https://"+at)
}

func isFarmproxy(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	client := http.Client{Transport: &http.Transport{ // ignores the environment's proxy
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // it is only asked what it is
	}}
	reply, err := client.Do(request)
	if err != nil {
		return false
	}
	defer reply.Body.Close()
	var answer struct {
		Ready *bool
		Store *string
	}
	err = json.NewDecoder(io.LimitReader(reply.Body, 1<<16)).Decode(&answer)
	return err == nil && answer.Ready != nil && answer.Store != nil
}

func (machine) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

func (machine) Writable(path string) error { return unix.Access(path, unix.W_OK) }

func (machine) Head(path string, n int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, n)
	read, err := io.ReadFull(f, head)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		err = nil
	}
	return head[:read], err
}

// Channel implements check.Machine.
func (machine) Channel(c *config.Channel) error {
	_, err := channelOf(c)
	return err
}

func (machine) Tokens(path string) error {
	_, err := api.LoadTokens(path)
	return err
}

func (machine) Certificate(cert, key string) (time.Time, error) {
	c, err := certificate.Load(certificate.Files{Cert: cert, Key: key})
	if err != nil {
		return time.Time{}, err
	}
	return c.Ends(), nil
}

func (machine) StateDirectory() string { return systemd.StateDirectory() }
