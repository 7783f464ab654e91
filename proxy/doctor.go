package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/check"
	"farmproxy/config"
	"farmproxy/descriptors"
	"farmproxy/doctor"
	"farmproxy/systemd"
	"farmproxy/upstream"
)

// Diagnose looks at an installation as farmproxy doctor does: the file, this machine, and
// its pools, which are asked for a job. running is the process id of the farmproxy that
// runs; 0: none is known.
func Diagnose(ctx context.Context, f *config.File, running int) []doctor.Finding {
	return diagnose(ctx, f, running, host{})
}

// installed is a machine with everything that check and doctor look at.
type installed interface {
	check.Machine
	doctor.Host
}

func diagnose(ctx context.Context, f *config.File, running int, h installed) []doctor.Finding {
	c, problems := f.Check()
	k := &doctor.Case{File: f.Path(), Config: c, Kernel: shippedSysctls()}
	if c == nil {
		k.Problems = f.Place(nil)
		return doctor.Examine(ctx, k, h)
	}
	found := check.Config(ctx, c, problems, h, false)
	through, err := dialer(proxies(&c.Proxies), slog.New(slog.DiscardHandler))
	if err != nil && !problems.Within("proxies") {
		found = append(found, config.Problem{Key: "proxies.urls", Want: err.Error()})
	}
	if err == nil {
		answers := askPools(ctx, c, slices.Concat(problems, unresolved(found)), through)
		k.Pools = doctorsPools(c, answers)
		found = append(found, routesOf(c, answers)...)
	}
	k.Problems = slices.DeleteFunc(f.Place(found), func(p config.Problem) bool { return strings.HasPrefix(p.Want, check.OwnPort) })
	k.Files = fileRoom(c, running)
	k.Dirs = writtenDirs(c)
	return doctor.Examine(ctx, k, h)
}

// unresolved makes problems of warnings about pools' names: it is no use to ask those.
func unresolved(found config.Problems) (list config.Problems) {
	for _, p := range found {
		p.Warning = p.Warning && !(strings.HasPrefix(p.Key, "pool[") && strings.HasSuffix(p.Key, ".url"))
		list = append(list, p)
	}
	return list
}

func shippedSysctls() (list []doctor.Sysctl) {
	for _, s := range systemd.Sysctls() {
		list = append(list, doctor.Sysctl{Name: s.Name, Want: s.Value})
	}
	return list
}

func doctorsPools(c *config.Config, answers []*asked) (list []doctor.Pool) {
	for i, a := range answers {
		if a == nil {
			continue
		}
		configured := &c.Pools[i]
		p := doctor.Pool{Key: poolKey(i), URL: configured.URL, Address: configured.Address(), End: a.Until, Signer: a.Signer, Time: a.Time}
		if a.err == nil {
			p.Offer = offer(&a.Offer)
		} else {
			p.Err = errors.New(hide(a.err.Error(), string(configured.Password)))
			_, p.Refused = errors.AsType[*upstream.Refusal](a.err)
			p.Unreachable = unreachable(a.err)
		}
		list = append(list, p)
	}
	return list
}

// unreachable reports whether no connection came about.
func unreachable(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// fileRoom returns the limit of open files, of the farmproxy that runs if there is one,
// and how many miners it has room for.
func fileRoom(c *config.Config, running int) (r doctor.Files) {
	r.Whose = "a farmproxy started from here"
	var own unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &own) == nil {
		r.Limit = own.Max // farmproxy raises its own to it
	}
	if limit, err := limitOf(running); err == nil {
		r.Whose, r.Limit = fmt.Sprintf("the running farmproxy, process %d,", running), limit
	}
	loops := c.Miners.Loops
	if loops == 0 {
		loops = runtime.GOMAXPROCS(0)
	}
	total := descriptors.New(r.Limit, standing(c, unshared(), loops), 0).Total()
	_, kept := links(c, total)
	r.Room, r.Wanted = maxMiners(c, total-kept), c.Miners.Max
	if r.Room < r.Wanted {
		r.Needed = enoughFiles(c, r.Wanted, r.Limit-uint64(total))
	}
	return r
}

// limitOf returns the limit of open files of a process.
func limitOf(pid int) (uint64, error) {
	if pid <= 0 {
		return 0, fs.ErrNotExist
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if fields := strings.Fields(rest); len(fields) > 1 {
				return strconv.ParseUint(fields[1], 10, 64)
			}
		}
	}
	return 0, fs.ErrNotExist
}

// writtenDirs returns the directories that farmproxy writes to, each once.
func writtenDirs(c *config.Config) (dirs []string) {
	for _, dir := range []string{stateDir(c), c.ShareLog.Dir, filepath.Dir(c.Store.SQLiteFile())} {
		if dir != "" && dir != "." && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// host implements doctor.Host for this machine.
type host struct{ machine }

func (host) Now() time.Time { return time.Now() }

func (host) Sysctl(name string) (string, error) {
	text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	return string(text), err
}

func (host) Disk(path string) (s doctor.Space, err error) {
	var f unix.Statfs_t
	if err := unix.Statfs(path, &f); err != nil {
		return s, err
	}
	return doctor.Space{Free: f.Bavail * uint64(f.Bsize), Total: f.Blocks * uint64(f.Bsize), FreeInodes: f.Ffree, Inodes: f.Files}, nil
}

func (host) ClockSynchronized() (bool, error) {
	var t unix.Timex // no modes: it only reads
	state, err := unix.Adjtimex(&t)
	return state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, err
}

// handshakeTime bounds the question whether a pool speaks TLS.
const handshakeTime = 5 * time.Second

func (host) SpeaksTLS(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
