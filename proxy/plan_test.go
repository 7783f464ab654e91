package proxy

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"farmproxy/config"
	"farmproxy/dial"
	"farmproxy/upstream"
)

func TestHoldIsWired(t *testing.T) {
	f := func(h config.Hold, want time.Duration) {
		t.Helper()
		if got := hold(h); got != want {
			t.Errorf("%s: %v, want %v", h, got, want)
		}
	}
	f(config.Hold{Forever: true}, 0) // as upstream says it
	f(config.Hold{Duration: time.Minute}, time.Minute)
	f(config.Hold{}, time.Nanosecond) // at once, and not for ever
}

// return_after = "0s" was two minutes, upstream's default.
func TestABetterPoolIsUsedAtOnce(t *testing.T) {
	f := func(after, want time.Duration) {
		t.Helper()
		c := onePool()
		c.Failover.ReturnAfter = after
		s, err := plan(c, 1000, new(tlsConfigs), new(certificates))
		if err != nil || s.links.Failover.ReturnAfter != want {
			t.Errorf("%v: %v, want %v; %v", after, s.links.Failover.ReturnAfter, want, err)
		}
	}
	f(0, time.Nanosecond)
	f(time.Minute, time.Minute)
}

func TestUserAgents(t *testing.T) {
	f := func(url, chosen, want string) {
		t.Helper()
		p := new(tlsConfigs).pool(&config.Pool{URL: url, UserAgent: chosen, Algorithm: "sha256d"})
		if p.UserAgent != want {
			t.Errorf("%s, %q: %q, want %q", url, chosen, p.UserAgent, want)
		}
	}
	f("stratum+tcp://pool.example:3333", "", "farmproxy/"+Version())
	f("stratum+tcp://pool.example:3333", "cgminer/4.12.1", "cgminer/4.12.1")
	f("agent+tcp://pool.example:3333", "", "btccom-agent/2.0.0-mu")
	f("agent+tls://pool.example:3333", "btccom-agent/3", "btccom-agent/3")
}

func TestAgentPoolIsWired(t *testing.T) {
	p := new(tlsConfigs).pool(&config.Pool{URL: "agent+tls://pool.example:443", FixedWorker: "edge", Algorithm: "sha256d"})
	if p.Dialect != upstream.Agent || p.FixedWorker != "edge" || p.TLS == nil || p.Address != "pool.example:443" || p.PassWorkers || p.Direct {
		t.Errorf("%+v", p)
	}
	if p := new(tlsConfigs).pool(&config.Pool{URL: "stratum+tls://pool.example:443", Algorithm: "sha256d"}); p.Dialect != upstream.Stratum || p.TLS == nil {
		t.Errorf("%+v", p)
	}
}

func TestReadinessNeedsALinkWhereThereIsOneWithoutMiners(t *testing.T) {
	f := func(c config.Config, want bool) {
		t.Helper()
		if got := needsLink(&c); got != want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	pools := []config.Pool{{}}
	f(config.Config{Pools: pools}, true)
	f(config.Config{}, false)
	f(config.Config{Pools: pools, Accounts: config.Accounts{MultiUser: true}}, false)
}

func TestProxiesAreWired(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, way := range []string{config.DirectAfter, config.DirectBeside, config.DirectFirst, config.DirectNever} {
		if _, known := directWays[way]; !known {
			t.Errorf("%s: not known", way)
		}
		if d, err := dialer(proxies(&config.Proxies{URLs: []config.Secret{"socks5://u:hunter2@127.0.0.1:1080"}, Direct: way}), log); err != nil || d == nil {
			t.Errorf("%s: %v", way, err)
		}
	}
	if len(directWays) != 4 || directWays[config.DirectNever] != dial.DirectNever {
		t.Errorf("%v", directWays)
	}
	_, err := dialer(proxies(&config.Proxies{URLs: []config.Secret{"ftp://u:hunter2@127.0.0.1:1080"}}), log)
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "[proxies]") {
		t.Errorf("%v", err)
	}
}

func TestWhomPoolsServe(t *testing.T) {
	pools := []config.Pool{{Name: "a", Algorithm: "sha256d"}, {Name: "b", Algorithm: "sha256d"}}
	f := func(c config.Config, want upstream.Kind) {
		t.Helper()
		e, err := new(tlsConfigs).others(&c)
		if err != nil || len(e) != 1 || e[0].Kind != want || len(e[0].Goals) != 1 || len(e[0].Goals[0].Pools) != len(c.Pools) || e[0].Name != "" {
			t.Errorf("%+v, %v", e, err)
		}
	}
	f(config.Config{Pools: pools}, upstream.Kind{Kept: true})
	f(config.Config{Pools: pools, Accounts: config.Accounts{MultiUser: true}}, upstream.Kind{PerUser: true})
}

// The document names every key that is read only at the start: who changes one is refused.
func TestKeysReadAtTheStartAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sentence, _ := strings.Cut(string(text), "These keys are read only at the start")
	sentence, _, _ = strings.Cut(sentence, "\n")
	for key := range startKeys {
		if !strings.Contains(sentence, "`"+key+"`") && !strings.Contains(sentence, "`["+key+"]`") {
			t.Errorf("%s: docs/configuration.md does not say that it is read only at the start", key)
		}
	}
}

// Each key, changed alone, is in the list of what is refused, or it is not.
func TestUnchangeable(t *testing.T) {
	f := func(key string, refused bool) {
		t.Helper()
		got := unchangeable([]config.Change{{Kind: config.Set, Key: key, From: "1", To: "2"}})
		if len(got) > 0 != refused {
			t.Errorf("%s: %v", key, got)
		}
	}
	f("miners.loops", true)
	f("state_dir", true)
	f("store.url", true)
	f("store.key_file", true)
	f("http.address", false)
	f("http.tls.cert", false)
	f("admin.socket", true)
	f("miners.max", false)
	f("http.token_file", false)
	f("listener", false)
	f("listener.tls.cert", false)
	f("pool", false)
	f("metrics.proxy", false)
}
