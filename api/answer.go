package api

import (
	"fmt"
	"time"

	"farmproxy/stats"
	"farmproxy/work"
)

// The JSON of the API. Names and units never change meaning within v1: hash
// rates are in H/s over 5 minutes, work is in shares of difficulty 1, times are
// RFC 3339 in UTC or null for never.

type errorAnswer struct {
	Error string `json:"error"`
}

type readyAnswer struct {
	Ready bool   `json:"ready"`
	Error string `json:"error"` // "" when ready
	Store string `json:"store"` // why and since when the database is unavailable; "" when it is available
}

// Status is farmproxy at a glance.
type Status struct {
	Version    string  `json:"version"`
	PID        int     `json:"pid"`
	Uptime     float64 `json:"uptime_seconds"`
	Ready      bool    `json:"ready"`
	Error      string  `json:"error"` // why it is not ready; "" when it is
	Miners     int64   `json:"miners"`
	MinersMax  int64   `json:"miners_max"` // 0: not known yet
	Subscribed int64   `json:"subscribed"`
	Authorized int64   `json:"authorized"`
	Workers    int     `json:"workers"`    // names remembered
	WorkersUp  int     `json:"workers_up"` // those with a miner
	LinksUp    int     `json:"links_up"`
	Links      int     `json:"links"`
	Pool       string  `json:"pool"` // the active one, or ""
	Shares     tally   `json:"shares"`
	Work       struct {
		Accepted float64 `json:"accepted"`
		Rejected float64 `json:"rejected"`
	} `json:"work"`
	HashRate float64      `json:"hashrate"`
	Overlay  *OverlayNote `json:"overlay"` // null: pools and routes are those of the configuration file
}

// tally counts shares by verdict.
type tally struct {
	Accepted uint64            `json:"accepted"`
	Rejected map[string]uint64 `json:"rejected"` // by reason; only reasons that occurred
}

// Workers are some of the workers that match a query.
type Workers struct {
	paging
	Workers []Worker `json:"workers"`
}

// Worker is one of them.
type Worker struct {
	Name       string  `json:"name"`
	User       string  `json:"user"` // the account's name; "" for the configuration's pools
	Pool       string  `json:"pool"` // the last one it mined at; "" if none yet
	Algorithm  string  `json:"algorithm"`
	Listener   string  `json:"listener"` // that its most recent miner connected to; "" if unknown
	Group      string  `json:"group"`    // "" if it has none
	Up         bool    `json:"up"`
	Miners     int     `json:"miners"`
	Address    string  `json:"address"` // of the most recent miner
	Agent      string  `json:"agent"`   // of the most recent miner
	Difficulty float64 `json:"difficulty"`
	HashRate   float64 `json:"hashrate"`
	tally
	Work           float64    `json:"work"` // accepted
	LastShare      *time.Time `json:"last_share"`
	Reconnects     int        `json:"reconnects"`
	ConnectedSince *time.Time `json:"connected_since"`
}

type linksAnswer struct {
	Links []link `json:"links"`
	Pools []pool `json:"pools"`
}

type link struct {
	Pool        string `json:"pool"`
	Lane        int    `json:"lane"`
	User        string `json:"user"` // the account's name; "" for the configuration's pools
	State       string `json:"state"`
	Connects    uint64 `json:"connects"`
	Jobs        uint64 `json:"jobs"`
	CleanJobs   uint64 `json:"clean_jobs"`
	Submitted   uint64 `json:"submitted"`
	Resubmitted uint64 `json:"resubmitted"`
	InFlight    int64  `json:"in_flight"`
	tally
	Work        float64    `json:"work"` // accepted
	Difficulty  float64    `json:"difficulty"`
	Extranonce2 int        `json:"extranonce2_size"`
	VersionMask string     `json:"version_mask"`
	LastNotify  *time.Time `json:"last_notify"`
	Latency     latency    `json:"latency_seconds"`
	BytesUp     uint64     `json:"bytes_up"`
	BytesDown   uint64     `json:"bytes_down"`
	Malformed   uint64     `json:"malformed"` // lines and frames from the pool that could not be understood
}

