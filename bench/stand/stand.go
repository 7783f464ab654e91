package stand

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
)

// Stand is what a fleet is pointed at: a child process that listens on Addr,
// and the means to send a job through it.
type Stand struct {
	Child *Child
	Addr  string
	HTTP  string // host:port of the proxy's HTTP, "" without
	// Emit sends a new job, and returns which one and when.
	Emit  func(clean bool) (proof.WorkKey, time.Time, error)
	Pools []*pool.Pool // behind the proxy; none behind the floor
	dir   string       // the child's files

	Profiles *Profiles // the child's; nil: none

	name, exe string // of the child
	args      []string
	program   string // that was installed; commands use it; "": none was
	disk      string // where the state has a disk of its own; "": nowhere
	noDisk    error  // why it has none
	options   ProxyOptions
}

// Names of the files in a stand's directory.
const (
	configFile = "farmproxy.toml"
	logFile    = "child.log"
)

// ProxyOptions determine a proxy's configuration.
type ProxyOptions struct {
	Exe    string
	Pools  []*pool.Pool // in order of preference
	User   string       // at all of them
	Pass   bool         // each worker name is passed to the pool
	Agent  bool         // the proxy is an agent there, which implies Pass
	Direct bool         // each miner has a link of its own
	HTTP   string       // host:port, "" serves nothing
	Store  bool         // pools and accounts are registered; the account proxy's series are served

	Registry bool // pools and accounts may be registered in addition to Pools
	Lean     bool // no series per worker: a scrape costs next to nothing; and no history, which has a budget of its own
	Easy     bool // miners may ask for the easiest difficulty
	Users    bool // miners' names, not User, are the users at the pools

	Weights []float64 // the miners are divided among as many of the pools, as goals of SplitRoute with the pools' names, and the other pools are backups of each; nil: Pools are in order of preference

	Shown *Certificate // to miners, who connect over TLS; nil: they connect without

	Profiles string // directory for the proxy's profiles; "" takes none

	Installed bool // the program is copied, so that another one can take its place
	SmallDisk bool // the state has a small disk of its own, if that can be: see FillDisk
}

// SplitRoute is the route of a proxy with ProxyOptions.Weights.
const SplitRoute = "hall"

// proxyConfig returns the TOML for a proxy on addr. Failover is fast, so that a
// scenario takes seconds where a farm takes minutes.
func proxyConfig(o ProxyOptions, addr, stateDir string) string {
	scheme, workers := "stratum+tcp", "aggregate"
	if o.Pass {
		workers = "pass"
	}
	if o.Agent {
		scheme = "agent+tcp"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "state_dir = %q\n\n[[listener]]\naddress = %q\n", stateDir, addr)
	if o.Shown != nil {
		fmt.Fprintf(&b, "tls = { cert = %q, key = %q }\n", filepath.Join(stateDir, "cert.pem"), filepath.Join(stateDir, "key.pem"))
	}
	for _, p := range o.Pools {
		fmt.Fprintf(&b, "\n[[pool]]\nname    = %q\nurl     = \"%s://%s\"\n", p.Options().Name, scheme, p.Addr())
		if !o.Users {
			fmt.Fprintf(&b, "user    = %q\n", o.User)
		}
		if p.Options().Algorithm != proof.SHA256d {
			fmt.Fprintf(&b, "algorithm = %q\n", p.Options().Algorithm.Name)
		}
		if !o.Agent {
			fmt.Fprintf(&b, "workers = %q\n", workers)
		}
		if o.Direct {
			b.WriteString("mode    = \"direct\"\n")
		}
	}
	for i, weight := range o.Weights {
		if i == 0 {
			fmt.Fprintf(&b, "\n[[route]]\nname = %q\n", SplitRoute)
		}
		name := o.Pools[i].Options().Name
		fmt.Fprintf(&b, "\n[[route.goal]]\nname   = %q\nweight = %v\npools  = [%q", name, weight, name)
		for _, backup := range o.Pools[len(o.Weights):] {
			fmt.Fprintf(&b, ", %q", backup.Options().Name)
		}
		b.WriteString("]\n")
	}
	if o.Store || o.Registry {
		fmt.Fprintf(&b, "\n[store]\nurl = \"sqlite://%s\"\n", filepath.Join(stateDir, "farmproxy.db"))
	}
	if o.Store {
		b.WriteString("\n[metrics]\npredecessor = true\n")
	}
	if o.Store || o.Easy {
		fmt.Fprintf(&b, "\n[difficulty]\nmin = %v\n", proof.EasyDifficulty)
	}
	if o.Users {
		b.WriteString("\n[accounts]\nmulti_user = true\n")
	}
	if o.Lean {
		b.WriteString("\n[metrics]\nper_worker = false\n\n[history]\nenabled = false\n")
	}
	b.WriteString("\n[failover]\nreturn_after = \"2s\"\nprobe_every  = \"1s\"\nbackoff_max  = \"1s\"\n")
	fmt.Fprintf(&b, "\n[http]\naddress = %q\n", o.HTTP)
	return b.String()
}

