package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"farmproxy/config"
	"farmproxy/session"
)

// onePool is a configuration with everything that a key of it may depend on.
func onePool() *config.Config {
	c := config.Default()
	c.Listeners = []config.Listener{{Address: "127.0.0.1:3333"}}
	c.Metrics.Proxy = "hall-1"
	c.Proxies.URLs = []config.Secret{"socks5://192.0.2.1:1080"}
	c.Alerts.QuietFrom, c.Alerts.QuietTo = "22:00", "06:00"
	c.Alerts.Rules = []config.AlertRule{{Name: "rejects", Enabled: true, For: time.Minute, Threshold: 0.1}}
	c.Alerts.Channels = []config.Channel{
		{Name: "ops", Kind: config.ChannelEmail, Gets: []string{"page"}, Server: "mail.example:587", TLS: config.MailStartTLS, From: "a@b.example", To: []string{"c@d.example"}, Secret: "s", URL: "https://x.example/y"},
	}
	c.Alerts.Curtailments = []config.Curtailment{{From: "17:00", To: "20:00"}}
	c.Pools = []config.Pool{{Name: "main", URL: "stratum+tls://pool.example:3333", User: "farm", Password: "x", Algorithm: "sha256d", Mode: config.ModeAggregate, Workers: config.WorkersAggregate, Links: 1}}
	return c
}

// withRoute is onePool with a route, and a pool that another puts into its goal.
func withRoute() *config.Config {
	c := onePool()
	c.Pools = append(c.Pools, c.Pools[0])
	c.Pools[1].Name = "192.0.2.3"
	c.Listeners[0].Route = "hall-1"
	c.Routes = []config.Route{{Name: "hall-1", Goals: []config.Goal{{Name: "all", Weight: 1, Pools: []string{"main"},
		Schedule: []config.Period{{From: "22:00", To: "06:00", Zone: "Europe/Berlin", Weight: 2}}}}}}
	return c
}

// otherValues are those of keys for which any text will not do.
var otherValues = map[string]string{
	"pool.url":             "stratum+tls://other.example:3333",
	"pool.algorithm":       "scrypt",
	"pool.mode":            config.ModeDirect,
	"pool.workers":         config.WorkersPass,
	"pool.tls_fingerprint": strings.Repeat("ab", 32),
	"miners.answer":        config.AnswerLocal,
	"proxies.direct":       config.DirectNever,
	"log.level":            "debug",
	"log.format":           "json",
	"share_log.format":     config.FormatCSV,

	"alerts.quiet_from": "23:00",
	"alerts.quiet_to":   "05:00",
	"alerts.zone":       "UTC",
	"alerts.rule.name":  "disk",

	"alerts.report_daily":   "08:00",
	"alerts.report_weekly":  "tue 08:00",
	"alerts.channel.kind":   config.ChannelWebhook,
	"alerts.channel.tls":    config.MailTLS,
	"alerts.channel.server": "mail.example:465",

	"alerts.curtailment.days": "sat",
	"alerts.curtailment.from": "16:00",
	"alerts.curtailment.to":   "19:00",

	"route.goal.schedule.days": "sat",
	"route.goal.schedule.from": "23:00",
	"route.goal.schedule.to":   "05:00",
	"route.goal.schedule.zone": "UTC",
}

