package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"farmproxy/internal/golden"
)

// Each file under testdata/bad has beside it, word for word, what an operator is told
// about it.
func TestBadFiles(t *testing.T) {
	for _, path := range mustGlob(t, "testdata/bad/*.toml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c, err := Load(path)
			var problems Problems
			if c != nil || !errors.As(err, &problems) {
				t.Fatalf("got %v and %v, want Problems only", c, err)
			}
			got := strings.ReplaceAll(err.Error(), path, filepath.Base(path)) + "\n"
			golden.Compare(t, strings.TrimSuffix(path, ".toml")+".problems", got)
		})
	}
}

func TestGoodFiles(t *testing.T) {
	for _, path := range mustGlob(t, "testdata/good/*.toml") {
		if _, err := Load(path); err != nil {
			t.Errorf("%s:\n%v", path, err)
		}
	}
}

func TestShippedExample(t *testing.T) {
	c, err := Load("../systemd/farmproxy.toml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Listeners) != 1 || len(c.Pools) != 1 {
		t.Errorf("%d listeners and %d pools, want the smallest file: one each", len(c.Listeners), len(c.Pools))
	}
}

func TestMissingKeysTakeTheirDefaults(t *testing.T) {
	c := mustLoad(t, "testdata/good/minimal.toml")
	want := Default()
	want.Listeners = []Listener{{Address: "0.0.0.0:3333"}}
	want.Pools = []Pool{{Name: "pool.example:3333", URL: "stratum+tcp://pool.example:3333", User: "account",
		Password: "x", Workers: WorkersAggregate, Links: 1, Algorithm: "sha256d", Mode: ModeAggregate}}
	want.Metrics.Proxy = "0.0.0.0:3333"
	wantEqual(t, c, want)
}

func TestExplicitZerosAreKept(t *testing.T) {
	c := mustLoad(t, "testdata/good/zeros.toml")
	want := Default()
	want.Listeners = []Listener{{Address: ":0"}, {Address: "127.0.0.1:0"}}
	want.Pools = []Pool{{Name: "10.0.0.1:3333", URL: "stratum+tcp://10.0.0.1:3333", User: "account",
		Workers: WorkersAggregate, Links: 1, Algorithm: "sha256d", Mode: ModeAggregate}}
	want.Miners.ResumeWindow = 0
	want.Miners.WorkerGroup = []string{}
	want.Limits = Limits{Exempt: []string{}}
	want.Failover.Hold = Hold{}
	want.Failover.ReturnAfter = 0
	want.Failover.RejectRate = 0
	want.HTTP = HTTP{}
	want.Metrics = Metrics{Proxy: ":0"}
	want.ShareLog.KeepMegabytes = 0
	want.History.Enabled = false
	want.Audit = Audit{Except: []string{}}
	want.Alerts = Alerts{KnownPools: []string{}}
	wantEqual(t, c, want)
}

