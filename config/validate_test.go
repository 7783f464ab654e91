package config

import (
	"slices"
	"strings"
	"testing"
)

// Each case is a line of the file and the report about it; "" if the line is right.
func TestListenerAddress(t *testing.T) {
	f := func(address, want string) {
		t.Helper()
		wantProblem(t, "[[listener]]\naddress = '"+address+"'\n"+onePool, "listener[1].address", want)
	}
	f("0.0.0.0:3333", "")
	f(":3333", "")
	f("[::]:3333", "")
	f("[fe80::1%eth0]:3333", "")
	f("miners.farm.example:3333", "")
	f("127.0.0.1:0", "")
	f("", `required: host:port`)
	f("3334", `expected host:port; try "0.0.0.0:3334"`)
	f("0.0.0.0:", `expected a port from 0 to 65535; 0 means any free port; try "0.0.0.0:3333"`)
	f("::1", `expected host:port; try "[::1]:3333"`)
	f("10.0.0.1", `expected host:port; try "10.0.0.1:3333"`)
	f("10.0.0.1:stratum", "expected a port from 0 to 65535")
	f("10.0.0.1:65536", "expected a port from 0 to 65535")
	f("tcp://10.0.0.1:3333", `expected host:port; try "0.0.0.0:3333"`)
	f("a b:3333", `expected an address of this machine before the port; try "0.0.0.0:3333"`)
}

func TestPortsThatClash(t *testing.T) {
	f := func(one, two, want string) {
		t.Helper()
		wantProblem(t, "[[listener]]\naddress = '"+one+"'\n[[listener]]\naddress = '"+two+"'\n"+onePool, "listener[2].address", want)
	}
	f("10.0.0.1:3333", "10.0.0.2:3333", "")
	f("10.0.0.1:3333", "10.0.0.1:3334", "")
	f(":0", ":0", "")
	f("10.0.0.1:3333", "10.0.0.1:3333", "listener[1].address already has this address and port")
	f("10.0.0.1:3333", ":3333", "listener[1].address already has this address and port")
	f("[::]:3333", "10.0.0.1:3333", "listener[1].address already has this address and port")
}

func TestPoolURL(t *testing.T) {
	f := func(url, want string) {
		t.Helper()
		wantProblem(t, oneListener+"[[pool]]\nuser = 'u'\nurl = '"+url+"'\n", "pool[1].url", want)
	}
	f("stratum+tcp://pool.example:3333", "")
	f("stratum+tls://pool.example:3333", "")
	f("stratum+tcp://pool.example:3333/", "")
	f("stratum+tcp://10.0.0.1:3333", "")
	f("stratum+tcp://[::1]:3333", "")
	f("", "required: the pool's address")
	f("pool.example:3333", `try "stratum+tcp://pool.example:3333"`)
	f("tcp://pool.example:3333", `try "stratum+tcp://pool.example:3333"`)
	f("stratum://pool.example:3333", `try "stratum+tcp://pool.example:3333"`)
	f("stratum+ssl://pool.example:3333", `try "stratum+tls://pool.example:3333"`)
	f("ssl://pool.example:3333", `try "stratum+tls://pool.example:3333"`)
	f("agent+tcp://pool.example:3333", "")
	f("agent+tls://pool.example:3333", "")
	f("agent://pool.example:3333", `try "agent+tcp://pool.example:3333"`)
	f("agent+ssl://pool.example:3333", `try "agent+tls://pool.example:3333"`)
	f("agent+tcp://pool.example", `the port is missing; try "agent+tcp://pool.example:3333"`)
	f("stratum2+tcp://pool.example:3333/key", "this version does not support Stratum V2")
	f("stratum+tcp://pool.example", `the port is missing; try "stratum+tcp://pool.example:3333"`)
	f("stratum+tcp://pool.example:", `the port is missing; try "stratum+tcp://pool.example:3333"`)
	f("stratum+tcp://[::1]", `the port is missing; try "stratum+tcp://[::1]:3333"`)
	f("stratum+tcp://pool.example:0", "expected a port from 1 to 65535")
	f("stratum+tcp://pool.example:70000", "expected a port from 1 to 65535")
	f("stratum+tcp://pool.example:port", "and nothing else")
	f("stratum+tcp://:3333", "and nothing else")
	f("stratum+tcp://pool.example:3333/path", "and nothing else")
	f("stratum+tcp://pool.example:3333?user=a", "and nothing else")
	f("stratum+tcp://pool example:3333", "and nothing else")
	f("stratum+tcp://user:hunter2@pool.example:3333", `without a user before the host; try url = "stratum+tcp://pool.example:3333", with user and password as separate keys`)
}