// Every key of the configuration is in the settings, which apply brings to everybody
// while they run, or in the list of those that are read at the start alone.
func TestEveryKeyMayChangeOrIsSaidNotTo(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("admin "+strings.Repeat("t", 20)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	otherValues["http.token_file"], otherValues["alerts.channel.secret_file"] = tokens, tokens
	var known tlsConfigs
	meant := func(c *config.Config) string {
		s, err := plan(c, 1000, &known, new(certificates))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%+v", s)
	}
	if again := meant(withRoute()); again != meant(withRoute()) {
		t.Fatal("the same configuration means something else the second time")
	}
	keys := 0
	change := func(key string, set func(c *config.Config)) {
		keys++
		switch key {
		case "pool.unchecked":
			return // it lets another algorithm pass, and is none itself
		case "listener.tls.cert", "listener.tls.key", "http.tls.cert", "http.tls.key":
			return // they need files: see the tests of TLS
		}
		base := onePool
		if strings.HasPrefix(key, "route.") || key == "listener.route" {
			base = withRoute
		}
		c := base()
		set(c)
		if reflect.DeepEqual(c, base()) {
			t.Errorf("%s: the test does not change it", key)
		}
		atStart := false
		for start := range startKeys {
			atStart = atStart || key == start || strings.HasPrefix(key, start+".")
		}
		if changed := meant(c) != meant(base()); !changed && !atStart {
			t.Errorf("%s: another value changes nothing while farmproxy runs, and it is not in startKeys", key)
		}
	}
	var each func(key string, at func(c *config.Config) reflect.Value)
	each = func(key string, at func(c *config.Config) reflect.Value) {
		v := at(withRoute())
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
			each(key, func(c *config.Config) reflect.Value { return at(c).Index(0) })
			return
		}
		if _, is := v.Interface().(config.Hold); v.Kind() == reflect.Struct && !is {
			for i := range v.NumField() {
				name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("toml"), ",")
				each(strings.TrimPrefix(key+"."+name, "."), func(c *config.Config) reflect.Value { return at(c).Field(i) })
			}
			return
		}
		change(key, func(c *config.Config) { another(t, key, at(c)) })
	}
	each("", func(c *config.Config) reflect.Value { return reflect.ValueOf(c).Elem() })
	if keys < 45 {
		t.Errorf("%d keys were looked at", keys)
	}
}

// another gives a key another value.
func another(t *testing.T, key string, v reflect.Value) {
	if text, ok := otherValues[key]; ok {
		v.SetString(text)
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *string:
		*x += "x"
	case *config.Secret:
		*x += "x"
	case *bool:
		*x = !*x
	case *int:
		*x += 3
	case *float64:
		*x += 0.25
	case *time.Duration:
		*x += time.Hour
	case *config.Hold:
		*x = config.Hold{Forever: !x.Forever, Duration: time.Hour}
	case *[]string:
		*x = append(*x, "192.0.2.3") // a host, a balancer, or a pool
	case *[]config.Secret:
		*x = append(*x, "socks5://192.0.2.2:1080")
	default:
		t.Fatalf("%s: a %v", key, v.Type())
	}
}

// A proxy that runs works by other settings from the moment on that they are applied,
// and a miner that is there stays.
func TestSettingsAreAppliedWhileItRuns(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	var c *config.Config
	p, address := startProxy(t, func(it *config.Config) { c = it }, nil, pool)
	there := connect(t, address)
	there.work("farm.rig")
	apply := func(change func(*config.Config)) {
		t.Helper()
		change(c)
		s, err := p.plan(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.apply(&s); err != nil {
			t.Fatal(err)
		}
	}
	serves := p.directory
	apply(func(c *config.Config) {
		c.Miners.Max, c.Miners.MalformedLimit = 1, 2
		c.Metrics.PerWorker = false
		c.Pools[0].User = "other"
	})
	connect(t, address).wantClosed()
	eventually(t, "one too many is turned away", func() bool { return p.closed(session.Full) == 1 })
	if code, body := p.request(t, "GET", "/metrics", ""); code != 200 || strings.Contains(body, `farmproxy_worker_up{`) || !strings.Contains(body, "farmproxy_miners_max 1\n") {
		t.Errorf("/metrics: %d\n%s", code, body)
	}
	there.notification("mining.notify") // of the link under the other user
	there.wantAlive()
	if p.directory != serves || p.opened() != 2 {
		t.Errorf("%d connections", p.opened())
	}
	bad := *p.settings.Load()
	bad.miners.WorkerName = "{port}"
	if err := p.apply(&bad); err == nil || p.settings.Load().miners.WorkerName != "" {
		t.Errorf("what can't be understood is applied: %v", err)
	}
}