// Proxy starts the proxy in front of pools.
func Proxy(ctx context.Context, o ProxyOptions) (*Stand, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	s := &Stand{Addr: addr, HTTP: o.HTTP, Pools: o.Pools, options: o}
	s.Emit = func(clean bool) (proof.WorkKey, time.Time, error) {
		j := o.Pools[0].Job(clean)
		return j.Key, j.Emitted, nil
	}
	err = s.start(ctx, "proxy", o.Exe, func() ([]string, error) {
		if o.Installed {
			s.program = o.Exe
			if err := s.Reinstall(); err != nil {
				return nil, err
			}
			s.exe = filepath.Join(s.dir, installed)
		}
		file := filepath.Join(s.dir, configFile)
		state := filepath.Join(s.dir, "state")
		if err := os.Mkdir(state, 0o755); err != nil {
			return nil, err
		}
		if o.SmallDisk {
			s.mount(state)
		}
		if o.Shown != nil {
			if _, _, _, err := o.Shown.write(state); err != nil {
				return nil, err
			}
		}
		args := []string{"run", "-c", file}
		if o.Profiles != "" {
			if err := os.MkdirAll(o.Profiles, 0o755); err != nil {
				return nil, fmt.Errorf("-profile: %w", err)
			}
			s.Profiles = newProfiles(o.Profiles)
			args = append(args, s.Profiles.flags()...)
		}
		return args, os.WriteFile(file, []byte(proxyConfig(o, addr, state)), 0o644)
	})
	if err != nil {
		err = errors.Join(err, s.unmount())
	}
	return s, err
}

// Floor starts the floor, whose miners get that difficulty.
func Floor(ctx context.Context, exe string, difficulty float64) (*Stand, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	s := &Stand{Addr: addr}
	jobs := proof.NewTemplate(uint64(time.Now().UnixNano()), "floor", pool.DefaultOptions().Branches)
	s.Emit = func(clean bool) (proof.WorkKey, time.Time, error) {
		j, err := proof.NewJob(jobs.Params(clean, 8, time.Now()))
		if err != nil {
			return proof.WorkKey{}, time.Time{}, err
		}
		at := time.Now()
		if _, err := io.WriteString(s.Child.stdin, "notify "+j.Params+"\n"); err != nil {
			return proof.WorkKey{}, at, fmt.Errorf("floor: %w", err)
		}
		return j.Key, at, nil
	}
	return s, s.start(ctx, "floor", exe, func() ([]string, error) {
		return []string{"bench", "floor", "-listen", addr, "-difficulty", proof.Number(difficulty)}, nil
	})
}

// start runs the child in a new directory. On an error the child is stopped, and the
// directory remains for the operator to inspect.
func (s *Stand) start(ctx context.Context, name, exe string, args func() ([]string, error)) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "farmproxy-bench-"); err != nil {
		return err
	}
	s.name, s.exe = name, exe
	if s.args, err = args(); err != nil {
		return err
	}
	return s.Launch(ctx)
}

// Launch starts the child, or a new one after the last one has ended.
func (s *Stand) Launch(ctx context.Context) error {
	log, err := os.OpenFile(s.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	if s.Child, err = startChild(s.name, s.exe, s.args, log); err != nil {
		return err
	}
	if err := s.Child.listening(ctx, s.Addr); err != nil {
		s.Child.stop()
		return fmt.Errorf("%w; its log is %s", err, s.LogFile())
	}
	return nil
}

// LogFile returns the file with the child's output.
func (s *Stand) LogFile() string { return filepath.Join(s.dir, logFile) }

// Stop ends the child; its files stay until Clean.
func (s *Stand) Stop() error {
	if s.Child == nil {
		return nil
	}
	return errors.Join(s.Child.stop(), s.unmount())
}

// Clean removes the child's files.
func (s *Stand) Clean() { os.RemoveAll(s.dir) }
