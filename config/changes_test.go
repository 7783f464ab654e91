package config

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// twoPools is what the tests of changes begin with.
const twoPools = `
[[listener]]
address = "0.0.0.0:3333"
[[listener]]
address = "0.0.0.0:3334"
[[pool]]
name = "a"
url = "stratum+tcp://a.example:3333"
user = "farm"
password = "hunter2"
[[pool]]
name = "b"
url = "stratum+tcp://b.example:3333"
user = "farm"
`

// Each case replaces a text in the file by another one, and says what that changes.
func TestChanges(t *testing.T) {
	f := func(old, new string, want ...string) {
		t.Helper()
		text := strings.Replace(twoPools, old, new, 1)
		if text == twoPools && old != new {
			t.Fatalf("%q is not in the file", old)
		}
		from, to := mustParse(t, twoPools), mustParse(t, text)
		var got []string
		for _, c := range Changes(from, to) {
			got = append(got, c.String())
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("%q to %q:\ngot  %q\nwant %q", old, new, got, want)
		}
		if same := from.Fingerprint() == to.Fingerprint(); same != (len(want) == 0 || strings.HasPrefix(want[0], "set pool a: password")) {
			t.Errorf("%q to %q: the same fingerprint: %v", old, new, same)
		}
	}
	const poolA = "[[pool]]\nname = \"a\"\nurl = \"stratum+tcp://a.example:3333\"\nuser = \"farm\"\npassword = \"hunter2\"\n"
	const poolB = "[[pool]]\nname = \"b\"\nurl = \"stratum+tcp://b.example:3333\"\nuser = \"farm\"\n"
	const poolC = "[[pool]]\nname = \"c\"\nurl = \"stratum+tcp://c.example:3333\"\nuser = \"farm\"\n"
	f("", "")
	f("", "# a comment\n")
	f("", "[http]\nhosts = []\n")
	f("", "[difficulty]\nstart = 32768\n", "set difficulty.start from 16384 to 32768")
	f("", "[log]\nlevel = \"debug\"\n", `set log.level from "info" to "debug"`)
	f("", "[failover]\nhold = \"forever\"\n", `set failover.hold from "10m" to "forever"`)
	f("", "[miners]\nkeepalive = \"30s\"\n", `set miners.keepalive from "25s" to "30s"`)
	f("", "[http]\nhosts = [\"farm.example\"]\n", `set http.hosts from [] to ["farm.example"]`)
	f("", "[proxies]\nurls = [\"socks5://u:hunter2@192.0.2.1:1080\"]\n", `set proxies.urls from [] to ["***"]`)
	f("", "[[alerts.rule]]\nname = \"rejects\"\n", "add alerts.rule rejects")
	f("", "[[alerts.curtailment]]\nfrom = \"17:00\"\nto = \"20:00\"\n", "add alerts.curtailment daily 17:00-20:00")
	f("hunter2", "hunter3", `set pool a: password from "***" to "***"`)
	f(poolB, "", "remove pool b")
	f(poolB, poolB+poolC, "add pool c")
	f(poolB, poolC, "remove pool b; add pool c")
	f(poolA+poolB, poolB+poolA, "move pool b from place 2 to 1; move pool a from place 1 to 2")
	f(poolA+poolB, poolC+poolA+poolB, "add pool c")
	f("b.example", "c.example", `set pool b: url from "stratum+tcp://b.example:3333" to "stratum+tcp://c.example:3333"`)
	f("0.0.0.0:3334", "0.0.0.0:3335", "remove listener 0.0.0.0:3334; add listener 0.0.0.0:3335")
	f("address = \"0.0.0.0:3334\"", "address = \"0.0.0.0:3334\"\nproxy_protocol = [\"192.0.2.1\"]", `set listener 0.0.0.0:3334: proxy_protocol from [] to ["192.0.2.1"]`)
	f("", "state_dir = \"/var/lib/other\"\n", `set state_dir from "" to "/var/lib/other"`)
}

// Two pools may be called the same in a file that is refused for it; each is compared.
func TestChangesOfNamesThatComeTwice(t *testing.T) {
	from := &Config{Listeners: []Listener{{Address: ":0"}, {Address: ":0"}}}
	to := &Config{Listeners: []Listener{{Address: ":0"}}}
	if got := Changes(from, to); len(got) != 1 || got[0].String() != "remove listener :0 (2)" {
		t.Errorf("%v", got)
	}
}

// What is shown reads like the file, and has no secret in it.
func TestShown(t *testing.T) {
	c := mustParse(t, twoPools+"[proxies]\nurls = [\"socks5://u:hunter2@192.0.2.1:1080\"]\n[store]\nurl = \"postgres://u:hunter2@db.example/f\"\n")
	text, err := json.Marshal(c.Shown())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"address":"0.0.0.0:3333"`, `"password":"***"`, `"urls":["***"]`, `"url":"***"`, `"keepalive":"25s"`, `"hold":"10m"`, `"start":16384`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(string(text), "hunter2") {
		t.Errorf("a secret in %s", text)
	}
	if c.Difficulty.Start = 1; c.Failover.ProbeEvery != 5*time.Minute {
		t.Error("Shown changes it")
	}
}

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
