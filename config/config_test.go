package config

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A password is seen by the pool and by nobody else.
func TestPasswordsAreNeverShown(t *testing.T) {
	c, err := Parse([]byte(smallest + `password = "hunter2"`))
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Pools[0].Password) != "hunter2" {
		t.Fatalf("the password that is sent: %q", string(c.Pools[0].Password))
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("", "config", c, "pool", c.Pools[0], "password", c.Pools[0].Password)
	}
	for _, shown := range []string{
		fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c.Pools), fmt.Sprintf("sent: %s", c.Pools[0].Password),
		string(asJSON), logged.String(),
	} {
		if strings.Contains(shown, "hunter2") || !strings.Contains(shown, redacted) {
			t.Errorf("%s", shown)
		}
	}
	if shown := fmt.Sprint(Secret("")); shown != "" {
		t.Errorf("no password is shown as %q", shown)
	}
}

func TestProblemsDoNotShowPasswords(t *testing.T) {
	for _, text := range []string{
		"password = \"hunter2\\n\"",
		"password = [\"hunter2\"]",
		"pasword = \"hunter2\"",
		"password = 1234-hunter2",
		"url = \"stratum+tcp://user:hunter2@pool.example:3333\"",
		"password = { hunter2 = 1 }",
		"[store]\nurl = [\"postgres://u:hunter2@h/d\"]",
		"[store]\nurl = \"mysql://u:hunter2@h/d\"",
		"[store]\nurl = \"postgres://u:hunter2%@h/d\"",
		"[store]\nurl = postgres://u:hunter2@h/d",
		"[proxies]\nurls = 'socks5://u:hunter2@h:1'",
		"[proxies]\nurls = ['u:hunter2@h:1', 'http://u:hunter2@h', 'http://u:hunter2%@h:1', 'http://u:hunter2@h:1/p', 'http://:hunter2@h:1']",
		"[proxies]\nurls = [['hunter2']]",
		"[proxies]\nurls = [socks5://u:hunter2@h:1]",
		"[proxies]\nurls = ['system', http://u:hunter2@h:1]",
	} {
		_, err := Parse([]byte("[[pool]]\n" + text))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestPoolEndpoint(t *testing.T) {
	f := func(url, address, host string, tls, agent bool) {
		t.Helper()
		p := &Pool{URL: url}
		if p.Address() != address || p.Host() != host || p.TLS() != tls || p.Agent() != agent {
			t.Errorf("%s: %q, %q, %v, %v", url, p.Address(), p.Host(), p.TLS(), p.Agent())
		}
	}
	f("stratum+tcp://pool.example:3333", "pool.example:3333", "pool.example", false, false)
	f("stratum+tls://pool.example:443/", "pool.example:443", "pool.example", true, false)
	f("stratum+tls://[2001:db8::1]:443", "[2001:db8::1]:443", "2001:db8::1", true, false)
	f("agent+tcp://pool.example:1800", "pool.example:1800", "pool.example", false, true)
	f("agent+tls://pool.example:443", "pool.example:443", "pool.example", true, true)
	f("stratum+tcp://pool.example", "", "pool.example", false, false)
	f("::", "", "", false, false)
}

func TestFingerprint(t *testing.T) {
	const want = "1b605919b861d76dcbbf80ddc27bb7a143a5f38b7bc4c0f374c6027470e19bc3"
	f := func(text string, ok bool) {
		t.Helper()
		p := &Pool{TLSFingerprint: text}
		sum, got := p.Fingerprint()
		if got != ok || ok && hex.EncodeToString(sum[:]) != want {
			t.Errorf("%q: %x, %v", text, sum, got)
		}
	}
	f(want, true)
	f(strings.ToUpper(want), true)
	f("1b:60:59:19:b8:61:d7:6d:cb:bf:80:dd:c2:7b:b7:a1:43:a5:f3:8b:7b:c4:c0:f3:74:c6:02:74:70:e1:9b:c3", true)
	f("", false)
	f(want[2:], false)
	f(want+"00", false)
}

func TestHoldIsWrittenAsRead(t *testing.T) {
	f := func(h Hold, want string) {
		t.Helper()
		if got := h.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(Hold{Forever: true}, "forever")
	f(Hold{}, "0s")
	f(Hold{Duration: 10 * time.Minute}, "10m")
	f(Hold{Duration: 24 * time.Hour}, "24h")
	f(Hold{Duration: 90 * time.Second}, "1m30s")
	f(Hold{Duration: 100 * time.Second}, "1m40s")
}

func TestKeyLines(t *testing.T) {
	got := keyLines(`# comment = 1
state_dir = "/x" # = 2
[[pool]]
  url = "a=b"
"user" = """
name = "inside a string"
"""
[[ pool ]]
url="x"
[ miners ]
max=1
max = 2
log.level = 'x'
pools = [
]
[[listener]]
[listener.tls]
cert = "/x"`)
	for key, want := range map[string]int{
		"state_dir": 2, "pool": 3, "pool[1]": 3, "pool[1].url": 4, "pool[1].user": 5, "pool[1].name": 0,
		"pool[2]": 8, "pool[2].url": 9, "miners": 10, "miners.max": 11, "miners.log.level": 13,
		"listener[1].tls": 17, "listener[1].tls.cert": 18, "listener.tls.cert": 0,
	} {
		if got[key] != want {
			t.Errorf("%s: line %d, want %d", key, got[key], want)
		}
	}
}

func TestEdits(t *testing.T) {
	f := func(a, b string, want int) {
		t.Helper()
		if got := edits(a, b); got != want {
			t.Errorf("%s to %s: %d, want %d", a, b, got, want)
		}
		if got := edits(b, a); got != want {
			t.Errorf("%s to %s: %d, want %d", b, a, got, want)
		}
	}
	f("", "", 0)
	f("", "url", 3)
	f("url", "url", 0)
	f("ulr", "url", 1)
	f("adress", "address", 1)
	f("strat", "start", 1)
	f("pol", "pool", 1)
	f("password", "passwort", 1)
	f("kitten", "sitting", 3)
}

// Whatever a file holds, the answer is a Config without a fault or Problems
// that can be printed.
func FuzzParse(f *testing.F) {
	for _, text := range []string{smallest, "[[pool]]\nurl='x://y'\n[pool.x]", "listener=[{}]\npool=[1]", "[failover]\nhold=1979-05-27", twoRoutes} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		if err == nil {
			if ps := c.validate(); len(ps) > 0 {
				t.Fatalf("accepted with %v", ps)
			}
			return
		}
		if ps, ok := err.(Problems); c != nil || !ok || len(ps) == 0 || err.Error() == "" {
			t.Fatalf("%v, %v", c, err)
		}
	})
}
