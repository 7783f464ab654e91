package proxy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"farmproxy/admin"
	"farmproxy/bench/fleet"
	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
)

// The tests of an upgrade have real processes: the test's binary is farmproxy's.

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "run" {
		os.Exit(runFarmproxy(os.Args[2]))
	}
	os.Exit(m.Run())
}

// behaviour is the file, beside the configuration, that says what a new process does
// wrong.
const behaviour = "behaviour"

// runFarmproxy is farmproxy run, as far as the tests need it.
func runFarmproxy(file string) int {
	queue := NewLogQueue(os.Stderr)
	defer queue.End()
	before, err := Inherited()
	if before != nil {
		misbehave(filepath.Dir(file), before)
	}
	if err == nil {
		var f *config.File
		if f, err = config.Open(file); err == nil {
			x := before.Examine(context.Background(), f)
			if broken, _ := x.Problems.Split(); len(broken) > 0 {
				before.Refuse(broken)
				return 1
			}
			err = Run(context.Background(), Start{Config: x.Config, File: f, Path: file, Log: queue, Before: before})
		}
	}
	if err != nil {
		queue.Logger().Error(err.Error())
		return 1
	}
	return 0
}

// misbehave has a new process do what the file says.
func misbehave(dir string, before *Predecessor) {
	how, _ := os.ReadFile(filepath.Join(dir, behaviour))
	switch string(how) {
	case "crashes":
		os.Exit(7)
	case "is another program":
		os.Exit(0)
	case "another format":
		fmt.Fprint(before.conn, `m{"step":"hello","format":9,"oldest":9,"version":"9.0"}`)
		select {}
	case "has few descriptors": // enough to start with
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 200, Max: 200})
	case "crashes when it has everything":
		before.complete = func() error { os.Exit(8); return nil }
	case "is killed when it has everything":
		before.complete = func() error { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
	case "says no when it has everything":
		before.complete = func() error { return errors.New("no, thanks") }
	}
}

// ownProcess is farmproxy in a process of its own.
type ownProcess struct {
	t       *testing.T
	file    string
	socket  string
	address string // of miners
	web     string
	pids    []int // of all that have served
}

// startOwn starts one that works at a pool.
func startOwn(t *testing.T, pool *benchpool.Pool, more string) *ownProcess {
	t.Helper()
	return startOwnAt(t, "stratum+tcp://"+pool.Addr(), more)
}

// startOwnAt is startOwn with the pool's URL.
func startOwnAt(t *testing.T, url, more string) *ownProcess {
	t.Helper()
	dir := t.TempDir()
	b := &ownProcess{t: t, file: filepath.Join(dir, "farmproxy.toml"), socket: filepath.Join(dir, "admin"), address: free(t), web: free(t)}
	b.configure(fmt.Sprintf("[[pool]]\nurl = %q\nuser = \"farm\"\n%s", url, more))
	cmd := exec.Command(os.Args[0], "run", b.file)
	cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		for _, pid := range b.pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // the last one; the others are gone
		}
		<-ended
		if t.Failed() {
			t.Log(log.String())
		}
	})
	b.pids = append(b.pids, cmd.Process.Pid)
	eventually(t, "farmproxy answers", func() bool { return b.status().PID == cmd.Process.Pid })
	return b
}

// frees is how many addresses free has returned.
var frees atomic.Uint32