func TestPoolKeys(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		key, _, _ := strings.Cut(line, " ")
		wantProblem(t, oneListener+"[[pool]]\nurl = 'stratum+tls://pool.example:3333'\n"+line+"\n"+
			map[bool]string{true: "user = 'u'\n"}[key != "user"], "pool[1]."+key, want)
	}
	f("user = 'account.farm_1~x@example.org'", "")
	f("user = ''", "required: the farm's account at the pool")
	f(`user = "a\\b"`, "expected text without control characters")
	f(`user = "a\u0007"`, "expected text without control characters")
	f(`user = "it's"`, "expected text without control characters")
	f("user = '"+strings.Repeat("u", 128)+"'", "")
	f("user = '"+strings.Repeat("u", 129)+"'", "expected at most 128 bytes")
	f(`name = "a<b>"`, "expected text without control characters")
	f(`user_agent = "cgminer/4.12.1 (farm)"`, "")
	f(`user_agent = "\n"`, "expected text without control characters")
	f(`password = "it's \"quoted\""`, "")
	f(`password = "a\nb"`, "expected at most 256 bytes without control characters")
	f("password = true", "expected a string, this is true or false")
	f("workers = 'pass'", "")
	f("fixed_worker = 'farm'\nworkers = 'pass'", "")
	f("fixed_worker = 'farm'", `has no effect with workers = "aggregate": the pool sees only the worker user; try workers = "pass", or removing the key`)
	f("fixed_worker = 'a<b'\nworkers = 'pass'", "expected text without control characters")
	f("workers = 'Pass'", `expected "aggregate" or "pass"; try "pass"`)
	f("algorithm = 'sha256d'", "")
	f("algorithm = 'Sha512/256d'", "")
	f("algorithm = ''", "expected up to 32 letters")
	f("algorithm = 'sha 256'", `expected up to 32 letters, digits and . _ / + -; try "sha256d", or "scrypt"`)
	f("algorithm = '"+strings.Repeat("x", 33)+"'", "expected up to 32 letters")
	f("mode = 'direct'", "")
	f("mode = 'Direct'", `expected "aggregate" or "direct"; try "direct"`)
	f("links = 2\nmode = 'direct'", `with mode = "direct" each miner has its own link; try 1`)
	f("links = 64", "")
	f("links = 0", "expected 1 to 64")
	f("links = 1.5", "expected a whole number")
	f("suggest_difficulty = 0.5", "")
	f("suggest_difficulty = -1", "expected a difficulty")
	f("suggest_difficulty = nan", "expected a finite number")
	f("tls_insecure = true", "")
	f("tls_insecure = 1", "expected true or false")
	f("tls_fingerprint = '"+strings.Repeat("aF", 32)+"'", "")
	f("tls_fingerprint = '"+strings.Repeat("aF:", 31)+"aF'", "")
	f("tls_fingerprint = '"+strings.Repeat("aF", 31)+"'", "64 hex digits")
	f("tls_fingerprint = '"+strings.Repeat("xy", 32)+"'", "64 hex digits")
}

