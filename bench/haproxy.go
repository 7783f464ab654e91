package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// haproxyProgram is what a proxy that only passes bytes on is measured with. It is
// optional: without it those columns stay empty.
const haproxyProgram = "haproxy"

// findHAProxy returns the program's path, or a sentence that says what is left out
// without it.
func findHAProxy() (path, without string) {
	path, err := exec.LookPath(haproxyProgram)
	if err != nil {
		return "", "haproxy is not installed: nothing is compared with it (apt-get install haproxy)"
	}
	return path, ""
}

// haproxyMiners is how many miners fit behind HAProxy: each takes a second
// descriptor of this process, for the pool's end of its connection.
func haproxyMiners(asked int, limit uint64) int {
	return min(asked, int((limit-min(limit, descriptorReserve))/2))
}

// behindHAProxy are the options of what is measured with HAProxy. Its figures are
// entered beside those of all miners: what a share or a job costs does not depend
// on one miner in ten.
func (o runOptions) behindHAProxy() runOptions {
	o.entered = o.miners
	var files syscall.Rlimit // the runtime has raised it as far as it may be
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil {
		o.miners = haproxyMiners(o.miners, files.Cur)
	}
	return o
}

// haproxyConfig passes each connection on to the pool, in one thread: what a
// farm would put in front of a pool that does the rest itself.
func haproxyConfig(addr, pool string, connections int) string {
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

// standHAProxy starts HAProxy in front of a pool.
func standHAProxy(ctx context.Context, exe string, pool *Pool, miners int) (*stand, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s := &stand{addr: addr, pools: []*Pool{pool}}
	s.emit = func(clean bool) (WorkKey, time.Time, error) {
		j := pool.Job(clean)
		return j.Key, j.Emitted, nil
	}
	return s, s.start(ctx, haproxyProgram, exe, func() ([]string, error) {
		file := filepath.Join(s.dir, "haproxy.cfg")
		const spare = 16 // the look at its port, and a miner that comes back before its last connection is gone
		return []string{"-db", "-f", file}, os.WriteFile(file, []byte(haproxyConfig(addr, pool.Addr(), miners+spare)), 0o644)
	})
}
