package live

import (
	"encoding/json"
	"time"
)

// Farm is the farm as a whole, at a tick. Its values are sent each time.
type Farm struct {
	Version     string  `json:"version"`
	Ready       bool    `json:"ready"`
	Error       string  `json:"error"` // why it is not ready; "" when it is
	Uptime      float64 `json:"uptime_seconds"`
	Miners      int64   `json:"miners"`
	MinersMax   int64   `json:"miners_max"`
	HashRate    float64 `json:"hashrate"`
	Shares      Tally   `json:"shares"`
	Remembers   bool    `json:"remembers"` // there is a history
	Pools       []Pool  `json:"pools"`
	Wrong       []Wrong `json:"wrong"` // what is wrong now, the worst first
	Off         []Off   `json:"off"`   // whose miners are off on purpose now
	WorkersUp   int     `json:"workers_up"`
	WorkersDown int     `json:"workers_down"`
	NeverSeen   int     `json:"workers_never_seen"` // expected, and never seen
}

// Tally counts shares by verdict.
type Tally struct {
	Accepted uint64            `json:"accepted"`
	Rejected map[string]uint64 `json:"rejected"`
}

// Pool is one pool, at a tick.
type Pool struct {
	Name       string   `json:"name"`
	URL        string   `json:"url"`
	State      string   `json:"state"` // enabled, drained or disabled
	Up         bool     `json:"up"`
	Active     bool     `json:"active"` // miners work at it
	Trouble    string   `json:"trouble"`
	Miners     int      `json:"miners"`
	HashRate   float64  `json:"hashrate"`
	Difficulty float64  `json:"difficulty"`
	Lag        *float64 `json:"lag_seconds"`     // behind the pool that told of a new block first, mean; nil: unknown
	Latency    *float64 `json:"latency_seconds"` // of verdicts, p50; nil: unknown
	Shares     Tally    `json:"shares"`

	CertificateEnds *time.Time `json:"certificate_ends"` // nil: not known, or it does not matter
}

// Wrong is something that is wrong now, in words.
type Wrong struct {
	Severe bool   `json:"severe"`
	Text   string `json:"text"`
}

// Off is a group whose miners are off on purpose: no alert speaks of them.
type Off struct {
	Group string    `json:"group"` // "": all miners
	Until time.Time `json:"until"`
}

// State is how a worker is.
type State uint8

const (
	Down   State = iota // no miner is connected under its name
	Up                  // it works
	Silent              // a miner is connected, and shares stay away
)

// row is a worker as events have it: all of it when it is new, or when what seldom changes
// has changed.
type row struct {
	id                                             uint32
	name                                           string
	group, pool, account, listener, address, agent string
	usual, rate                                    float64
	state                                          State
	reject                                         uint16 // rejected of the last shares, per mille
	since                                          int64  // since when it has been in its state, seconds since 1970; 0: never seen
}

// all returns where the fields are, in the order in which a row has them. It is an array:
// with 10,000 of them, names of fields would be half of what is sent.
func (r *row) all() []any {
	return []any{&r.id, &r.name, &r.group, &r.pool, &r.account, &r.listener, &r.address, &r.agent, &r.usual, &r.rate, &r.state, &r.reject, &r.since}
}

// rateFields is how many of what often returns are sent if only the hash rate has changed.
const rateFields = 2

// often returns the same for what often changes, and the id.
func (r *row) often() []any { return []any{&r.id, &r.rate, &r.state, &r.reject, &r.since} }

// UnmarshalJSON reads an array of all fields.
func (r *row) UnmarshalJSON(b []byte) error {
	fields := r.all()
	return json.Unmarshal(b, &fields)
}

// change is a row of what often changes.
type change struct {
	row
	onlyRate bool // the rest is as before
}

// UnmarshalJSON reads an array of the fields that often change, or of the first of them.
func (c *change) UnmarshalJSON(b []byte) error {
	fields := c.often()
	err := json.Unmarshal(b, &fields)
	c.onlyRate = len(fields) == rateFields
	return err
}

// head is an event without workers.
type head struct {
	Seq    uint64 `json:"seq"`
	Time   int64  `json:"time"` // ms since 1970
	Zone   string `json:"zone,omitempty"`
	Offset int    `json:"offset"` // of the farm's time zone, in seconds
	Full   bool   `json:"full,omitempty"`
	Farm   *Farm  `json:"farm"`
}

// message is an event as it is read: everything, or what differs. It is written by
// Feed, piece by piece.
type message struct {
	head
	New    []row    `json:"new"`
	Change []change `json:"change"`
	Gone   []uint32 `json:"gone"`
}