// The keys that the agent protocol fixes.
func TestAgentPoolKeys(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		key, _, _ := strings.Cut(line, " ")
		wantProblem(t, oneListener+"[[pool]]\nurl = 'agent+tls://pool.example:3333'\nuser = 'u'\n"+line+"\n", "pool[1]."+key, want)
	}
	f("links = 5", "")
	f("fixed_worker = 'farm'", "")
	f("fixed_worker = 'the farm'", `an agent pool removes everything else from names; try "thefarm"`)
	f("tls_insecure = true", "")
	f("mode = 'aggregate'", "")
	f("mode = 'direct'", `gives each its own difficulty there; try "aggregate", or a url with stratum+tcp:// or stratum+tls://`)
	f("workers = 'aggregate'", "")
	f("workers = 'pass'", "an agent pool always sees every worker; try removing the key")
	f("algorithm = 'sha256'", "")
	f("algorithm = 'scrypt'", `the agent protocol is for sha256d only; try "sha256d"`)
	f("suggest_difficulty = 1024", "an agent pool accepts no suggestion")
	f("user_agent = 'btccom-agent/2.0.0'", "")
	f("user_agent = 'farmproxy/1'", `expected one that begins with btccom-agent/: pools accept no other agents; try "btccom-agent/2.0.0-mu"`)
}

// If one pool of the list is direct, all must be.
func TestAgentPoolsBesideDirectOnes(t *testing.T) {
	const agent = "[[pool]]\nurl = 'agent+tls://pool.example:443'\nuser = 'u'\n"
	wantProblem(t, oneListener+agent+onePool, "pool[2].mode", "")
	wantProblem(t, oneListener+agent+onePool+"mode = 'direct'\n", "pool[2].mode", "pool[1] is an agent pool, which cannot be direct")
}

// With multi_user the miners say whose shares they are.
func TestPoolUser(t *testing.T) {
	f := func(user, accounts, want string) {
		t.Helper()
		wantProblem(t, oneListener+"[[pool]]\nurl = 'stratum+tcp://pool.example:3333'\n"+user+"\n[accounts]\n"+accounts+"\n", "pool[1].user", want)
	}
	f("user = 'farm'", "", "")
	f("", "", "required: the farm's account at the pool")
	f("", "multi_user = true", "")
	f("user = 'farm'", "multi_user = true", "not used: with accounts.multi_user each miner's login names its account")
}

func TestWorkerName(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		wantProblem(t, smallest+"[miners]\nworker_name = '"+name+"'\n", "miners.worker_name", want)
	}
	const all = `try "{ip1}x{ip2}x{ip3}x{ip4}"`
	f("", "")
	f("{ip1}x{ip2}x{ip3}x{ip4}", "")
	f("rack-{ip3}.{ip4}", "")
	f("{ip4}{ip4}", "")
	f("farm", "expected at least one of {ip1} {ip2} {ip3} {ip4}: without one, all miners would have the same name here; "+all+", or fixed_worker in [[pool]]")
	f("{1}x{2}", "there is no {1}, only {ip1} {ip2} {ip3} {ip4}; "+all)
	f("{ip1}x{ip5}", "there is no {ip5}")
	f("{ip1}x{IP2}", "there is no {IP2}")
	f("{ip1}x{ip2", "there is no {, only")
	f("{ip1}}", "there is no }, only")
	f("{{ip1}}", "there is no {, only")
	f("{ip1}<{ip2}", "expected text without control characters")
	f("rack {ip1}", "expected printable ASCII without spaces")
	f("räck{ip1}", "expected printable ASCII without spaces")
	f(strings.Repeat("x", 61)+"{ip1}", "")
	f(strings.Repeat("x", 62)+"{ip1}", "expected a name of up to 64 bytes, this may reach 65")
}

