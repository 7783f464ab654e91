package proxy

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"farmproxy/config"
	"farmproxy/descriptors"
)

// Accounts, of the store or of the miners' names, open links when they come.
func TestLinksThatMinersBringAlong(t *testing.T) {
	f := func(name string, change func(*config.Config), onDemand, kept int) {
		t.Helper()
		c := &config.Config{Pools: []config.Pool{{Mode: config.ModeAggregate, Links: 2}}}
		change(c)
		if n, k := links(c, 1500); n != onDemand || k != kept {
			t.Errorf("%s: %d on demand, %d kept; want %d, %d", name, n, k, onDemand, kept)
		}
	}
	f("agents that connect", func(*config.Config) {}, 93, 93+13+6)
	f("users", func(c *config.Config) { c.Accounts.MultiUser = true }, 700, 806)
	f("a store", func(c *config.Config) { c.Store.URL = "sqlite:///a.db" }, 700, 806)
	backups := func(c *config.Config) {
		c.Pools = append(c.Pools, config.Pool{Name: "b"}, config.Pool{Name: "c"})
		c.Audit.QuietLinks = true
	}
	f("quiet links to two backups", backups, 93, 93+13+6+2)
	f("and one to a pool of three", func(c *config.Config) { backups(c); c.Audit.Except = []string{"b", "c"} }, 93, 93+13+6+1)
	f("none where miners bring their users along", func(c *config.Config) { backups(c); c.Accounts.MultiUser = true }, 700, 806)
	f("goals", func(c *config.Config) {
		c.Pools[0].Name = "a"
		c.Pools = append(c.Pools, config.Pool{Name: "b", Links: 1}, config.Pool{Name: "unused", Links: 64})
		c.Routes = []config.Route{
			{Goals: []config.Goal{{Pools: []string{"a", "b"}}, {Pools: []string{"b"}}}},
			{Goals: []config.Goal{{Pools: []string{"a", "of a broken file"}}}},
		}
	}, 93, 93+13+3*(2+1+2))
	f("a direct pool", func(c *config.Config) { c.Pools[0].Mode = config.ModeDirect }, 700, 806)
}

// With a limit of 256 farmproxy refused every miner, and its log said only that links wait.
func TestALimitWithNoRoomForMinersIsAnError(t *testing.T) {
	c := &config.Config{Listeners: make([]config.Listener, 1), Pools: []config.Pool{{Links: 1}}, HTTP: config.HTTP{Address: "127.0.0.1:0"}}
	for limit, wanted := range map[uint64]bool{200: true, 20000: false} {
		var out strings.Builder
		total := descriptors.New(limit, standing(c, unshared(), 2), 0).Total()
		_, kept := links(c, total)
		tellRoom(slog.New(slog.NewTextHandler(&out, nil)), c, maxMiners(c, total-kept), limit, total)
		if got := strings.Contains(out.String(), "level=ERROR"); got != wanted {
			t.Errorf("a limit of %d: an error is %v, want %v: %s", limit, got, wanted, out.String())
		}
	}
}

// A limit that leaves less room than miners.max is a warning, and the limit that it
// gives is enough, and not one more than that.
func TestLessRoomThanMinersMax(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"a pool":      func(*config.Config) {},
		"links":       func(c *config.Config) { c.Pools[0].Links = 7 },
		"users":       func(c *config.Config) { c.Accounts.MultiUser = true },
		"a store":     func(c *config.Config) { c.Store.URL = "sqlite:///a.db" },
		"direct":      func(c *config.Config) { c.Pools[0].Mode = config.ModeDirect },
		"no HTTP":     func(c *config.Config) { c.HTTP.Address = "" },
		"many miners": func(c *config.Config) { c.Miners.Max = 200_000 },
	} {
		c := &config.Config{Listeners: make([]config.Listener, 1), Pools: []config.Pool{{Links: 1}}, HTTP: config.HTTP{Address: "127.0.0.1:0"}}
		c.Miners.Max = 10_000
		change(c)
		tell := func(limit uint64) string {
			var out strings.Builder
			total := descriptors.New(limit, standing(c, unshared(), 2), 0).Total()
			_, kept := links(c, total)
			tellRoom(slog.New(slog.NewTextHandler(&out, nil)), c, maxMiners(c, total-kept), limit, total)
			return out.String()
		}
		warned := tell(4096)
		_, text, found := strings.Cut(strings.TrimSpace(warned), "file_limit_needed=")
		enough, err := strconv.ParseUint(text, 10, 64)
		if !found || err != nil || !strings.Contains(warned, "level=WARN") || !strings.Contains(warned, "raise LimitNOFILE") {
			t.Fatalf("%s: the log: %s", name, warned)
		}
		// How many descriptors are open in the test process may change by a few meanwhile.
		if said := tell(enough + 8); said != "" {
			t.Errorf("%s: with the limit %d: %s", name, enough, said)
		}
		if tell(enough-8) == "" {
			t.Errorf("%s: with a limit below %d nothing is said", name, enough)
		}
	}
}

