package config

import (
	"strings"
	"time"
)

// Default returns a configuration with every default filled in. Listeners and pools are
// empty, because only the farm knows them.
func Default() *Config {
	return &Config{
		Miners: Miners{
			SubscribeTimeout: 15 * time.Second, // scanners say nothing; the slowest firmware seen needs 2 s
			AuthorizeTimeout: time.Minute,
			MalformedLimit:   10,
			ResumeWindow:     time.Minute,
			Keepalive:        25 * time.Second, // the most impatient firmware leaves after 55 s without a job
			Answer:           AnswerPool,

			ReconnectLostRolling: true, // such a miner hashes slower and draws more power until told to reconnect
		},
		Workers: Workers{Remember: 30 * day},
		// No honest farm meets these, even behind one address: 10,000 miners that come
		// back at once, or one at the highest share rate that can be set.
		Limits: Limits{
			Connects: 500, Messages: 1000, Shares: 200, InvalidShares: 20, AuthorizeAttempts: 30,
			BanAfter: 20, BanTime: 10 * time.Minute,
		},
		Difficulty: Difficulty{
			Start:           16384, // a 10 TH/s miner finds 8.5 a minute
			Min:             1,
			SharesPerMinute: 6,
		},
		Failover: Failover{
			Hold:        Hold{Duration: 10 * time.Minute},
			ReturnAfter: 2 * time.Minute,
			ProbeEvery:  5 * time.Minute,
			Silence:     3 * time.Minute,
			RejectRate:  0.5,
			BackoffMax:  30 * time.Second,
		},
		Proxies: Proxies{Direct: DirectAfter},
		HTTP:    HTTP{Address: "127.0.0.1:8080", RegistrationsPerMinute: 60},
		Metrics: Metrics{PerWorker: true},
		ShareLog: ShareLog{
			Format:           FormatJSON,
			SegmentMegabytes: 64, // an hour at 1,000 shares per second
			RotateEvery:      time.Hour,
			KeepMegabytes:    10_240,
		},
		History: History{
			Enabled:     true,
			WorkerSteps: 7 * day,
			WorkerHours: 90 * day,
			Minutes:     30 * day,
			Hours:       2 * 365 * day,
			Events:      90 * day,
		},
		Audit:  Audit{QuietLinks: true},
		Alerts: Alerts{Enabled: true, CoolDown: 30 * time.Minute, ReportDaily: "07:00", ReportWeekly: "mon 07:00"},
		Log:    Log{Level: "info", Format: "text"},
	}
}

const day = 24 * time.Hour

// defaultPool is the starting point for each [[pool]].
func defaultPool() Pool {
	return Pool{Password: "x", Workers: WorkersAggregate, Links: 1, Algorithm: algorithmSHA256d, Mode: ModeAggregate}
}

// defaultGoal is the starting point for each [[route.goal]]: goals without weights get
// equal parts.
func defaultGoal() Goal { return Goal{Weight: 1} }

// The account proxy called sha256d sha256; both names are accepted.
const (
	algorithmSHA256d = "sha256d"
	algorithmSHA256  = "sha256"
)

// derive fills in what depends on other keys: a pool's name, a listener's route, the
// proxy's name, and a starting difficulty if the file sets only its bounds. It also gives each algorithm
// its canonical name.
func (c *Config) derive(given keySet) {
	for i := range c.Pools {
		p := &c.Pools[i]
		if p.Name == "" {
			p.Name = p.Address()
		}
		if p.Algorithm = strings.ToLower(p.Algorithm); p.Algorithm == algorithmSHA256 {
			p.Algorithm = algorithmSHA256d
		}
	}
	for i := range c.Listeners {
		if l := &c.Listeners[i]; l.Route == "" && len(c.Routes) > 0 {
			l.Route = c.Routes[0].Name
		}
	}
	c.Alerts.derive(given)
	if c.Metrics.Proxy == "" && len(c.Listeners) > 0 {
		c.Metrics.Proxy = c.Listeners[0].Address
	}
	for i, host := range c.HTTP.Hosts {
		c.HTTP.Hosts[i] = strings.ToLower(strings.TrimSuffix(host, "."))
	}
	if d := &c.Difficulty; !given["difficulty.start"] {
		if d.Min <= maxDifficulty { // otherwise only that is reported
			d.Start = max(d.Start, d.Min)
		}
		if d.Max > 0 {
			d.Start = min(d.Start, d.Max)
		}
	}
}