func TestProxyURL(t *testing.T) {
	f := func(url, want string) {
		t.Helper()
		wantProblem(t, smallest+"[proxies]\nurls = ['system', '"+url+"']\n", "proxies.urls[2]", want)
	}
	f("socks5://proxy.example:1080", "")
	f("socks5h://10.0.0.1:1080", "")
	f("http://user:secret@proxy.example:3128/", "")
	f("https://us%40er:se%2Fcret@[2001:db8::1]:443", "")
	f("system", "")
	f("", wantProxy+`; try "socks5://proxy.example:1080"`)
	f("proxy.example:1080", wantProxy)
	f("socks4://proxy.example:1080", wantProxy)
	f("http://proxy.example", `the port is missing, or not 1 to 65535; try "http://proxy.example:80"`)
	f("https://proxy.example", `try "https://proxy.example:443"`)
	f("socks5://proxy.example:0", `try "socks5://proxy.example:1080"`)
	f("socks5://proxy.example:1080/path", "and nothing else")
	f("socks5://proxy.example:1080?a=b", "and nothing else")
	f("socks5://:1080", "and nothing else")
	f("socks5://user:se%cret@proxy.example:1080", "this is not a URL; try %40 for an @ in the password")
	f("socks5://:secret@proxy.example:1080", "it has a password but no user")
	f("socks5://"+strings.Repeat("u", 255)+"@proxy.example:1080", "")
	f("socks5://"+strings.Repeat("u", 256)+"@proxy.example:1080", "at most 255 bytes each")
	f("http://a%3Ab:c@proxy.example:80", "with this scheme the user cannot contain a colon")
	f("socks5://a%3Ab:c@proxy.example:1080", "")
}

func TestProxyKeys(t *testing.T) {
	f := func(lines, key, want string) {
		t.Helper()
		wantProblem(t, smallest+"[proxies]\n"+lines+"\n", key, want)
	}
	const one = "urls = ['http://proxy.example:80']\n"
	f(one+"direct = 'beside'", "proxies.direct", "")
	f(one+"direct = 'After'", "proxies.direct", `expected "after", "beside", "first" or "never"; try "after"`)
	f("direct = 'never'", "proxies.direct", "has no effect without proxies.urls")
	f("direct = 'after'", "proxies.direct", "")
	f("urls = ['https://proxy.example:443']\ntls_insecure = true", "proxies.tls_insecure", "")
	f("urls = ['system']\ntls_insecure = true", "proxies.tls_insecure", "")
	f(one+"tls_insecure = true", "proxies.tls_insecure", "this requires an https:// proxy, and there is none")
	f("urls = 'http://proxy.example:80'", "proxies.urls", "expected a list of strings, this is a string; try brackets around it")
	f("urls = [1]", "proxies.urls[1]", "expected a string, this is a number; try quotes around it")
	f("urls = ['"+strings.Repeat("system','", MaxProxies)+"system']", "proxies.urls", "expected at most 16 proxies, found 17")
}

func TestWorkerGroups(t *testing.T) {
	f := func(list, key, want string) {
		t.Helper()
		wantProblem(t, smallest+"[miners]\nworker_group = "+list+"\n", key, want)
	}
	const all = "miners.worker_group"
	f(`['{name:R\d+L\d+}', "rack-{ip3}", "elsewhere"]`, all, "")
	f("'rack-{ip3}'", all, "expected a list of strings, this is a string; try brackets around it")
	f("["+strings.Repeat("'{ip3}',", 17)+"]", all, "expected at most 16 templates, found 17; try (?:A|B)")
	f("['{ip3}', '{rack}']", all+"[2]", `= "{rack}": there is no variable {rack}, only {name:REGEXP} and {ip1} to {ip4}, the numbers of the miner's address; try '{name:R\d+L\d+}'`)
	f("['{ip5}', '{ip3}', '{ip6}']", all+"[3]", "there is no variable {ip6}")
	f("['{name:(}']", all+"[1]", "expected a regular expression")
}