// free returns an address that nobody else takes before a process listens there: hosts
// are numbered by process and call, and those who connect do so from 127.0.0.1.
func free(t *testing.T) string {
	t.Helper()
	pid := os.Getpid()
	host := net.IPv4(127, byte(1+pid>>8%200), byte(pid), byte(1+frees.Add(1)%250))
	l, err := net.Listen("tcp", host.String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (b *ownProcess) configure(rest string) {
	b.t.Helper()
	text := fmt.Sprintf("state_dir = %q\n[[listener]]\naddress = %q\n[http]\naddress = %q\n[admin]\nsocket = %q\n%s", filepath.Dir(b.file), b.address, b.web, b.socket, rest)
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// behave has the next process do something wrong; "": nothing.
func (b *ownProcess) behave(how string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(b.file), behaviour), []byte(how), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// boxStatus is what the tests look at of it.
type boxStatus struct {
	PID    int
	Miners int
	Shares struct {
		Accepted uint64
	}
}

func (b *ownProcess) status() (s boxStatus) {
	reply, err := http.Get("http://" + b.web + "/api/v1/status")
	if err != nil {
		return s
	}
	defer reply.Body.Close()
	_ = json.NewDecoder(reply.Body).Decode(&s)
	return s
}

// upgrade has a new process take over.
func (b *ownProcess) upgrade() (u Upgraded, err error) {
	b.t.Helper()
	answer, err := admin.Do(b.t.Context(), b.socket, "upgrade", nil, nil)
	if err == nil {
		err = json.Unmarshal(answer, &u)
	}
	if err == nil {
		b.pids = append(b.pids, u.PID)
	}
	return u, err
}

// Hand-overs again and again, while miners work: a line comes in two halves to two
// processes, jobs reach everybody, and the pool sees one link.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Listen = free(t) }) // no other test's farmproxy looks for its pool there
	b := startOwn(t, pool, "")
	m := connect(t, b.address)
	m.work("farm.rig")
	for range 3 {
		fmt.Fprint(m.conn, `{"id":50,"method":"mining.p`) // the rest comes to the other process
		before := b.status()
		u, err := b.upgrade()
		if err != nil {
			t.Fatal(err)
		}
		if u.Miners != int64(before.Miners) || u.PID == before.PID {
			t.Errorf("the upgrade: %+v; before: %+v", u, before)
		}
		m.send(`ing","params":[]}`)
		if _, msg := m.answer(50); string(msg.Result) != `"pong"` {
			t.Errorf("a line in two halves is answered with %s", msg.Result)
		}
		eventually(t, "the new process answers", func() bool { return b.status().PID == u.PID })
		if s := b.status(); s.Miners != before.Miners {
			t.Errorf("after the upgrade: %+v; before: %+v", s, before)
		}
		pool.Job(true)
		m.notification("mining.notify")
		connect(t, b.address).work("farm.late")
	}
	if n := pool.Opened(); n != 1 {
		t.Errorf("the pool has seen %d links", n)
	}
}

// A miner over TLS can't be handed over: it is asked to come back, and finds its session.
func TestUpgradeWithTLS(t *testing.T) {
	t.Parallel()
	files, roots := certified(t, t.TempDir(), time.Hour)
	secure := free(t)
	b := startOwn(t, startPool(t, nil), fmt.Sprintf("[[listener]]\naddress = %q\ntls.cert = %q\ntls.key = %q\n", secure, files.Cert, files.Key))
	m := mustConnectTLS(t, secure, roots)
	subscribed, _ := m.work("farm.secure")
	if _, err := b.upgrade(); err != nil {
		t.Fatal(err)
	}
	m.notification("client.reconnect")
	m.wantClosed()
	m = mustConnectTLS(t, secure, roots)
	m.send(`{"id":2,"method":"mining.subscribe","params":["test",%s]}`, sessionIn(t, subscribed))
	if _, again := m.answer(2); string(again.Result) != string(subscribed.Result) {
		t.Errorf("the miner that came back has %s, before %s", again.Result, subscribed.Result)
	}
}

// sessionIn returns the id with which a miner resumes what mining.subscribe has answered.
func sessionIn(t *testing.T, subscribed message) string {
	t.Helper()
	var result []json.RawMessage
	var subscriptions [][]json.RawMessage
	if err := json.Unmarshal(subscribed.Result, &result); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(result[0], &subscriptions); err != nil {
		t.Fatal(err)
	}
	return string(subscriptions[0][1])
}

// overTLS returns the address of a pool over TLS.
func overTLS(t *testing.T, pool *benchpool.Pool) string {
	t.Helper()
	files, _ := certified(t, t.TempDir(), time.Hour)
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", free(t), &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		to.Close()
	}
	go func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", pool.Addr())
			if err != nil {
				here.Close()
				continue
			}
			go carry(here, there)
			go carry(there, here)
		}
	}()
	return l.Addr().String()
}

