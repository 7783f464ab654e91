package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/internal/golden"
	"farmproxy/internal/journal"
)

// What the log says when a pool fails in one way or another is a golden file, in
// testdata/outages; -rewrite writes it.
// middle is a host between the proxy and a pool, whose connections a test breaks.
type middle struct {
	t    *testing.T
	pool string
	tls  *tls.Config // that it shows its clients; nil: plain TCP
	at   string

	mu    sync.Mutex
	l     net.Listener
	conns []*net.TCPConn // from the proxy
}

func newMiddle(t *testing.T, at string, pool *benchpool.Pool, tls *tls.Config) *middle {
	t.Helper()
	m := &middle{t: t, pool: pool.Addr(), tls: tls, at: at}
	m.listen()
	t.Cleanup(m.reset)
	return m
}

func (m *middle) listen() {
	m.t.Helper()
	l, err := net.Listen("tcp", m.at)
	if err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	m.l, m.at = l, l.Addr().String()
	m.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.conns = append(m.conns, conn.(*net.TCPConn))
			m.mu.Unlock()
			go m.pass(conn)
		}
	}()
}

// pass copies both ways until one side ends.
func (m *middle) pass(conn net.Conn) {
	pool, err := net.Dial("tcp", m.pool)
	if err != nil {
		conn.Close()
		return
	}
	if m.tls != nil {
		conn = tls.Server(conn, m.tls)
	}
	go func() { io.Copy(conn, pool); conn.Close() }()
	io.Copy(pool, conn)
	pool.Close()
}

// drop resets all connections: the proxy gets an RST for each, if packets reach it.
func (m *middle) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		c.SetLinger(0)
		c.Close()
	}
	m.conns = nil
}

// reset is drop, and nobody listens any more. listen is for a network of one's own then:
// elsewhere another test may have the port meanwhile.
func (m *middle) reset() {
	m.mu.Lock()
	m.l.Close()
	m.mu.Unlock()
	m.drop()
}

// outage is a proxy whose only pool fails, and its log.
type outage struct {
	t     *testing.T
	log   journal.Journal
	miner *miner
	job   message
}

// begin starts a proxy, with one working miner unless the pool is broken from the start.
func begin(t *testing.T, m *middle, pool *benchpool.Pool, scheme string, works bool) *outage {
	t.Helper()
	o := &outage{t: t}
	p, stop := launch(t, &o.log, func(c *config.Config) {
		unchecked(c)
		c.Pools[0].Name, c.Pools[0].URL = "main", scheme+"://"+m.at
		c.Failover.Silence = 5 * time.Second
		c.Failover.BackoffMax = time.Second
		c.HTTP.Address = ""
	}, nil, pool)
	t.Cleanup(stop)
	if works {
		linked(t, p)
		o.miner = connect(t, p.server.Addresses()[0])
		_, o.job = o.miner.work("farm.rig")
		o.share(11) // its verdict comes after the answers to all that was asked in the handshake
		o.miner.answer(11)
	}
	return o
}

// share has the miner submit a share, which goes to the pool: another one for each id.
func (o *outage) share(id int) {
	o.t.Helper()
	o.miner.send(`{"id":%d,"method":"mining.submit","params":["farm.rig",%s,"00000001","65000000","%08x"]}`, id, o.job.Params[0], id)
}

func (o *outage) until(said string) {
	o.t.Helper()
	eventually(o.t, "the log says: "+said, func() bool { return o.log.Has(said) })
}