func TestEveryKeyIsRead(t *testing.T) {
	c := mustLoad(t, "testdata/good/everything.toml")
	wantEqual(t, c, &Config{
		StateDir: "/srv/farmproxy",
		Listeners: []Listener{{Address: "0.0.0.0:3333", Route: "hall-1"}, {
			Address: "[2001:db8::1]:443", ProxyProtocol: []string{"10.0.0.5"},
			Allow: []string{"10.0.0.0/8", "2001:db8::/32"}, Deny: []string{"10.9.0.0/16"},
			Route: "hall-2", TLS: TLS{Cert: "/etc/farmproxy/cert.pem", Key: "/etc/farmproxy/key.pem"},
		}},
		Pools: []Pool{
			{Name: "first", URL: "stratum+tls://pool.example:3334", User: "account", Password: "d=1024",
				Algorithm: "scrypt", Mode: ModeAggregate, Workers: WorkersPass, Links: 4, SuggestDifficulty: 65536, FixedWorker: "edge",
				UserAgent: "cgminer/4.12.1", TLSInsecure: true},
			{Name: "second", URL: "stratum+tls://[2001:db8::2]:3334/", User: "account.farm", Password: "x",
				Algorithm: "scrypt", Mode: ModeDirect, Workers: WorkersAggregate, Links: 1,
				TLSFingerprint: "1B:60:59:19:B8:61:D7:6D:CB:BF:80:DD:C2:7B:B7:A1:43:A5:F3:8B:7B:C4:C0:F3:74:C6:02:74:70:E1:9B:C3"},
		},
		Routes: []Route{
			{Name: "hall-1", Goals: []Goal{
				{Name: "main", Weight: 70, Pools: []string{"first", "second"}, Schedule: []Period{{"mon-fri", "22:00", "06:00", "Europe/Berlin", 90}}},
				{Name: "spare", Weight: 0, Pools: []string{"second"}},
			}},
			{Name: "hall-2", Goals: []Goal{{Name: "all", Weight: 1, Pools: []string{"second"}}}},
		},
		Miners: Miners{Max: 20_000, Loops: 2, SubscribeTimeout: 5 * time.Second, AuthorizeTimeout: 90 * time.Second,
			MalformedLimit: 3, ResumeWindow: 10 * time.Minute, Keepalive: 50 * time.Second, Answer: AnswerLocal, WorkerName: "{ip3}x{ip4}", WorkerGroup: []string{`{name:hall-(\w+)}`, "rack-{ip3}"}},
		Limits: Limits{Connections: 5000, Connects: 100, Messages: 200, Shares: 50, InvalidShares: 5, AuthorizeAttempts: 7,
			BanAfter: 40, BanTime: time.Hour, Exempt: []string{"10.0.0.7"}},
		Difficulty: Difficulty{Start: 1024, Min: 0.5, Max: 1_000_000, SharesPerMinute: 4.5},
		Failover: Failover{Hold: Hold{Forever: true}, ReturnAfter: 10 * time.Minute, ProbeEvery: time.Minute,
			Silence: 90 * time.Second, RejectRate: 0.25, BackoffMax: time.Minute},
		Store:    Store{URL: "postgres://farm:hunter2@db.example/farm", KeyFile: "/etc/farmproxy/store.key"},
		Accounts: Accounts{Expire: 90 * 24 * time.Hour},
		Proxies: Proxies{URLs: []Secret{"socks5://farm:hunter2@proxy.example:1080", "https://proxy.example:443", ProxySystem},
			Direct: DirectBeside, TLSInsecure: true},
		HTTP:     HTTP{Address: ":9090", TokenFile: "/etc/farmproxy/tokens", TLS: TLS{Cert: "/etc/farmproxy/web.pem", Key: "/etc/farmproxy/web.key"}, Hosts: []string{"farm.example", "10.0.0.7"}, RegistrationsPerMinute: 600},
		Admin:    Admin{Socket: "/run/farm/admin.sock"},
		Metrics:  Metrics{PerWorker: false, Predecessor: true, Proxy: "10.0.0.1:3333"},
		Workers:  Workers{Remember: 30 * time.Hour},
		History:  History{WorkerSteps: 25 * time.Hour, WorkerHours: 26 * time.Hour, Minutes: 27 * time.Hour, Hours: 28 * time.Hour, Events: 29 * time.Hour},
		ShareLog: ShareLog{Dir: "/srv/shares", Format: FormatCSV, SegmentMegabytes: 16, RotateEvery: 10 * time.Minute, KeepMegabytes: 100},
		Audit:    Audit{Except: []string{"second"}},
		Alerts: Alerts{Site: "north", CoolDown: time.Hour, QuietFrom: "22:00", QuietTo: "06:00", Zone: "Europe/Berlin", KnownPools: []string{"pool.example"},
			ReportDaily: "06:30", ReportWeekly: "sun 18:00",
			Channels: []Channel{
				{Name: "ops", Kind: ChannelEmail, Gets: []string{"page", "report"}, Server: "mail.example:465", TLS: MailTLS, User: "farm", SecretFile: "/etc/farmproxy/mail", From: "Farm <farm@example.com>", To: []string{"ops@example.com"}},
				{Name: ChannelTelegram, Kind: ChannelTelegram, Gets: []string{"page", "ticket", "report"}, TLS: MailStartTLS, URL: "http://127.0.0.1:8081", Secret: "110:AAH", Chat: "@farm"},
			},
			Rules: []AlertRule{
				{Name: "hashrate_low", Enabled: true, For: 20 * time.Minute, Threshold: 0.8, CoolDown: 2 * time.Hour},
				{Name: "pool_down", For: 2 * time.Minute, CoolDown: time.Hour},
			},
			Curtailments: []Curtailment{{"mon-fri", "17:00", "20:00", "hall-1"}}},
		Log: Log{Level: "debug", Format: "json", MinerEnds: true},
	})
}