func TestSettings(t *testing.T) {
	f := func(table, line, want string) {
		t.Helper()
		key, _, _ := strings.Cut(line, " ")
		wantProblem(t, smallest+"["+table+"]\n"+line+"\n", table+"."+key, want)
	}
	f("miners", "max = 20000", "")
	f("miners", "max = -1", "expected 0 to 10000000; try 0, which means as many as RLIMIT_NOFILE allows")
	f("miners", "loops = 256", "")
	f("miners", "loops = 257", "expected 0 to 256")
	f("miners", "subscribe_timeout = '500ms'", `expected 1s to 1h; try "15s"`)
	f("miners", "authorize_timeout = '2h'", `miners.authorize_timeout = "2h": expected 1s to 1h; try "1m"`)
	f("miners", "keepalive = '0s'", "expected 1s to 1h")
	f("miners", "keepalive = 25", `expected a duration in quotes, with its unit (ms, s, m, h); try "25s"`)
	f("miners", "keepalive = 5000", `expected a duration in quotes, with its unit (ms, s, m, h); expected 1s to 1h; try "25s"`)
	f("miners", "keepalive = 99999999999", `try "99999999999s"`)
	f("miners", "keepalive = 2.5", "expected a duration in quotes")
	f("miners", "resume_window = '-1s'", `expected 0s to 24h; try "1m", or "0s" for never`)
	f("miners", "answer = 'locale'", `expected "pool" or "local"; try "local"`)
	f("difficulty", "min = 0", "expected a difficulty above 0")
	f("difficulty", "start = inf", "expected a finite number")
	f("difficulty", "max = 1e300", "expected a difficulty above 0 and up to 2^53")
	f("difficulty", "max = 0.5", "expected at least difficulty.min, which is 1; try 1 or more, or 0")
	f("difficulty", "start = 0.5", "expected at least difficulty.min, which is 1")
	f("difficulty", "start = 2048\nmax = 1024", "expected at most difficulty.max, which is 1024")
	f("difficulty", "shares_per_minute = 0", "expected a number above 0 and up to 6000")
	f("failover", "hold = '36h'", `failover.hold = "36h": expected 0s to 24h; try "10m", or "forever"`)
	f("failover", "hold = 'Forever'", `try "10m", or "forever"`)
	f("failover", "hold = 600", `try "600s"`)
	f("failover", "reject_rate = 1", "")
	f("failover", "reject_rate = 50", "expected a fraction from 0 to 1; try 0.5")
	f("failover", "reject_rate = -0.1", "expected a fraction from 0 to 1")
	f("failover", "silence = '0s'", "expected 1s to 24h")
	f("http", "address = ''", "")
	f("http", "address = '8080'", "expected host:port")
	f("http", "address = '127.0.0.1:3333'", "listener[1].address already has this address and port")
	f("http", "token_file = 'tokens'", `expected an absolute path; try "/etc/farmproxy/tokens"`)
	f("http", "registrations_per_minute = 1000000", "")
	f("http", "registrations_per_minute = -1", "expected 0 to 1000000; try 60, or 0 for no limit")
	f("metrics", "proxy = 'farm 1'", "")
	f("metrics", `proxy = 'a"b'`, "expected text without control characters")
	f("metrics", "per_worker = 'no'", "expected true or false")
	f("accounts", "expire = '2160h'", "has no effect without store.url: there are no registered accounts")
	f("accounts", "multi_user = 'yes'", "expected true or false")
	f("miners", "reconnect_lost_rolling = 0", "expected true or false")
	f("accounts", "expire = '59m'", `expected 1h to 87600h; try "2160h", which is 90 days, or "0s" for never`)
	f("accounts", "expire = '-1h'", "expected 1h to 87600h")
	f("accounts", "expire = '90d'", "has no effect without store.url")
	f("log", "level = 'warning'", `expected "debug", "info", "warn" or "error"; try "warn"`)
	f("log", "format = 'xml'", `expected "text" or "json"`)
}