// Over links with TLS, whatever a far pool accepts its miner is told, though hundreds of
// verdicts are on their way at each switch.
func TestUpgradeOfLinksOverTLS(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.AnswerDelay = 300 * time.Millisecond })
	b := startOwnAt(t, "stratum+tls://"+overTLS(t, pool), "tls_insecure = true\n")
	miners := b.fleet(0)
	for range 3 {
		if _, err := b.upgrade(); err != nil {
			t.Fatal(err)
		}
		b.more(miners)
	}
	miners.SetRate(0)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := miners.Settle(ctx); err != nil {
		t.Error(err)
	}
	x, at := miners.Books().Total(), pool.Books().Total()
	if x.Disconnects+x.Unanswered+x.Garbage+x.Failures > 0 || x.Accepted != at.Accepted {
		t.Errorf("the miners: %+v; %s; the pool: %+v", x, miners.Books().LastTrouble(), at)
	}
	for reason := range x.Reasons { // a new link is a clean job
		if !strings.HasSuffix(reason, "Stale share") {
			t.Errorf("the miners are told %v", x.Reasons)
		}
	}
	if s := b.status(); s.Shares.Accepted != uint64(x.Accepted) {
		t.Errorf("%d shares are counted as accepted, want %d", s.Shares.Accepted, x.Accepted)
	}
}

// working is a box with a fleet of miners that really mine.
func working(t *testing.T, agents int) (*ownProcess, *fleet.Fleet, *benchpool.Pool) {
	t.Helper()
	pool := startPool(t, nil)
	b := startOwn(t, pool, "")
	return b, b.fleet(agents), pool
}

// fleet is one of 50 miners at work.
func (b *ownProcess) fleet(agents int) *fleet.Fleet {
	b.t.Helper()
	o := fleet.DefaultOptions(b.address)
	o.Miners, o.Rate, o.Behind = 50, 300, agents
	miners := connectFleet(b.t, o)
	b.more(miners)
	return miners
}

// more waits until so many more shares have been accepted that each miner had some.
func (b *ownProcess) more(miners *fleet.Fleet) {
	b.t.Helper()
	before := miners.Books().Total().Accepted
	eventually(b.t, "shares are accepted", func() bool { return miners.Books().Total().Accepted > before+100 })
}

// wantWhole fails unless the books of both sides agree: no miner was disconnected, and
// no share is lost, refused or doubled.
func wantWhole(t *testing.T, b *ownProcess, miners *fleet.Fleet, pool *benchpool.Pool) {
	t.Helper()
	miners.SetRate(0)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := miners.Settle(ctx); err != nil {
		t.Error(err)
	}
	x, at := miners.Books().Total(), pool.Books().Total()
	if x.Disconnects+x.Refused+x.Unanswered+x.Garbage+x.Failures > 0 || x.Accepted != x.Submits {
		t.Errorf("the miners: %+v; %s", x, miners.Books().LastTrouble())
	}
	if len(at.Refused) > 0 || at.Accepted == 0 {
		t.Errorf("the pool: %+v", at)
	}
	if s := b.status(); s.Shares.Accepted != uint64(x.Accepted) {
		t.Errorf("%d shares are counted as accepted, want %d", s.Shares.Accepted, x.Accepted)
	}
}

func TestUpgradeUnderLoad(t *testing.T) {
	t.Parallel()
	for name, agents := range map[string]int{"miners": 0, "miners of two agents": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, miners, pool := working(t, agents)
			for range 3 {
				u, err := b.upgrade()
				if err != nil {
					t.Fatal(err)
				}
				if u.Miners != 50 {
					t.Errorf("%+v", u)
				}
				b.more(miners)
			}
			wantWhole(t, b, miners, pool)
		})
	}
}

// Whatever the new process does wrong, the old one goes on as if nothing had been, and
// says why.
func TestUpgradesThatFail(t *testing.T) {
	t.Parallel()
	b, miners, pool := working(t, 0)
	before := b.status().PID
	for _, test := range []struct{ how, says string }{
		{"crashes", "exit status 7"},
		{"is another program", "it did nothing, and ended with exit status 0: is " + os.Args[0] + " a farmproxy?"},
		{"another format", "restart it, or let its miners go with farmproxy lame-duck first"},
		{"has few descriptors", "the limit of open files is too low"},
		{"crashes when it has everything", "exit status 8"},
		{"is killed when it has everything", "signal: killed"},
		{"says no when it has everything", "no, thanks"},
	} {
		b.behave(test.how)
		if _, err := b.upgrade(); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: the operator is told %v, want %q", test.how, err, test.says)
		}
		if pid := b.status().PID; pid != before {
			t.Fatalf("%s: process %d serves", test.how, pid)
		}
		b.more(miners)
	}
	b.configure("[[pool]]\nurl = \"http://nothing\"\n")
	b.behave("")
	if _, err := b.upgrade(); err == nil || !strings.Contains(err.Error(), "pool[1].url") {
		t.Errorf("with a broken file the operator is told %v", err)
	}
	b.more(miners)
	wantWhole(t, b, miners, pool)
}
