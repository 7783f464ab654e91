package check

import (
	"context"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"farmproxy/config"
)

// Machine is the machine that a configuration is meant for.
type Machine interface {
	// Lookup resolves a name.
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
	// Bind returns why the address can't be listened on, or nil if it can.
	Bind(address string) error
	// Addresses returns the machine's own.
	Addresses() []netip.Addr
	// Farmproxy reports whether a farmproxy serves its web endpoints at address.
	Farmproxy(ctx context.Context, address string) bool
	// Stat is os.Stat.
	Stat(path string) (fs.FileInfo, error)
	// Writable returns why this user can't write there, or nil if it can.
	Writable(path string) error
	// Head returns the first n bytes of a file, or as many as it has.
	Head(path string, n int) ([]byte, error)
	// Channel returns why a channel of alerts can't be used: the key, and what is wrong
	// with its value.
	Channel(*config.Channel) error

	// Tokens returns what is wrong with a token file, one line per fault.
	Tokens(path string) error
	// Certificate returns until when the certificate in two files is valid, or why they
	// can't be used.
	Certificate(cert, key string) (until time.Time, err error)
	// StateDirectory returns the directory that the service manager made for the
	// service, or "".
	StateDirectory() string
}

// lookupTime bounds all name lookups together: they run at the same time.
const lookupTime = 5 * time.Second

// checker collects problems.
type checker struct {
	ctx     context.Context
	config  *config.Config
	machine Machine
	known   config.Problems // keys that already have a problem are not judged
	start   bool            // see Config
	found   config.Problems

	hosts   map[string]resolved
	running *bool // a farmproxy serves config.HTTP.Address; nil: not checked yet
}

// resolved is the result of a lookup.
type resolved struct {
	addresses []netip.Addr
	err       error
}

// Config returns what is wrong with a configuration on a machine, except for the
// problems already known. start means that farmproxy is about to serve miners: pool
// names are then not looked up, which may take seconds, and problems with the store's
// files are warnings, because pools that need no account are served without the store.
func Config(ctx context.Context, c *config.Config, known config.Problems, m Machine, start bool) config.Problems {
	k := &checker{ctx: ctx, config: c, machine: m, known: known, start: start}
	k.resolve()
	for i, l := range c.Listeners {
		k.listener(listenerKey(i), l.Address)
	}
	if c.HTTP.Address != "" {
		k.listener("http.address", c.HTTP.Address)
	}
	for i := range c.Pools {
		k.pool(i, &c.Pools[i])
	}
	k.stateDir()
	k.shareLog()
	k.store()
	k.tokens()
	k.channels()
	k.socket()
	k.certificates()
	return k.found
}

func (k *checker) problem(key, value, want, try string) {
	k.found = append(k.found, config.Problem{Key: key, Value: value, Want: want, Try: try})
}

// passing adds a problem that may pass while the configuration stays as it is.
func (k *checker) passing(key, value, want, try string) {
	k.found = append(k.found, config.Problem{Key: key, Value: value, Want: want, Try: try, Passing: true})
}

// storeProblem adds a problem that does not keep farmproxy from starting.
func (k *checker) storeProblem(key, want, try string) {
	k.found = append(k.found, config.Problem{Key: key, Want: want, Try: try, Warning: k.start})
}

func (k *checker) warning(key, value, want, try string) {
	k.found = append(k.found, config.Problem{Key: key, Value: value, Want: want, Try: try, Warning: true})
}

// resolve looks up all names that matter.
func (k *checker) resolve() {
	k.hosts = make(map[string]resolved)
	note := func(address string) {
		host, _, err := net.SplitHostPort(address)
		if err == nil && host != "" {
			k.hosts[host] = resolved{}
		}
	}
	for _, l := range k.config.Listeners {
		note(l.Address)
	}
	note(k.config.HTTP.Address)
	for i := range k.config.Pools {
		if p := &k.config.Pools[i]; k.asks(p) {
			note(p.Address())
		}
	}
	ctx, cancel := context.WithTimeout(k.ctx, lookupTime)
	defer cancel()
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, host := range slices.Collect(maps.Keys(k.hosts)) {
		asking.Go(func() {
			var r resolved
			if ip, err := netip.ParseAddr(host); err == nil {
				r.addresses = []netip.Addr{ip}
			} else {
				r.addresses, r.err = k.machine.Lookup(ctx, host)
			}
			for i := range r.addresses {
				r.addresses[i] = r.addresses[i].Unmap()
			}
			mu.Lock()
			defer mu.Unlock()
			k.hosts[host] = r
		})
	}
	asking.Wait()
}