// Durations that people understand and the program does not are rewritten in its form,
// and judged at once.
func TestDurationsAsTheyWereMeant(t *testing.T) {
	f := func(text, try string) {
		t.Helper()
		wantProblem(t, smallest+"[failover]\nprobe_every = '"+text+"'\n", "failover.probe_every",
			"expected a duration: numbers, each with its unit (ms, s, m, h); "+try)
	}
	f("1d", `try "24h"`)
	f("0.5d", `try "12h"`)
	f("25 seconds", `try "25s"`)
	f("5min", `try "5m"`)
	f("10 Mins", `try "10m"`)
	f("1 hour, 30 minutes", `try "1h30m"`)
	f("2 hrs", `try "2h"`)
	f("30", `try "30s"`)
	f("2d", `expected 1s to 24h; try "5m"`)
	f("1w", `expected 1s to 24h; try "5m"`)
	f("0d", `expected 1s to 24h; try "5m"`)
	f("99999999999999999999d", `try "30s"`)
	f("often", `try "30s"`)
	f("1 fortnight", `try "30s"`)
	f("", `try "30s"`)
	f("-1d", `try "30s"`)
	wantProblem(t, smallest+"[failover]\nhold = '2d'\n", "failover.hold", `expected 0s to 24h; try "10m", or "forever"`)
	wantProblem(t, smallest+"[store]\nurl = 'sqlite:///a.db'\n[accounts]\nexpire = '90d'\n", "accounts.expire", `try "2160h"`)
}

// Bounds out of range are not compared; all others are, at once.
func TestBoundsOfDifficulty(t *testing.T) {
	f := func(lines string, want ...string) {
		t.Helper()
		_, err := Parse([]byte(smallest + "[difficulty]\n" + lines))
		problems, _ := err.(Problems)
		var keys []string
		for _, p := range problems {
			keys = append(keys, strings.TrimPrefix(p.Key, "difficulty."))
		}
		if !slices.Equal(keys, want) {
			t.Errorf("%s: %v, want problems with %v", lines, err, want)
		}
	}
	f("min = 4\nstart = 8\nmax = 16")
	f("min = 1e300", "min")
	f("min = 1e300\nstart = 8\nmax = 4", "min", "start")
	f("start = 1e300\nmax = 4", "start")
	f("start = 4\nmin = 8\nmax = 2", "start", "max")
	f("max = -1\nmin = 8\nstart = 4", "max", "start")
	f("shares_per_minute = 0\nmin = 8\nstart = 4", "shares_per_minute", "start")
}

func TestStoreURL(t *testing.T) {
	f := func(url, want string) {
		t.Helper()
		wantProblem(t, oneListener+"[store]\nurl = '"+url+"'\n", "store.url", want)
	}
	f("sqlite:///var/lib/farmproxy/farmproxy.db", "")
	f("sqlite://farmproxy.db", `expected sqlite:// and the absolute path of a file; try "sqlite:///var/lib/farmproxy/farmproxy.db", with three slashes`)
	f("sqlite:///", "the absolute path of a file")
	f("sqlite:///a.db?mode=ro", "the absolute path of a file")
	f("/var/lib/farmproxy/farmproxy.db", wantStore+`; try "sqlite:///var/lib/farmproxy/farmproxy.db"`)
	f("postgres://db.example/farm", "")
	f("postgresql://farm:hunter2@db.example:5432/farm?sslmode=require", "")
	f("postgres:///farm?host=/run/postgresql", "")
	f("postgres:///farm", "the host is missing")
	f("postgres://farm:hunter%2@db.example/farm", "this is not a URL; try %40 for an @ in the password")
	f("mysql://farm:hunter2@db.example/farm", wantStore)
}