// varies matches what differs from run to run.
var varies = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`(?m)^time=\S+ `), ""},
	{regexp.MustCompile(`\b(away|since|held_until)=\S+`), "$1=*"},
	{regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+):\d+`), "$1:PORT"},
	{regexp.MustCompile(`[0-9a-f]{64}`), "FINGERPRINT"},
}

// wants compares the log with its golden file.
func (o *outage) wants(name string) {
	o.t.Helper()
	var got string
	for line := range strings.Lines(o.log.String()) {
		if strings.Contains(line, " lane=") { // the others are about the proxy
			got += line
		}
	}
	for _, v := range varies {
		got = v.what.ReplaceAllString(got, v.as)
	}
	golden.Compare(o.t, filepath.Join("testdata", "outages", name+".log"), got)
}

func TestTheLogOfAPoolThatResets(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.JobEvery = 300 * time.Millisecond })
	m := newMiddle(t, "127.0.0.1:0", pool, nil)
	o := begin(t, m, pool, "stratum+tcp", true)
	m.drop()
	o.until(`msg="link up again"`)
	o.wants("reset")
}

func TestTheLogOfAnExpiredCertificate(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	m := newMiddle(t, "127.0.0.1:0", pool, &tls.Config{Certificates: []tls.Certificate{certificateUntil(t, time.Date(2020, 2, 29, 0, 0, 0, 0, time.UTC))}})
	o := begin(t, m, pool, "stratum+tls", false)
	o.until(`msg="no pool is up`)
	o.wants("certificate_expired")
}

// certificateUntil returns a certificate for 127.0.0.1 that nobody signed.
func certificateUntil(t *testing.T, end time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pool"},
		NotBefore: end.AddDate(-1, 0, 0), NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// inNamespace tells the child of TestTheLogOfPoolsThatVanish that it is one.
const inNamespace = "FARMPROXY_TEST_NETNS"

// A pool that vanishes: its packets do, or its host has forgotten the connection. Both
// need a network of their own, which the test enters with a second process.
func TestTheLogOfPoolsThatVanish(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		t.Run("black hole", testBlackHole)
		t.Run("half open", testHalfOpen)
		return
	}
	t.Parallel()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip, of Debian's iproute2")
	}
	child := exec.Command(os.Args[0], "-test.run=^TestTheLogOfPoolsThatVanish$", "-test.v", "-rewrite="+strconv.FormatBool(golden.Rewriting()))
	child.Env = append(os.Environ(), inNamespace+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		child.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	out, err := child.CombinedOutput()
	if _, ran := err.(*exec.ExitError); err != nil && !ran {
		t.Skipf("needs a network namespace: %v", err)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("the namespace has no veth:\n%s", out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Addresses of the pool, and of the cable on which its packets are lost.
const (
	poolHost = "10.77.0.1"
	ourHost  = "10.77.0.2"
)

// network gives the namespace a host for the pool that can vanish without a trace. It
// skips where the kernel has no veth.
func network(t *testing.T) (vanish, back func()) {
	t.Helper()
	ip := func(args string) error {
		out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
		if err != nil {
			t.Logf("ip %s: %v: %s", args, err, out)
		}
		return err
	}
	must := func(args string) {
		t.Helper()
		if ip(args) != nil {
			t.FailNow()
		}
	}
	if ip("link add cable0 type veth peer name cable1") != nil {
		t.SkipNow()
	}
	must("link set lo up")
	must("addr add " + ourHost + "/24 dev cable0")
	must("link set cable0 up")
	must("link set cable1 up")
	must("neigh replace " + poolHost + " lladdr 02:00:00:00:00:77 dev cable0") // nobody's
	there := poolHost + "/32 dev lo src " + ourHost
	must("route add local " + there)
	t.Cleanup(func() { ip("route del local " + there); ip("link del cable0") })
	return func() { must("route del local " + there) }, func() { must("route add local " + there) }
}

// The pool's packets are lost, both ways, without an error from anybody.
func testBlackHole(t *testing.T) {
	vanish, back := network(t)
	pool := startPool(t, func(o *benchpool.Options) { o.JobEvery = 300 * time.Millisecond })
	m := newMiddle(t, poolHost+":3333", pool, nil)
	o := begin(t, m, pool, "stratum+tcp", true)
	vanish()
	o.until(`msg="no pool is up`)
	back()
	o.until(`msg="link up again"`)
	o.wants("black_hole")
}

// The pool's host has lost power, and is back without the connection, which it answers
// with an RST; the pool itself comes later.
func testHalfOpen(t *testing.T) {
	vanish, back := network(t)
	pool := startPool(t, nil)
	m := newMiddle(t, poolHost+":3333", pool, nil)
	o := begin(t, m, pool, "stratum+tcp", true)
	vanish()
	m.reset()
	back()
	o.share(12)
	o.until(`msg="no pool is up`)
	m.listen()
	o.until(`msg="link up again"`)
	o.wants("half_open")
}