// latency is a distribution of times in seconds, such as those from writing a share to the
// pool's verdict.
type latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Mean float64 `json:"mean"`
}

type pool struct {
	Name         string `json:"name"`
	URL          string `json:"url"`
	Level        int    `json:"level"`
	Up           bool   `json:"up"`
	Active       bool   `json:"active"`
	Extranonce2  uint32 `json:"extranonce2_size"` // 0: not known yet
	VersionMask  string `json:"version_mask"`
	Probes       uint64 `json:"probes"`
	Failures     uint64 `json:"failures"`
	NamesRefused uint64 `json:"names_refused"`
	LastError    string `json:"last_error"` // why it is down, or ""
	State        string `json:"state"`      // enabled, drained or disabled, by an operator's order
	Order        *Note  `json:"order"`      // null: enabled
}

func makeTally(s *stats.Shares) tally {
	t := tally{Accepted: s[work.Accepted], Rejected: map[string]uint64{}}
	for v, n := range s {
		if n > 0 && work.Verdict(v) != work.Accepted {
			t.Rejected[work.Verdict(v).String()] = n
		}
	}
	return t
}

func makeWorker(i *stats.WorkerInfo) Worker {
	return Worker{
		Name:           i.Name,
		User:           i.Account,
		Pool:           i.Pool,
		Algorithm:      i.Algorithm,
		Listener:       i.Listener,
		Group:          i.Group,
		Up:             i.Miners > 0,
		Miners:         i.Miners,
		Address:        stats.AddressText(i.Address),
		Agent:          i.Agent,
		Difficulty:     i.Difficulty,
		HashRate:       i.HashRate,
		tally:          makeTally(&i.Shares),
		Work:           i.Work,
		LastShare:      OrNull(i.LastShare),
		Reconnects:     i.Reconnects,
		ConnectedSince: OrNull(i.ConnectedSince),
	}
}

func makeLink(i *stats.LinkInfo) link {
	return link{
		Pool:        i.Pool,
		Lane:        i.Lane,
		User:        i.User,
		State:       i.State.String(),
		Connects:    i.Connects,
		Jobs:        i.Jobs,
		CleanJobs:   i.CleanJobs,
		Submitted:   i.Submitted,
		Resubmitted: i.Resubmitted,
		InFlight:    i.InFlight,
		tally:       makeTally(&i.Shares),
		Work:        i.Work[work.Accepted],
		Difficulty:  i.Difficulty,
		Extranonce2: i.Extranonce2,
		VersionMask: hex(i.VersionMask),
		LastNotify:  OrNull(i.LastNotify),
		Latency:     makeLatency(&i.Latency),
		BytesUp:     i.BytesUp,
		BytesDown:   i.BytesDown,
		Malformed:   i.Malformed,
	}
}

func (s *Server) makePool(p *stats.Pool) pool {
	a := pool{
		Name:         p.Name,
		URL:          p.URL,
		Level:        p.Level(),
		Up:           p.Up.Load(),
		Active:       p.Active.Load(),
		Extranonce2:  p.Extranonce2.Load(),
		VersionMask:  hex(p.VersionMask.Load()),
		Probes:       p.Probes.Load(),
		Failures:     p.Failures.Load(),
		NamesRefused: p.NamesRefused.Load(),
	}
	if e := p.LastError.Load(); e != nil && !a.Up {
		a.LastError = *e
	}
	a.State = Enabled
	if o := s.options.Orders.PoolOrder(p.Name); o != nil {
		a.State, a.Order = o.State, o.Order
	}
	return a
}

func hex(mask uint32) string { return fmt.Sprintf("%08x", mask) }

// OrNull returns t in UTC to the millisecond, or nil for the zero time.
func OrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = Moment(t)
	return &t
}

// Moment returns a time as answers have it: in UTC to the millisecond.
func Moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
