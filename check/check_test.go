package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"farmproxy/config"
)

// box is a machine described by strings: anything not listed does not exist.
type box struct {
	names    map[string]string // host to addresses, separated by spaces
	bound    map[string]error  // addresses that can't be listened on
	own      string            // addresses
	running  bool              // a farmproxy
	dirs     string            // directories, separated by spaces
	files    map[string]string // path to text
	readOnly string            // paths that can't be written
	secret   string            // a path that can't be read
	tokens   error
	channel  error
	state    string
	certs    map[string]time.Duration // certificates, and for how long they are valid

	mu    sync.Mutex
	asked []string // names
}

func (b *box) Lookup(_ context.Context, host string) ([]netip.Addr, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, host)
	if text, ok := b.names[host]; ok {
		return addrs(text), nil
	}
	return nil, errors.New("no such host")
}

func addrs(text string) (list []netip.Addr) {
	for a := range strings.FieldsSeq(text) {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}

func (b *box) Bind(address string) error                        { return b.bound[address] }
func (b *box) Addresses() []netip.Addr                          { return addrs(b.own) }
func (b *box) Farmproxy(_ context.Context, address string) bool { return b.running }
func (b *box) Tokens(string) error                              { return b.tokens }
func (b *box) Channel(*config.Channel) error                    { return b.channel }
func (b *box) StateDirectory() string                           { return b.state }

func (b *box) Certificate(cert, key string) (time.Time, error) {
	left, ok := b.certs[cert]
	if !ok {
		return time.Time{}, errors.New(cert + ": no such file")
	}
	return time.Now().Add(left), nil
}

func (b *box) Stat(path string) (fs.FileInfo, error) {
	if text, ok := b.files[path]; ok {
		return info{size: int64(len(text))}, nil
	}
	for dir := range strings.FieldsSeq(b.dirs) {
		if dir == path {
			return info{dir: true}, nil
		}
	}
	return nil, fs.ErrNotExist
}

func (b *box) Writable(path string) error {
	if path == b.readOnly {
		return syscall.EACCES
	}
	return nil
}

func (b *box) Head(path string, n int) ([]byte, error) {
	if path == b.secret {
		return nil, fs.ErrPermission
	}
	text := b.files[path]
	return []byte(text[:min(n, len(text))]), nil
}

type info struct {
	fs.FileInfo
	dir  bool
	size int64
}

func (i info) IsDir() bool { return i.dir }
func (i info) Size() int64 { return i.size }

const listens = "[[listener]]\naddress = '0.0.0.0:3333'\n"

// poolAt returns a [[pool]] with this address.
func poolAt(address string) string {
	return fmt.Sprintf("[[pool]]\nurl = 'stratum+tcp://%s'\nuser = 'farm'\n", address)
}

// look returns what is reported about a text on a machine, one problem per line.
func look(t *testing.T, b *box, text string, start bool) string {
	t.Helper()
	path := t.TempDir() + "/farm.toml"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := config.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c, known := f.Check()
	if c == nil {
		t.Fatalf("%s: %v", text, known)
	}
	all := f.Place(Config(t.Context(), c, known, b, start))
	return strings.ReplaceAll(all.Error(), path+":", "")
}

// wants compares the report with want; "" means no problem.
func wants(t *testing.T, b *box, text, want string) {
	t.Helper()
	got := look(t, b, text, false)
	if want == "" && got != "" || !strings.Contains(got, want) || strings.Count(got, "\n") > strings.Count(want, "\n") {
		t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
	}
}

func TestListeners(t *testing.T) {
	f := func(address string, b *box, want string) {
		t.Helper()
		if b.names == nil {
			b.names = map[string]string{"pool.farm": "10.9.9.9"}
		}
		wants(t, b, "[[listener]]\naddress = '"+address+"'\n"+poolAt("pool.farm:3333"), want)
	}
	no := func(address string, err error) *box {
		return &box{bound: map[string]error{address: os.NewSyscallError("bind", err)}}
	}
	f("0.0.0.0:3333", &box{}, "")
	f(":0", &box{}, "")
	f("edge.farm:3333", &box{}, `2: listener[1].address = "edge.farm:3333": this name does not resolve: no such host; try "0.0.0.0:3333", or another address of this machine`)
	f("edge.farm:3333", &box{names: map[string]string{"edge.farm": "10.0.0.7", "pool.farm": "10.9.9.9"}}, "")
	f("0.0.0.0:3333", no("0.0.0.0:3333", syscall.EADDRINUSE), `another program has this port; try another port, or ss -ltnp 'sport = :3333'`)
	f("0.0.0.0:3333", no("0.0.0.0:3333", &Overlap{Open: "10.0.0.1:3333"}), `this farmproxy has the port open as "10.0.0.1:3333", and can't open it a second time before it closes it; try "10.0.0.1:3333" as before, or another port; or farmproxy upgrade`)
	f("127.0.0.1:1", no("127.0.0.1:8080", syscall.EADDRINUSE), `http.address = "127.0.0.1:8080": another program has this port`)
	running := no("0.0.0.0:3333", syscall.EADDRINUSE)
	running.running = true
	f("0.0.0.0:3333", running, `2: warning: listener[1].address = "0.0.0.0:3333": the running farmproxy has this port`)
	f("10.0.0.9:3333", no("10.0.0.9:3333", syscall.EADDRNOTAVAIL), `this machine does not have this address; try "0.0.0.0:3333"`)
	f("0.0.0.0:443", no("0.0.0.0:443", syscall.EACCES), `warning: listener[1].address = "0.0.0.0:443": this user may not listen there`)
	f("0.0.0.0:443", no("0.0.0.0:443", syscall.EAFNOSUPPORT), `cannot listen here: bind: address family not supported`)
}

func TestPools(t *testing.T) {
	f := func(address, want string) {
		t.Helper()
		wants(t, &box{
			own:   "10.0.0.7 192.0.2.7",
			names: map[string]string{"localhost": "127.0.0.1 ::1", "edge.farm": "192.0.2.7", "pool.farm": "203.0.113.1"},
		}, listens+poolAt(address), want)
	}
	f("pool.farm:3333", "")
	f("203.0.113.1:3333", "")
	f("localhost:3334", "")
	f("10.0.0.8:3333", "")
	const itself = "this is farmproxy itself: listener[1].address listens there, so it would be its own pool; try the host and port of the pool"
	f("localhost:3333", `4: pool[1].url = "stratum+tcp://localhost:3333": `+itself)
	f("127.0.0.1:3333", itself)
	f("127.5.5.5:3333", itself)
	f("[::1]:3333", itself)
	f("0.0.0.0:3333", itself)
	f("10.0.0.7:3333", itself)
	f("edge.farm:3333", itself)
	f("127.0.0.1:8080", "this is farmproxy itself: http.address listens there")
	f("gone.farm:3333", `warning: pool[1].url = "stratum+tcp://gone.farm:3333": this name does not resolve now: no such host`)

	const example = "this is an example name; the pool does not exist; try the Stratum host and port of your pool"
	f("pool.example:3333", example)
	f("eu.Pool.Example.:3333", example)
	f("pool.example.com:3333", example)
	f("pool.invalid:3333", example)
	f("pool.farm-example:3333", "warning")
	f("pool.myexample.com:3333", "warning")
}

// A listener on one address does not listen on the others.
func TestOwnListenerOnOneAddress(t *testing.T) {
	f := func(listener, pool string, itself bool) {
		t.Helper()
		b := &box{own: "10.0.0.7", names: map[string]string{"edge.farm": "10.0.0.7"}}
		got := look(t, b, "[[listener]]\naddress = '"+listener+"'\n"+poolAt(pool), false)
		if strings.Contains(got, "farmproxy itself") != itself {
			t.Errorf("%s, pool %s: %s", listener, pool, got)
		}
	}
	f("10.0.0.7:3333", "10.0.0.7:3333", true)
	f("10.0.0.7:3333", "127.0.0.1:3333", false)
	f("127.0.0.1:3333", "10.0.0.7:3333", false)
	f("edge.farm:3333", "10.0.0.7:3333", true)
	f("[::]:3333", "10.0.0.7:3333", true)
	f(":3333", "127.0.0.1:3333", true)
	f(":0", "127.0.0.1:0", false)
}

// Where only a proxy can resolve a name, this machine does not look it up.
func TestPoolsBehindAProxy(t *testing.T) {
	b := &box{}
	wants(t, b, listens+poolAt("pool.farm:3333")+"[proxies]\nurls = ['socks5://10.0.0.2:1080']\ndirect = 'never'\n", "")
	if len(b.asked) > 0 {
		t.Errorf("asked for %v", b.asked)
	}
}

func TestAlgorithms(t *testing.T) {
	f := func(lines, want string) {
		t.Helper()
		wants(t, &box{}, listens+poolAt("10.9.9.9:3333")+lines, want)
	}
	f("algorithm = 'sha256d'\n", "")
	f("algorithm = 'sha256'\n", "")
	f("algorithm = 'x11'\n", "")
	f("algorithm = 'sha256f'\n", `6: pool[1].algorithm = "sha256f": farmproxy does not know this algorithm; docs/algorithms.md lists the known ones; try "sha256`)
	f("algorithm = 'sha256f'\nunchecked = true\n", "")
	f("algorithm = 'quite-new'\n", "try unchecked = true if the name is right: only the pool then judges its shares")
	f("unchecked = true\n", "warning: pool[1].unchecked = true: has no effect: farmproxy knows sha256d; try removing the key")
	f("algorithm = 'no name'\n", "expected up to 32 letters")
}

func TestFiles(t *testing.T) {
	f := func(text string, b *box, want string) {
		t.Helper()
		wants(t, b, listens+poolAt("10.9.9.9:3333")+text, want)
	}
	const sqlite = "[store]\nurl = 'sqlite:///data/farm.db'\n"
	magic := "SQLite format 3\x00 and so on"
	f(sqlite, &box{dirs: "/data"}, "")
	f(sqlite, &box{dirs: "/data", files: map[string]string{"/data/farm.db": magic}}, "")
	f(sqlite, &box{dirs: "/data", files: map[string]string{"/data/farm.db": ""}}, "")
	f(sqlite, &box{}, "7: store.url: /data: this directory does not exist; try mkdir -p /data, owned by the user that farmproxy runs as")
	f(sqlite, &box{files: map[string]string{"/data": ""}}, "store.url: /data is not a directory")
	f(sqlite, &box{dirs: "/data /data/farm.db"}, `store.url: /data/farm.db is a directory, expected a file or nothing; try "sqlite:///data/farm.db/farmproxy.db"`)
	f(sqlite, &box{dirs: "/data", files: map[string]string{"/data/farm.db": strings.Repeat("x", 100)}}, "warning: store.url: /data/farm.db is not an SQLite database: it is damaged, or it is another file")
	f(sqlite, &box{dirs: "/data", readOnly: "/data"}, "warning: store.url: this user cannot write to /data: permission denied")
	f(sqlite, &box{dirs: "/data", files: map[string]string{"/data/farm.db": magic}, readOnly: "/data/farm.db"}, "warning: store.url: this user cannot write to /data/farm.db")
	f(sqlite+"key_file = '/keys/store.key'\n", &box{dirs: "/data"}, "store.key_file: /keys: this directory does not exist")
	f(sqlite+"key_file = '/keys/store.key'\n", &box{dirs: "/data /keys"}, "")
	f(sqlite+"key_file = '/keys/store.key'\n", &box{dirs: "/data /keys", readOnly: "/keys"}, "warning: store.key_file: this user cannot write to /keys")
	f(sqlite+"key_file = '/keys/store.key'\n", &box{dirs: "/data /keys", readOnly: "/keys", files: map[string]string{"/keys/store.key": "0123"}}, "")
	f(sqlite+"key_file = '/keys/store.key'\n", &box{dirs: "/data /keys", secret: "/keys/store.key", files: map[string]string{"/keys/store.key": "0123"}}, "warning: store.key_file: this user cannot read it")
	f("[store]\nurl = 'sqlite:///var/lib/farmproxy/farmproxy.db'\n", &box{}, "warning: store.url: /var/lib/farmproxy does not exist yet: systemd creates it")

	const postgres = "[store]\nurl = 'postgres://farm:hunter2@db.farm/farm'\n"
	f(postgres, &box{}, "warning: store.key_file: there is no place for the key that encrypts passwords")
	f(postgres, &box{state: "/var/lib/x", dirs: "/var/lib/x"}, "")
	f(postgres, &box{state: "/var/lib/x"}, "store.key_file: /var/lib/x: this directory does not exist")

	f("[log]\nlevel = 'info'\n", &box{}, "")
	wants(t, &box{}, "state_dir = '/state'\n"+listens+poolAt("10.9.9.9:3333"), `1: warning: state_dir = "/state": this directory does not exist; try mkdir -p /state`)
	wants(t, &box{files: map[string]string{"/state": ""}}, "state_dir = '/state'\n"+listens+poolAt("10.9.9.9:3333"), "warning: state_dir = \"/state\": this is not a directory")

	const shares = "[share_log]\ndir = '/data/shares'\n"
	f(shares, &box{dirs: "/data"}, "")
	f(shares, &box{dirs: "/data /data/shares"}, "")
	f(shares, &box{}, `warning: share_log.dir = "/data/shares": /data: this directory does not exist; try mkdir -p /data, owned by the user that farmproxy runs as`)
	f(shares, &box{dirs: "/data", files: map[string]string{"/data/shares": ""}}, "warning: share_log.dir = \"/data/shares\": /data/shares is not a directory")
	f(shares, &box{dirs: "/data /data/shares", readOnly: "/data/shares"}, "warning: share_log.dir: this user cannot write to /data/shares: permission denied")
	f("[share_log]\ndir = '/var/lib/farmproxy/shares'\n", &box{}, "")

	const tokens = "[http]\ntoken_file = '/etc/tokens'\n"
	f(tokens, &box{}, "")
	f(tokens, &box{tokens: errors.New("http.token_file /etc/tokens:1: one thing\nhttp.token_file /etc/tokens:2: another")},
		"7: http.token_file: /etc/tokens:1: one thing\n7: http.token_file: /etc/tokens:2: another")
}

// A channel that can't be used is a warning: miners come first.
func TestChannels(t *testing.T) {
	const channel = "[[alerts.channel]]\nkind = 'telegram'\nchat = '1'\nsecret_file = '/etc/t'\n"
	wants(t, &box{}, listens+poolAt("10.9.9.9:3333")+channel, "")
	wants(t, &box{channel: errors.New(`secret_file = "/etc/t": there is no such file: write the secret into it`)}, listens+poolAt("10.9.9.9:3333")+channel,
		`warning: alerts.channel[1].secret_file = "/etc/t": there is no such file: write the secret into it`)
}

// Before a start nobody waits for a name server, and the store is not needed.
func TestAdminSocket(t *testing.T) {
	f := func(b *box, path, want string) {
		t.Helper()
		wants(t, b, listens+poolAt("10.9.9.9:3333")+"[admin]\nsocket = '"+path+"'\n", want)
	}
	f(&box{dirs: "/srv"}, "/srv/admin.sock", "")
	f(&box{}, "/run/farmproxy/admin.sock", "") // the service manager makes it
	f(&box{}, "/srv/admin.sock", `admin.socket = "/srv/admin.sock": /srv: this directory does not exist; try mkdir -p /srv, owned by the user that farmproxy runs as`)
	f(&box{files: map[string]string{"/srv": ""}}, "/srv/admin.sock", `/srv is not a directory; try "/run/farmproxy/admin.sock"`)
	f(&box{dirs: "/srv", readOnly: "/srv"}, "/srv/admin.sock", "warning: admin.socket: this user cannot write to /srv")
}

func TestBeforeAStart(t *testing.T) {
	b := &box{names: map[string]string{"localhost": "127.0.0.1"}}
	text := listens + poolAt("gone.farm:3333") + poolAt("localhost:3333") + "[store]\nurl = 'sqlite:///data/farm.db'\n"
	got := look(t, b, text, true)
	if strings.Join(b.asked, " ") != "localhost" || strings.Contains(got, "gone.farm") || !strings.Contains(got, "pool[2].url") || !strings.Contains(got, "warning: store.url") {
		t.Errorf("asked for %v: %s", b.asked, got)
	}
}

// Everything is reported at once, in the order of the file's lines; problems found in
// the file alone are not repeated.
func TestAllAtOnce(t *testing.T) {
	got := look(t, &box{tokens: errors.New("http.token_file /t: bad")}, `
[[listener]]
address = "edge.farm:3333"
[[pool]]
url = "stratum+tcp://pool..farm:3333"
user = "farm"
[[pool]]
url = "stratum+tcp://pool.example:3333"
user = "farm"
name = "b"
[difficulty]
start = 4
min = 8
max = 2
[store]
url = "sqlite:///data/farm.db"
[accounts]
expire = "30m"
[http]
token_file = "/t"
`, false)
	var keys []string
	for line := range strings.Lines(got) {
		_, rest, _ := strings.Cut(line, ": ")
		keys = append(keys, strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == ':' })[0])
	}
	if want := "listener[1].address pool[1].url pool[2].url difficulty.start difficulty.max store.url accounts.expire http.token_file"; strings.Join(keys, " ") != want {
		t.Errorf("%v\nwant %s\n%s", keys, want, got)
	}
}