// The limit of the proxy that TestDescriptorsRunOut runs, how many come, and how many
// find room at least: none of them works, so that half of the places are theirs.
const (
	fewFiles  = 512
	manyUsers = 300
	fewUsers  = 80
)

// TestProxyWithFewDescriptors is no test, but the process that TestDescriptorsRunOut
// looks at: the limit is a process's.
func TestProxyWithFewDescriptors(t *testing.T) {
	pools := os.Getenv("FARMPROXY_TEST_POOLS")
	if pools == "" {
		t.Skip("a part of TestDescriptorsRunOut")
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: fewFiles, Max: fewFiles}); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Listeners = []config.Listener{{Address: "127.0.0.1:0"}}
	c.HTTP.Address = ""
	c.Accounts.MultiUser = true
	c.Failover.ReturnAfter, c.Failover.ProbeEvery = time.Millisecond, time.Millisecond
	for i, address := range strings.Split(pools, ",") {
		c.Pools = append(c.Pools, config.Pool{Name: fmt.Sprintf("pool%d", i), URL: "stratum+tcp://" + address, Password: "x", Workers: config.WorkersAggregate, Links: 1, Algorithm: "sha256d", Mode: config.ModeAggregate})
	}
	p, err := newProxy(c, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-p.server.Booted()
		fmt.Println("serves", p.server.Addresses()[0])
		bufio.NewScanner(os.Stdin).Scan() // until the parent closes it
		cancel()
	}()
	if err := p.serve(ctx); err != nil {
		t.Fatal(err)
	}
	fmt.Println("stopped in order")
}

// More users than there are descriptors for, each of whom takes two, and a failover
// and back, where each link's successor takes one more: the proxy lives, and whoever
// was let in works.
func TestDescriptorsRunOut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	main, backup := startPool(t, nil), startPool(t, nil)
	child := exec.Command(os.Args[0], "-test.run=^TestProxyWithFewDescriptors$", "-test.v")
	child.Env = append(os.Environ(), "FARMPROXY_TEST_POOLS="+main.Addr()+","+backup.Addr())
	child.Stderr = os.Stderr
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	said := func(what string) string {
		t.Helper()
		for lines.Scan() {
			if _, rest, found := strings.Cut(lines.Text(), what); found {
				return strings.TrimSpace(rest)
			}
		}
		t.Fatalf("the proxy ended before it said %q", what)
		return ""
	}
	address := said("serves")

	users := letUsersIn(t, address)
	main.Stop()
	nextJobOf(users, "the main pool is gone")
	if err := main.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "links move back, a few at a time", func() bool { return main.Links() > 3 })
	for _, u := range users {
		u.wantAlive()
	}
	in.Close()
	said("stopped in order")
	if err := child.Wait(); err != nil {
		t.Errorf("the proxy ended with %v", err)
	}
}

// letUsersIn brings users to their first job, all at the same time, and returns them
// when there are as many as there must be room for. The others go on waiting.
func letUsersIn(t *testing.T, address string) (in []*miner) {
	t.Helper()
	working := make(chan *miner, manyUsers)
	for i := range manyUsers {
		conn, err := dialFrom(i, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, `{"id":2,"method":"mining.subscribe","params":["test"]}`+"\n"+`{"id":3,"method":"mining.authorize","params":["user%d.rig","x"]}`+"\n", i)
		m := &miner{t, conn, bufio.NewReader(conn)}
		go func() {
			for {
				if line, err := m.in.ReadString('\n'); err != nil {
					return // it was turned away
				} else if strings.Contains(line, `"method":"mining.notify"`) {
					working <- m
					return
				}
			}
		}()
	}
	for len(in) < fewUsers {
		select {
		case m := <-working:
			in = append(in, m)
		case <-time.After(patience):
			t.Fatalf("%d users were let in with %d descriptors, want %d at least", len(in), fewFiles, fewUsers)
		}
	}
	return in
}

// dialFrom connects from an address of its own for each i: newcomers of one address
// that do not work would have to wait for each other.
func dialFrom(i int, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}}
	return d.Dial("tcp", address)
}

// nextJobOf waits until each user has another clean job.
func nextJobOf(users []*miner, after string) {
	var all sync.WaitGroup
	for _, u := range users {
		all.Go(func() {
			for {
				u.conn.SetReadDeadline(time.Now().Add(patience))
				line, err := u.in.ReadString('\n')
				if err != nil {
					u.t.Errorf("%s: a user has no job: %v", after, err)
					return
				}
				if strings.Contains(line, "mining.notify") && strings.Contains(line, ",true]") {
					return
				}
			}
		})
	}
	all.Wait()
}