func TestStoreKeys(t *testing.T) {
	f := func(text, key, want string) {
		t.Helper()
		wantProblem(t, smallest+text, key, want)
	}
	const url = "url = 'sqlite:///a.db'\n"
	f("[store]\n"+url+"key_file = '/a.key'", "store.key_file", "")
	f("[store]\n"+url+"key_file = 'a.key'", "store.key_file", "expected an absolute path")
	f("[store]\nkey_file = '/a.key'", "store.key_file", "has no effect without store.url")
	f("[store]\n"+url+"[accounts]\nexpire = '1h'", "accounts.expire", "")
	wantProblem(t, oneListener+"[store]\n"+url+"[accounts]\nmulti_user = true", "accounts.multi_user", "has no effect without a [[pool]]")
}

func TestPoolsHaveOneAlgorithm(t *testing.T) {
	f := func(one, two, want string) {
		t.Helper()
		wantProblem(t, oneListener+onePool+"algorithm = '"+one+"'\n"+onePool+"name = 'b'\nalgorithm = '"+two+"'\n", "pool[2].algorithm", want)
	}
	f("scrypt", "scrypt", "")
	f("sha256", "sha256d", "")
	f("sha256", "scrypt", `expected the algorithm of pool[1], which is "sha256d"`)
}

func TestHTTPHosts(t *testing.T) {
	f := func(host, want string) {
		t.Helper()
		wantProblem(t, smallest+"[http]\nhosts = ['farm.example', '"+host+"']\n", "http.hosts[2]", want)
	}
	f("farm.example", "")
	f("10.0.0.7", "")
	f("2001:db8::1", "")
	f("Farm.example.", "")
	f("", "expected only a name or an IP address")
	f("*", `try "farm.example"`)
	f("*.farm.example", "expected only a name or an IP address")
	f("farm.example:443", `expected only a name or an IP address, as the reverse proxy sends it in Host; try "farm.example"`)
	f("https://farm.example/", `try "farm.example"`)
	f("[2001:db8::1]:80", `try "2001:db8::1"`)
	f("farm..example", "expected only a name")
	wantProblem(t, smallest+"[http]\nhosts = ['"+strings.Repeat("a','", MaxHosts)+"a']\n", "http.hosts", "expected at most 64 names, found 65")
	wantProblem(t, smallest+"[http]\nhosts = 'farm.example'\n", "http.hosts", "expected a list of strings, this is a string; try brackets around it")
}

// DNS has no names with an empty label.
func TestNamesOfHosts(t *testing.T) {
	f := func(host string, ok bool) {
		t.Helper()
		if validHost(host) != ok {
			t.Errorf("%q: %v", host, !ok)
		}
	}
	f("pool.example", true)
	f("pool.example.", true)
	f("POOL", true)
	f("_pool-1.example", true)
	f("10.0.0.1", true)
	f("fe80::1%eth0", true)
	f(strings.Repeat("x", 63)+".example", true)
	f("", false)
	f(".", false)
	f("pool..example", false)
	f(".pool.example", false)
	f("pool.example..", false)
	f("pool example", false)
	f("pöol.example", false)
	f(strings.Repeat("x", 64)+".example", false)
	f(strings.Repeat("x.", 127)+"x", false)
}

// The socket for commands is where the configuration says, or else where the service
// manager or farmproxy itself has a directory.
func TestAdminSocket(t *testing.T) {
	f := func(configured, runtimeDir, stateDir, want string) {
		t.Helper()
		c := Config{Admin: Admin{Socket: configured}}
		if got := c.AdminSocket(runtimeDir, stateDir); got != want {
			t.Errorf("%q, %q, %q: %q, want %q", configured, runtimeDir, stateDir, got, want)
		}
	}
	f("/srv/farm.sock", "/run/farmproxy", "/state", "/srv/farm.sock")
	f("", "/run/farmproxy", "/state", "/run/farmproxy/admin.sock")
	f("", "", "/state", "/state/admin.sock")
	f("", "", "", "")

	g := func(path, want string) {
		t.Helper()
		wantProblem(t, smallest+"[admin]\nsocket = '"+path+"'\n", "admin.socket", want)
	}
	g("/run/farmproxy/admin.sock", "")
	g("admin.sock", `expected an absolute path: commands come from other directories; try "/run/farmproxy/admin.sock"`)
	g("/"+strings.Repeat("x", 99), "")
	g("/"+strings.Repeat("x", 100), "expected a path of at most 100 bytes")
}

