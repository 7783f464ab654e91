package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"farmproxy/config"
	"farmproxy/plain"
)

// Host is the machine that is looked at.
type Host interface {
	// Sysctl returns a kernel setting; an error if this kernel, or this container, has
	// none of that name.
	Sysctl(name string) (string, error)
	// Disk returns the space of the file system that a path is on.
	Disk(path string) (Space, error)
	// ClockSynchronized reports whether something keeps the clock right.
	ClockSynchronized() (bool, error)
	// Stat is os.Stat.
	Stat(path string) (fs.FileInfo, error)
	// SpeaksTLS reports whether a TLS handshake succeeds at host:port, whatever the
	// certificate.
	SpeaksTLS(ctx context.Context, address string) bool
	// Now returns the time.
	Now() time.Time
}

// Space is that of a file system, in bytes, for farmproxy's user.
type Space struct{ Free, Total, FreeInodes, Inodes uint64 }

// Case is what is known of an installation.
type Case struct {
	File     string          // of the configuration
	Config   *config.Config  // nil: nothing could be made of it
	Problems config.Problems // of the file and of the machine, but not of connections to pools
	Pools    []Pool          // those that were asked
	Kernel   []Sysctl        // settings that the package ships
	Files    Files
	Dirs     []string // that farmproxy writes to
}

// Files is the limit of open files, and what it has room for.
type Files struct {
	Whose  string // "this shell", or the process that has the limit
	Limit  uint64
	Room   int    // miners
	Wanted int    // miners.max; 0: as many as there is room for
	Needed uint64 // the limit that has room for Wanted; 0: Limit has
}

// Sysctl is a kernel setting and the value that the package ships.
type Sysctl struct {
	Name string
	Want int64
}

// Examine looks at everything and returns what it found, the worst first.
func Examine(ctx context.Context, k *Case, h Host) []Finding {
	x := &examination{Case: k, host: h, ctx: ctx}
	x.configuration()
	x.private()
	x.limits()
	x.kernel()
	x.clock()
	x.disk()
	for i := range k.Pools {
		x.pool(&k.Pools[i])
	}
	slices.SortStableFunc(x.found, func(a, b Finding) int { return rank(b.State) - rank(a.State) })
	return x.found
}

func rank(s State) int { return slices.Index([]State{OK, Warning, Problem}, s) }

// examination collects findings.
type examination struct {
	*Case
	host  Host
	ctx   context.Context
	found []Finding
}

func (x *examination) add(about string, s State, says string, cure ...Step) {
	x.found = append(x.found, Finding{about, s, says, cure})
}

// fewMiners is a room for miners that was hardly meant: a shell's limit of 1,024 files.
const fewMiners = 1000

func (x *examination) limits() {
	f := x.Files
	if f.Limit == 0 {
		return
	}
	says := fmt.Sprintf("%s may open %d files, which is room for %d miners", f.Whose, f.Limit, f.Room)
	switch {
	case f.Needed > 0:
		x.add("limits", Problem, fmt.Sprintf("%s; miners.max is %d", says, f.Wanted), raise(f.Needed)...)
	case f.Room < fewMiners && f.Wanted == 0:
		x.add("limits", Warning, says, raise(1<<20)...)
	default:
		x.add("limits", OK, says)
	}
}

func raise(limit uint64) []Step {
	return []Step{do("in the unit: systemctl edit farmproxy, then [Service] and LimitNOFILE=%d, and restart farmproxy; without systemd:", limit), run("ulimit -n %d", limit)}
}

func (x *examination) kernel() {
	const file = "/etc/sysctl.d/99-farmproxy.conf"
	well := true
	for _, s := range x.Kernel {
		text, err := x.host.Sysctl(s.Name)
		if err != nil {
			continue
		}
		now, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		// A higher limit is as good; retries are the one setting that must be low.
		if err != nil || now >= s.Want && s.Name != "net.ipv4.tcp_retries2" || now == s.Want {
			continue
		}
		well = false
		x.add("kernel", Warning, fmt.Sprintf("%s is %d, the package ships %d", s.Name, now, s.Want),
			run("sysctl -w %s=%d", s.Name, s.Want), do("to keep it: install %s, which says what each setting is for", file))
	}
	if well {
		x.add("kernel", OK, "its settings are those that the package ships, or better")
	}
}

// maxDrift is how far the clock may be from a pool's: jobs carry the pool's time to the
// second, and certificates and the log need no more.
const maxDrift = 2 * time.Minute

func (x *examination) clock() {
	for _, p := range x.Pools {
		if p.Time.IsZero() {
			continue
		}
		if drift := x.host.Now().Sub(p.Time); drift > maxDrift || drift < -maxDrift {
			x.add("clock", Problem, fmt.Sprintf("this machine's clock is %v from that of %s", drift.Round(time.Second), p.Key),
				run("timedatectl set-ntp true"), do("if the pools disagree with each other, it is that pool's clock"))
			return
		}
	}
	switch synchronized, err := x.host.ClockSynchronized(); {
	case err != nil:
		x.add("clock", Warning, fmt.Sprintf("whether the clock is synchronized cannot be found out: %v", err), do("compare date -u with another machine"))
	case !synchronized:
		x.add("clock", Warning, "nothing keeps this machine's clock right: certificates will seem expired, and logs will not match the pool's",
			run("timedatectl set-ntp true"), do("or install and start chrony"))
	default:
		x.add("clock", OK, "it is synchronized")
	}
}

// How full a disk may be: SQLite and the share log stop with the last byte.
const (
	leastFree     = 100 << 20 // below this little can be written
	enoughPercent = 5         // below this a log will soon fill the rest
)

func (x *examination) disk() {
	for _, dir := range x.Dirs {
		s, err := x.host.Disk(dir)
		if err != nil || s.Total == 0 {
			continue // that it is not there is a problem of the configuration
		}
		says := fmt.Sprintf("%s has %s MB free of %s", dir, plain.Count(s.Free>>20), plain.Count(s.Total>>20))
		switch {
		case s.Inodes > 0 && s.FreeInodes == 0:
			x.add("disk", Problem, dir+" is on a file system without a free inode", run("df -i %s", dir), do("delete files there, or give %s a file system of its own", dir))
		case s.Free < leastFree:
			x.add("disk", Problem, says, run("df -h %s", dir), do("delete files there, or give %s a file system of its own", dir))
		case s.Free*100 < s.Total*enoughPercent:
			x.add("disk", Warning, says, run("df -h %s", dir), do("delete files there before it is full"))
		default:
			x.add("disk", OK, says)
		}
	}
}
