package farmproxy_test

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
	"testing"
)

// An event loop carries thousands of miners: anything that waits on it holds all of
// them up. So everything reachable from its entry points must be known not to wait: our
// own code, what is in harmless, and nothing else. And nobody may wait while holding a
// lock that loops take.

// onLoops are the functions by which gnet enters an event loop. Work posted by others
// comes through mailbox.call, which these reach. OnTick and OnBoot run on other
// goroutines.
var onLoops = []string{"netloop.Server.OnOpen", "netloop.Server.OnTraffic", "netloop.Server.OnClose", "netloop.loop.Run"}

// loopPackages are those whose types may stand behind foreign interfaces on a loop: our
// implementations of gnet.Conn or net.Conn.
var loopPackages = []string{"netloop", "session", "upstream", "dial", "transport", "codec", "codec/agent", "stats", "work", "descriptors"}

// harmless are foreign packages, types, functions and methods that never wait, with the
// reason if it is not obvious. Everything below an entry is harmless too.
var harmless = map[string]string{
	"bytes": "", "cmp": "", "encoding/binary": "", "encoding/hex": "", "errors": "", "hash": "", "hash/fnv": "", "hash/maphash": "",
	"maps": "", "math": "", "math/bits": "", "math/rand/v2": "", "net/netip": "", "slices": "", "strconv": "", "strings": "",
	"sync/atomic": "", "unicode/utf8": "", "crypto/sha256": "", "crypto/sha512": "",
	"golang.org/x/crypto/blake2s": "", "golang.org/x/crypto/sha3": "",
	"encoding/json.Valid": "", "error.Error": "",
	"fmt.Errorf": "", "fmt.Sprint": "", "fmt.Sprintf": "",
	"time.Duration": "", "time.Time": "", "time.Now": "", "time.Since": "",

	"golang.org/x/crypto/scrypt.Key": "Checker knows slow algorithms too; netloop hands their shares to the hasher's goroutines",
	"regexp":                         "of RE2: linear in a name of 256 bytes, see naming.maxSteps",
	"encoding/csv":                   "of text that is compiled in, once",
	"unique.Make":                    "a table of the runtime's, with locks held for a lookup", "unique.Handle.Value": "",
	"runtime.GOMAXPROCS": "once in a process: hasher.begin",
	"runtime.Gosched":    "the rest at the end of a turn",

	"github.com/bytedance/sonic": "",

	"log/slog.Logger": "proxy writes the log through LogQueue, which leaves lines out rather than wait",

	"bufio.NewReader":                "of bytes in memory: see netloop/proxyheader.go",
	"github.com/pires/go-proxyproto": "reads the header out of memory",

	"sync.Mutex": "see the test of locks", "sync.RWMutex": "see the test of locks",
	"sync.Cond.Signal": "", "sync.Cond.Broadcast": "", "container/list": "", "sync.OnceFunc": "what it calls is looked at as well", "sync.OnceValue": "the same", "sync.WaitGroup.Go": "begins a goroutine", "sync.WaitGroup.Done": "",
	"time.Sleep":         "of a loop that stands still: it is being handed over to another process",
	"time.AfterFunc":     "a goroutine, later",
	"context.Background": "", "context.Context.Err": "", "context.WithCancel": "", "context.WithCancelCause": "the cancel function of a link; whoever waits for it is another goroutine",

	"github.com/panjf2000/gnet/v2.Conn": "", "github.com/panjf2000/gnet/v2.Reader": "", "github.com/panjf2000/gnet/v2.Socket": "",
	"github.com/panjf2000/gnet/v2.Writer":            "sockets do not block; what the kernel does not take is kept",
	"github.com/panjf2000/gnet/v2.EventLoop.Close":   "of the loop itself",
	"github.com/panjf2000/gnet/v2.EventLoop.Execute": "puts a task into the loop's queue",

	"golang.org/x/sys/unix.NsecToTimespec": "",
	"golang.org/x/sys/unix.RawSyscall":     "pause: the rest at the end of a turn, 12 ms at most",
	"golang.org/x/sys/unix.RawSyscall6":    "send: MSG_DONTWAIT",
	"golang.org/x/sys/unix.SetsockoptInt":  "",
	"golang.org/x/sys/unix.Shutdown":       "",
	"os.File.Write":                        "a bell's rope: a socket that does not block",
	"os.File.Close":                        "a bell's rope",

	"io.Writer.Write": "gnet's, see above",
	"net.Conn.Read":   "transport.socket: what was received", "net.Conn.Write": "transport.socket: it collects what is to be sent",
	"crypto/tls.Server": "only makes it", "crypto/tls.Conn.HandshakeContext": "on a coroutine, over transport.socket: it stops where the rest has yet to come",
	"iter.Pull":                             "goes on with that coroutine, and comes back when it stops",
	"a func value of unknown origin: yield": "of iter.Pull: the coroutine stops, and whoever had it go on does so",
	"sync.Pool.Get":                         "", "sync.Pool.Put": "",
	"net.TCPAddr": "", "net.JoinHostPort": "", "net.SplitHostPort": "",
}

