package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stand is what a fleet is pointed at: a child process that listens on addr,
// and the means to send a job through it.
type stand struct {
	child *child
	addr  string
	http  string // host:port of the proxy's HTTP, "" without
	// emit sends a new job on its way, and says which and since when.
	emit  func(clean bool) (WorkKey, time.Time, error)
	pools []*Pool // behind the proxy; none behind the floor
	dir   string  // the child's files

	profiles *profiles // of the child; nil: none

	name, exe string // of the child
	args      []string
}

// Names of the files in a stand's directory.
const (
	configFile = "farmproxy.toml"
	logFile    = "child.log"
)

// proxyOptions are what a proxy's configuration is made of.
type proxyOptions struct {
	exe   string
	pools []*Pool // in order of preference
	user  string  // at all of them
	pass  bool    // each worker name goes to the pool
	agent bool    // the proxy is an agent there, which does that by itself
	http  string  // host:port, "" serves nothing
	store bool    // pools and accounts are registered; the series of the account proxy are served

	registry bool // pools and accounts may be registered beside pools
	lean     bool // no series of single workers: a scrape costs next to nothing
	easy     bool // miners may ask for the easiest difficulty
	users    bool // the names of miners say who they are at the pools, not user

	profiles string // a directory: the proxy's profiles go there; "" takes none
}

// proxyConfig is the TOML for a proxy on addr. Failover is quick, so that a
// scenario takes seconds where a farm takes minutes.
func proxyConfig(o proxyOptions, addr, stateDir string) string {
	scheme, workers := "stratum+tcp", "aggregate"
	if o.pass {
		workers = "pass"
	}
	if o.agent {
		scheme = "agent+tcp"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "state_dir = %q\n\n[[listener]]\naddress = %q\n", stateDir, addr)
	for _, p := range o.pools {
		fmt.Fprintf(&b, "\n[[pool]]\nname    = %q\nurl     = \"%s://%s\"\n", p.o.Name, scheme, p.Addr())
		if !o.users {
			fmt.Fprintf(&b, "user    = %q\n", o.user)
		}
		if p.o.Algorithm != SHA256d {
			fmt.Fprintf(&b, "algorithm = %q\n", p.o.Algorithm.Name)
		}
		if !o.agent {
			fmt.Fprintf(&b, "workers = %q\n", workers)
		}
	}
	if o.store || o.registry {
		fmt.Fprintf(&b, "\n[store]\nurl = \"sqlite://%s\"\n", filepath.Join(stateDir, "farmproxy.db"))
	}
	if o.store {
		b.WriteString("\n[metrics]\npredecessor = true\n")
	}
	if o.store || o.easy {
		fmt.Fprintf(&b, "\n[difficulty]\nmin = %v\n", EasyDifficulty)
	}
	if o.users {
		b.WriteString("\n[accounts]\nmulti_user = true\n")
	}
	if o.lean {
		b.WriteString("\n[metrics]\nper_worker = false\n")
	}
	b.WriteString("\n[failover]\nreturn_after = \"2s\"\nprobe_every  = \"1s\"\nbackoff_max  = \"1s\"\n")
	fmt.Fprintf(&b, "\n[http]\naddress = %q\n", o.http)
	return b.String()
}

// standProxy starts the proxy in front of pools.
func standProxy(ctx context.Context, o proxyOptions) (*stand, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s := &stand{addr: addr, http: o.http, pools: o.pools}
	s.emit = func(clean bool) (WorkKey, time.Time, error) {
		j := o.pools[0].Job(clean)
		return j.Key, j.Emitted, nil
	}
	return s, s.start(ctx, "proxy", o.exe, func() ([]string, error) {
		file := filepath.Join(s.dir, configFile)
		state := filepath.Join(s.dir, "state")
		if err := os.Mkdir(state, 0o755); err != nil {
			return nil, err
		}
		args := []string{"run", "-c", file}
		if o.profiles != "" {
			if err := os.MkdirAll(o.profiles, 0o755); err != nil {
				return nil, fmt.Errorf("-profile: %w", err)
			}
			s.profiles = newProfiles(o.profiles)
			args = append(args, s.profiles.flags()...)
		}
		return args, os.WriteFile(file, []byte(proxyConfig(o, addr, state)), 0o644)
	})
}

// standFloor starts the floor, whose miners get that difficulty.
func standFloor(ctx context.Context, exe string, difficulty float64) (*stand, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s := &stand{addr: addr}
	jobs := newTemplate(uint64(time.Now().UnixNano()), "floor", DefaultPoolOptions().Branches)
	s.emit = func(clean bool) (WorkKey, time.Time, error) {
		j, err := newJob(jobs.params(clean, 8, time.Now()))
		if err != nil {
			return WorkKey{}, time.Time{}, err
		}
		at := time.Now()
		if _, err := io.WriteString(s.child.stdin, "notify "+j.Params+"\n"); err != nil {
			return WorkKey{}, at, fmt.Errorf("floor: %w", err)
		}
		return j.Key, at, nil
	}
	return s, s.start(ctx, "floor", exe, func() ([]string, error) {
		return []string{"bench", "floor", "-listen", addr, "-difficulty", number(difficulty)}, nil
	})
}

// start runs the child in a directory of its own. On an error the child is
// stopped, and the directory is left for the operator to look into.
func (s *stand) start(ctx context.Context, name, exe string, args func() ([]string, error)) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "farmproxy-bench-"); err != nil {
		return err
	}
	s.name, s.exe = name, exe
	if s.args, err = args(); err != nil {
		return err
	}
	return s.launch(ctx)
}

// launch starts the child, which may be another one after the last one's end.
func (s *stand) launch(ctx context.Context) error {
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	if s.child, err = startChild(s.name, s.exe, s.args, log); err != nil {
		return err
	}
	if err := s.child.listening(ctx, s.addr); err != nil {
		s.child.stop()
		return fmt.Errorf("%w; its log is %s", err, s.log())
	}
	return nil
}

func (s *stand) log() string { return filepath.Join(s.dir, logFile) }

// stop ends the child; its files stay unless clean.
func (s *stand) stop() error {
	if s.child == nil {
		return nil
	}
	return s.child.stop()
}

// clean removes the child's files.
func (s *stand) clean() { os.RemoveAll(s.dir) }
