package stand

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
)

// haproxyProgram is the byte pass-through used for comparison. It is optional: without
// it those columns stay empty.
const haproxyProgram = "haproxy"

// FindHAProxy returns the program's path, or a sentence that says what is left out
// without it.
func FindHAProxy() (path, without string) {
	path, err := exec.LookPath(haproxyProgram)
	if err != nil {
		return "", "haproxy is not installed: nothing is compared with it (apt-get install haproxy)"
	}
	return path, ""
}

// haproxyConfig passes each connection on to the pool, in one thread: what a farm would
// put in front of a pool that does the rest itself. certificate is the file of one that
// it shows to miners that connect over TLS; "": they connect without.
func haproxyConfig(addr, pool string, connections int, certificate string) string {
	if certificate != "" {
		addr += " ssl crt " + certificate
	}
	return fmt.Sprintf(`global
    nbthread 1
    maxconn %d
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen miners
    bind %s
    server pool %s
`, connections, addr, pool)
}

// HAProxy starts HAProxy in front of a pool. With a certificate, miners connect over TLS.
func HAProxy(ctx context.Context, exe string, served *pool.Pool, miners int, shown *Certificate) (*Stand, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	s := &Stand{Addr: addr, Pools: []*pool.Pool{served}}
	s.Emit = func(clean bool) (proof.WorkKey, time.Time, error) {
		j := served.Job(clean)
		return j.Key, j.Emitted, nil
	}
	return s, s.start(ctx, haproxyProgram, exe, func() ([]string, error) {
		file := filepath.Join(s.dir, "haproxy.cfg")
		const spare = 16 // the check of its port, and a miner that reconnects before its last connection is gone
		certificate := ""
		if shown != nil {
			var err error
			if _, _, certificate, err = shown.write(s.dir); err != nil {
				return nil, err
			}
		}
		return []string{"-db", "-f", file}, os.WriteFile(file, []byte(haproxyConfig(addr, served.Addr(), miners+spare, certificate)), 0o644)
	})
}