// relied are the entries of harmless that were used.
var relied = make(map[string]bool)

func isHarmless(name string) bool {
	for {
		if _, is := harmless[name]; is {
			relied[name] = true
			return true
		}
		i := strings.LastIndexAny(name, "./")
		if i < 0 {
			return false
		}
		if name[i] == '/' && !strings.HasPrefix(name, "github.com/bytedance/sonic/") {
			return false
		}
		name = name[:i]
	}
}

func TestNothingThatWaitsIsOnAnEventLoop(t *testing.T) {
	p := loadProgram(t, "cmd/farmproxy")
	byName := make(map[string]*function)
	for _, f := range p.funcs {
		byName[f.name] = f
	}
	var entries []*function
	for _, name := range onLoops {
		f := byName[name]
		if f == nil {
			t.Fatalf("%s is no function; see onLoops in loops_test.go", name)
		}
		entries = append(entries, f)
	}
	from := reach(entries...)
	t.Logf("%d functions are on event loops", len(from))
	bad := make(map[string]string)
	locked := make(map[types.Object]*function)
	for f := range from {
		for _, c := range f.calls {
			if c.foreign != "" && !isHarmless(c.foreign) {
				bad[c.foreign] = fmt.Sprintf("%v: %s", p.fset.Position(c.pos), path(f, from))
			}
		}
		for _, l := range f.locks {
			locked[l.mutex] = f
		}
	}
	p.checkLocks(locked, from, bad)
	for name := range harmless {
		if !relied[name] {
			t.Errorf("%s is in harmless (loops_test.go), and on no event loop; take it out", name)
		}
	}
	names := make([]string, 0, len(bad))
	for name := range bad {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Errorf("%s can be reached on an event loop, and is not known not to wait; have another goroutine do it, or say in harmless (loops_test.go) why nobody waits for it\n\tat %s", name, bad[name])
	}
}

// checkLocks adds to bad every wait of a function that holds a lock that loops take.
func (p *program) checkLocks(locked map[types.Object]*function, onLoop map[*function]*function, bad map[string]string) {
	for _, f := range p.funcs {
		for _, l := range f.locks {
			taker, shared := locked[l.mutex]
			if !shared {
				continue
			}
			for _, c := range f.calls {
				if c.pos <= l.begin || c.pos >= l.end {
					continue
				}
				note := func(foreign string, g *function, within map[*function]*function) {
					if foreign != "" && !isHarmless(foreign) && foreign != "sync.Cond.Wait" { // Wait releases the lock
						bad[fmt.Sprintf("%s while it holds %s, which %s takes: %s", f.name, l.mutex.Name(), taker.name, foreign)] =
							fmt.Sprintf("%v: %s; the lock: %s", p.fset.Position(c.pos), path(g, within), path(taker, onLoop))
					}
				}
				note(c.foreign, f, nil)
				within := reach(c.to...)
				for g := range within {
					for _, further := range g.calls {
						note(further.foreign, g, within)
					}
				}
			}
		}
	}
}

// reach returns the functions reachable from entries, each with its caller.
func reach(entries ...*function) map[*function]*function {
	from := make(map[*function]*function)
	for _, f := range entries {
		from[f] = nil
	}
	for queue := slices.Clone(entries); len(queue) > 0; queue = queue[1:] {
		for _, c := range queue[0].calls {
			for _, g := range c.to {
				if _, seen := from[g]; !seen {
					from[g] = queue[0]
					queue = append(queue, g)
				}
			}
		}
	}
	return from
}

// path returns how a function is reached.
func path(f *function, from map[*function]*function) string {
	var list []string
	for ; f != nil; f = from[f] {
		list = append(list, f.name)
	}
	slices.Reverse(list)
	return strings.Join(list, " > ")
}
