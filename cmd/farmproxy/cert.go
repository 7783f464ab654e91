package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"farmproxy/certificate"
)

const certAbout = `It writes cert.pem and key.pem, and prints what to put into the configuration. HOST is a name or an address that clients use; without any, they are this machine's name and addresses. It replaces no file.

Clients that verify certificates must be told to trust cert.pem, or its fingerprint. Most miners verify nothing. farmproxy reads the files again when they change.`

// manyDays is the most that a certificate is made for: ten years.
const manyDays = 3650

func certCommand(flags *flag.FlagSet) run {
	dir := flags.String("o", ".", "the `DIRECTORY` to write to")
	days := flags.Int("days", manyDays, "how many days it is valid for")
	return func(_ context.Context, args []string, t terminal) int {
		if *days < 1 || *days > manyDays {
			return misused(t, "cert", "-days: want 1 to %d, got %d", manyDays, *days)
		}
		if err := makeCertificate(*dir, *days, args, t); err != nil {
			return failed(t, err)
		}
		return exitOK
	}
}

// makeCertificate writes a self-signed certificate.
func makeCertificate(dir string, days int, hosts []string, t terminal) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if len(hosts) == 0 {
		hosts = thisMachine()
	}
	cert, key, err := certificate.SelfSigned(hosts, time.Now(), time.Duration(days)*24*time.Hour)
	if err != nil {
		return err
	}
	files := certificate.Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	if err := files.Write(cert, key); err != nil {
		return err
	}
	c, err := certificate.Load(files)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "made a certificate %s\n\nLet farmproxy's user read %s, and add to [[listener]] or [http]:\n\n  tls = { cert = %q, key = %q }\n", c.Describe(), files.Key, files.Cert, files.Key)
	return nil
}

// thisMachine returns this machine's names and addresses.
func thisMachine() (hosts []string) {
	if name, err := os.Hostname(); err == nil && name != "" {
		hosts = append(hosts, name)
	}
	if len(hosts) == 0 || hosts[0] != "localhost" {
		hosts = append(hosts, "localhost")
	}
	addresses, _ := net.InterfaceAddrs() // without them the names are left
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			hosts = append(hosts, n.IP.String())
		}
	}
	return hosts
}