// Everyone who reaches the API may do anything, unless there are tokens.
func TestPublicAddressesNeedTokens(t *testing.T) {
	f := func(address, want string) {
		t.Helper()
		text := smallest + "[http]\naddress = '" + address + "'\n"
		wantProblem(t, text, "http.address", want)
		wantProblem(t, text+"token_file = '/etc/farmproxy/tokens'\n", "http.address", "")
	}
	const public = "expected an address that only this machine can reach"
	f("127.0.0.1:8080", "")
	f("127.8.8.8:0", "")
	f("[::1]:8080", "")
	f("localhost:8080", "")
	f(":8080", public+`: anyone who can reach it may do everything; try "127.0.0.1:8080", or token_file = "/etc/farmproxy/tokens" with lines like: admin TOKEN`)
	f("0.0.0.0:8080", public)
	f("[::]:8080", public)
	f("10.0.0.1:8080", public)
	f("farm.example:8080", public)
}

func TestUnknownKeys(t *testing.T) {
	f := func(text, key, want string) {
		t.Helper()
		wantProblem(t, smallest+text+"\n", key, want)
	}
	f("pasword = 'x'", "pool[1].pasword", "no such key in pool[1]; try password")
	f("[difficulty]\nstrat = 1", "difficulty.strat", "no such key in difficulty; try start")
	f("[dificulty]\nstart = 1", "dificulty", "no such key at the top of the file; try difficulty")
	f("[log]\nanswer = 'pool'", "log.answer", "no such key in log; try it under [miners]")
	f("[log]\naddress = ':1'", "log.address", "try it under [[listener]] or [http]")
	f("[log]\nstate_dir = '/x'", "log.state_dir", "try it under no table, at the top of the file")
	f("[http]\nzzz = 1", "http.zzz", "no such key in http, only address, token_file")
	f("[URL]", "URL", "no such key at the top of the file, only state_dir, listener")
}

func TestTooMany(t *testing.T) {
	listeners := strings.Repeat("[[listener]]\naddress = ':0'\n", MaxListeners)
	wantProblem(t, listeners+onePool, "listener", "")
	wantProblem(t, listeners+oneListener+onePool, "listener", "expected at most 64 listeners, found 65")
	wantProblem(t, oneListener+strings.Repeat(onePool, MaxPools+1), "pool", "expected at most 64 pools, found 65")
}

const (
	oneListener = "[[listener]]\naddress = '0.0.0.0:3333'\n"
	onePool     = "[[pool]]\nurl = 'stratum+tcp://pool.example:3333'\nuser = 'account'\n"
	oneRoute    = "[[route]]\nname = 'hall-1'\n[[route.goal]]\nname = 'main'\npools = ['pool.example:3333']\n"
	onePeriod   = "[[route.goal.schedule]]\nfrom = '22:00'\nto = '06:00'\nweight = 90\n"
)

// wantProblem parses text and expects a problem with that key whose sentence contains
// want, or, if want is empty, none with that key.
func wantProblem(t *testing.T, text, key, want string) {
	t.Helper()
	_, err := Parse([]byte(text))
	problems, _ := err.(Problems)
	var said []string
	for _, p := range problems {
		if p.Key == key {
			said = append(said, p.String())
		}
	}
	switch {
	case want == "" && len(said) > 0:
		t.Errorf("%s: unexpected: %q", text, said)
	case want != "" && (len(said) != 1 || !strings.Contains(said[0], want)):
		t.Errorf("%s\ngot  %q\nwant one on %s with %q\nall: %v", text, said, key, want, err)
	}
}