// A name server that does not answer does not hold anyone up for long.
func TestLookupsAreBounded(t *testing.T) {
	b := &slowNames{}
	c, err := config.Parse([]byte(listens + poolAt("pool.farm:3333")))
	if err != nil {
		t.Fatal(err)
	}
	Config(t.Context(), c, nil, b, false)
	if !b.bounded {
		t.Error("there was no deadline")
	}
}

type slowNames struct {
	box
	bounded bool
}

func (b *slowNames) Lookup(ctx context.Context, _ string) ([]netip.Addr, error) {
	end, ok := ctx.Deadline()
	b.bounded = ok && time.Until(end) <= lookupTime
	return nil, errors.New("no such host")
}

func TestSummary(t *testing.T) {
	c, err := config.Parse([]byte(listens + poolAt("pool.farm:3333") + `name = "main"
workers = "pass"
[[pool]]
url = "agent+tls://10.0.0.1:443"
user = "farm"
links = 2
[store]
url = "postgres://farm:hunter2@db.farm/farm"
[accounts]
expire = "2160h"
[[alerts.channel]]
kind = "email"
server = "mail.farm:587"
from = "a@b.farm"
to = ["c@d.farm"]
[[alerts.channel]]
name = "phone"
kind = "telegram"
chat = "1"
secret = "hunter2"
gets = ["page"]
[proxies]
urls = ["socks5://farm:hunter2@proxy.farm:1080"]
[http]
hosts = ["farm.example"]
[miners]
worker_group = ['{name:R\d+L\d+}', 'rack-{ip3}']
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `listener  0.0.0.0:3333
pool[1]   main, stratum+tcp://pool.farm:3333, user farm, sha256d, sees every worker
pool[2]   agent+tls://10.0.0.1:443, user farm, sha256d, sees every worker, 2 links
store     PostgreSQL
accounts  deleted after 2160h without a miner
proxies   1, direct after
http      127.0.0.1:8080, no tokens: for this machine only, and as farm.example
groups    {name:R\d+L\d+}, or else rack-{ip3}
metrics   each worker
audit     a quiet link to each pool that no miner works for
alerts    email (page, ticket, report); phone, telegram (page)
log       info, as text`
	if got := strings.Join(Summary(c), "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestSummaryOfRoutes(t *testing.T) {
	c, err := config.Parse([]byte(listens + "route = \"hall-1\"\n" + poolAt("pool.farm:3333") + `name = "a"
[[pool]]
name = "b"
url = "stratum+tcp://10.0.0.1:3333"
user = "farm"
[[route]]
name = "hall-1"
[[route.goal]]
name = "main"
weight = 2
pools = ["a", "b"]
[[route.goal]]
name = "second"
weight = 1
pools = ["b"]
[[route.goal.schedule]]
from = "22:00"
to = "06:00"
weight = 3
`))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(Summary(c), "\n")
	for _, want := range []string{
		"listener  0.0.0.0:3333, route hall-1\n",
		"\nroute     hall-1: main 66.7 % on a, b; second 33.3 % (other weights at times) on b\n",
		"\nstore     none: [[route]] serves all miners\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// A port or an address may become free by itself; a pool's name does not change itself.
func TestPassing(t *testing.T) {
	f := func(address, url string, err error, want bool) {
		t.Helper()
		c := &config.Config{Listeners: []config.Listener{{Address: address}}, Pools: []config.Pool{{URL: url, Algorithm: "sha256d"}}}
		b := &box{names: map[string]string{"pool.farm": "10.9.9.9"}, bound: map[string]error{address: err}}
		errors := slices.DeleteFunc(Config(t.Context(), c, nil, b, true), func(p config.Problem) bool { return p.Warning })
		if len(errors) != 1 || errors[0].Passing != want {
			t.Errorf("%s, %s: %+v, want one problem that passes: %v", address, url, errors, want)
		}
	}
	f("0.0.0.0:3333", "stratum+tcp://pool.farm:3333", syscall.EADDRINUSE, true)
	f("10.0.0.9:3333", "stratum+tcp://pool.farm:3333", syscall.EADDRNOTAVAIL, true)
	f("edge.farm:3333", "stratum+tcp://pool.farm:3333", nil, true)
	f("0.0.0.0:3333", "stratum+tcp://pool.example:3333", nil, false)
}