func TestAgentPoolsOfManyAccounts(t *testing.T) {
	c := mustLoad(t, "testdata/good/agent.toml")
	if p := c.Pools[0]; !p.Agent() || p.Links != 5 || p.FixedWorker != "edge" || p.UserAgent != "btccom-agent/2.0.1" {
		t.Errorf("%+v", p)
	}
	if !c.Accounts.MultiUser || c.Pools[0].User != "" || c.Pools[1].Agent() {
		t.Errorf("%+v", c)
	}
}

// A machine that serves accounts only has no pool of its own.
func TestPoolsMayBeInTheStoreOnly(t *testing.T) {
	c, err := Parse([]byte(oneListener + "[store]\nurl = 'sqlite:///var/lib/farmproxy/farmproxy.db'\n"))
	if err != nil || len(c.Pools) != 0 {
		t.Errorf("%v", err)
	}
}

func TestStoreKeyFile(t *testing.T) {
	f := func(url, key, stateDir, want string) {
		t.Helper()
		c := &Config{Store: Store{URL: Secret(url), KeyFile: key}}
		if got := c.StoreKeyFile(stateDir); got != want {
			t.Errorf("url %q, key_file %q, state in %q: %q, want %q", url, key, stateDir, got, want)
		}
	}
	f("sqlite:///var/lib/farmproxy/farm.db", "", "/state", "/var/lib/farmproxy/store.key")
	f("sqlite:///var/lib/farmproxy/farm.db", "/etc/key", "/state", "/etc/key")
	f("postgres://db.example/farm", "", "/state", "/state/store.key")
	f("postgres://db.example/farm", "/etc/key", "/state", "/etc/key")
	f("postgres://db.example/farm", "", "", "")
}

// The account proxy called sha256d sha256.
func TestAlgorithmsHaveOneName(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		c, err := Parse([]byte(oneListener + onePool + "algorithm = '" + name + "'\n"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := c.Pools[0].Algorithm; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	f("sha256", "sha256d")
	f("SHA256d", "sha256d")
	f("scrypt", "scrypt")
	f("sha512/256d", "sha512/256d")
}

// If only a bound is set, the start follows it.
func TestStartFollowsTheBounds(t *testing.T) {
	f := func(settings string, want float64) {
		t.Helper()
		c, err := Parse([]byte(smallest + "[difficulty]\n" + settings))
		if err != nil {
			t.Errorf("%s: %v", settings, err)
		} else if c.Difficulty.Start != want {
			t.Errorf("%s: start = %v, want %v", settings, c.Difficulty.Start, want)
		}
	}
	f("", 16384)
	f("min = 65536", 65536)
	f("max = 512", 512)
	f("min = 0.5\nmax = 32768", 16384)
}

func TestFilesThatCannotBeRead(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want the path and %q", path, err, want)
		}
	}
	f("testdata/none.toml", "name one with -c FILE")
	f("testdata", "is a directory")
	f("/dev/zero", "no ordinary file")
	pipe := filepath.Join(t.TempDir(), "pipe") // nobody writes to it
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	f(pipe, "no ordinary file")
	long := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(long, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	f(long, "expected at most 1048576 bytes")

	if _, err := Load("testdata/none.toml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want it to be fs.ErrNotExist", err)
	}
}

const smallest = `
[[listener]]
address = "0.0.0.0:3333"

[[pool]]
url  = "stratum+tcp://pool.example:3333"
user = "account"
`

func mustGlob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %d files", pattern, err, len(paths))
	}
	return paths
}

func mustLoad(t *testing.T, path string) *Config {
	t.Helper()
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantEqual(t *testing.T, got, want *Config) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%+v\nwant:\n%+v", got, want)
	}
}

// A socket or a kept file is found in the state directory of a file that is broken too.
func TestStateDirOfABrokenFile(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := FileOf("f.toml", []byte(text)).StateDir(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	f("state_dir = \"/var/lib/farmproxy\"", "/var/lib/farmproxy")
	f("state_dir = \"/var/lib/farmproxy\"\n[log]\nlevel = 7", "/var/lib/farmproxy")
	f("[[listener\n  state_dir='/var/lib/farmproxy' # here", "/var/lib/farmproxy")
	f("# state_dir = \"/var/lib/farmproxy\"\n[[", "")
	f("state_dir = \"lib\"\n[[", "")
	f("[[", "")
	f("{\"agent_type\": \"btc\"}", "")
}
