package stats

import (
	"bytes"
	"encoding/json"
	"time"

	"farmproxy/work"
)

// The state of a Book is what one process hands over to the next, so that no counter
// goes back and no hash rate starts anew: JSON values one after another, the version
// first, then one value for each pool, link, total, worker and miner. Names stand for
// verdicts and close reasons, and bounds for buckets, so that versions with more of
// them understand each other; unknown fields are ignored.
//
// Miners count as connected in the next process too: who takes them over finds their
// books with Book.Worker and Book.OpenedMiner, without Connected and OpenMiner. How a
// link is doing is for the next link to say: see Book.OpenLink.

// stateVersion is the version of the state. A version reads its neighbours' states:
// raise it if a field changes its meaning, not if one is added.
const stateVersion = 1

// stateValue is one value of the state: one of its fields is set.
type stateValue struct {
	Version int          `json:"version,omitempty"`
	Proxy   *proxyState  `json:"proxy,omitempty"`
	Pool    *poolState   `json:"pool,omitempty"`
	Link    *linkState   `json:"link,omitempty"`
	Total   *totalState  `json:"total,omitempty"`
	Worker  *workerState `json:"worker,omitempty"`
	Miner   *minerState  `json:"miner,omitempty"`
}

// age is a time before the moment of the state, in milliseconds; negative: never.
type age int64

const never age = -1

// tally counts by the name of a verdict or a reason; only what occurred.
type tally[T uint32 | uint64 | float64] map[string]T

type proxyState struct {
	UptimeMS    age            `json:"uptime_ms"`
	LeftOut     uint64         `json:"log_lines_left_out,omitempty"`
	ShareLog    [2]uint64      `json:"share_log,omitzero"` // written, left out
	Miners      int64          `json:"miners,omitempty"`
	Subscribed  int64          `json:"subscribed,omitempty"`
	Authorized  int64          `json:"authorized,omitempty"`
	Agents      int64          `json:"agents,omitempty"`
	Opened      uint64         `json:"opened,omitempty"`
	Resumed     uint64         `json:"resumed,omitempty"`
	LostRolling uint64         `json:"lost_version_rolling,omitempty"`
	UsersNoRoom uint64         `json:"users_refused_all_addresses,omitempty"`
	UsersCrowd  uint64         `json:"users_refused_one_address,omitempty"`
	Messages    uint64         `json:"messages,omitempty"`
	Malformed   uint64         `json:"malformed,omitempty"`
	Notifies    uint64         `json:"notifies,omitempty"`
	BytesIn     uint64         `json:"bytes_in,omitempty"`
	BytesOut    uint64         `json:"bytes_out,omitempty"`
	Closed      tally[uint64]  `json:"closed,omitempty"`
	Shares      tally[uint64]  `json:"shares,omitempty"`
	Work        tally[float64] `json:"work,omitempty"`
}

type poolState struct {
	Name         string `json:"name"`
	URL          string `json:"url"`
	Up           bool   `json:"up,omitempty"`
	LastError    string `json:"last_error,omitempty"`
	Extranonce2  uint32 `json:"extranonce2_size,omitempty"`
	VersionMask  uint32 `json:"version_mask,omitempty"`
	Probes       uint64 `json:"probes,omitempty"`
	Failures     uint64 `json:"failures,omitempty"`
	NamesRefused uint64 `json:"names_refused,omitempty"`
	BitsReduced  uint64 `json:"version_bits_reduced,omitempty"`
}

type linkState struct {
	Pool        string         `json:"pool"`
	Lane        int            `json:"lane"`
	User        string         `json:"user,omitempty"`
	Connects    uint64         `json:"connects,omitempty"`
	Jobs        uint64         `json:"jobs,omitempty"`
	CleanJobs   uint64         `json:"clean_jobs,omitempty"`
	Submitted   uint64         `json:"submitted,omitempty"`
	Resubmitted uint64         `json:"resubmitted,omitempty"`
	BytesUp     uint64         `json:"bytes_up,omitempty"`
	BytesDown   uint64         `json:"bytes_down,omitempty"`
	Malformed   uint64         `json:"malformed,omitempty"`
	LastNotify  int64          `json:"last_notify_unix_ns,omitempty"`
	Shares      tally[uint64]  `json:"shares,omitempty"`
	Work        tally[float64] `json:"work,omitempty"`
	Latency     latencyState   `json:"latency"`
}

// latencyState is a histogram: how many durations each bucket holds, by its upper bound
// in milliseconds; 0 stands for the one above all bounds.
type latencyState struct {
	Buckets [][2]uint64 `json:"buckets,omitempty"`
	SumNS   int64       `json:"sum_ns,omitempty"`
}

// windowState is the work of the last buckets, the newest first.
type windowState struct {
	NewestMS age       `json:"newest_ms"` // since the newest bucket began
	Work     []float32 `json:"work"`
}

// totalState is an account's, a pool's or an algorithm's; the other two names are "".
type totalState struct {
	Account   string        `json:"account,omitempty"`
	Pool      string        `json:"pool,omitempty"`
	Algorithm string        `json:"algorithm,omitempty"`
	Miners    int           `json:"miners,omitempty"` // connected
	SeenMS    age           `json:"seen_ms"`
	BeganMS   age           `json:"began_ms"`
	Shares    tally[uint64] `json:"shares,omitempty"`
	Work      float64       `json:"work,omitempty"`
	Window    *windowState  `json:"window,omitempty"`
}

type workerState struct {
	Name        string        `json:"name"`
	Account     string        `json:"account,omitempty"`
	Pool        string        `json:"pool,omitempty"`
	Algorithm   string        `json:"algorithm,omitempty"`
	Address     string        `json:"address,omitempty"`
	Agent       string        `json:"agent,omitempty"`
	Miners      uint32        `json:"miners,omitempty"` // connected
	SeenMS      age           `json:"seen_ms"`
	LastShareMS age           `json:"last_share_ms"`
	BeganMS     age           `json:"began_ms"`
	SinceMS     age           `json:"since_ms"`
	MostMiners  uint32        `json:"most_miners,omitempty"`
	Connects    uint32        `json:"connects,omitempty"`
	Difficulty  float64       `json:"difficulty,omitempty"`
	Accepted    uint64        `json:"accepted,omitempty"`
	Rejected    tally[uint32] `json:"rejected,omitempty"`
	Work        float64       `json:"work,omitempty"`
	Window      *windowState  `json:"window,omitempty"`
}

type minerState struct {
	Address      string       `json:"address"`
	User         string       `json:"user,omitempty"`
	Hash         string       `json:"hash"`
	Pool         string       `json:"pool"`
	Tells        bool         `json:"tells,omitempty"`
	Open         int          `json:"open,omitempty"`
	LeftMS       age          `json:"left_ms"`
	BeganMS      age          `json:"began_ms"`
	Sent         uint64       `json:"sent,omitempty"`
	Accepted     uint64       `json:"accepted,omitempty"`
	SentWork     float64      `json:"sent_work,omitempty"`
	AcceptedWork float64      `json:"accepted_work,omitempty"`
	Difficulty   float64      `json:"difficulty,omitempty"`
	Window       *windowState `json:"window,omitempty"`
}

// State returns the state of the book, for Restore in another process. Any goroutine may
// call it; what is counted meanwhile may or may not be in it. For 10,000 workers it
// takes some ten milliseconds, and Restore fifty.
func (b *Book) State() []byte {
	now := b.now()
	var out bytes.Buffer
	each := json.NewEncoder(&out)
	each.SetEscapeHTML(false)
	put := func(v stateValue) {
		if err := each.Encode(v); err != nil {
			panic("stats: the state of a book can't be encoded: " + err.Error()) // a number that is none: a mistake of ours
		}
	}
	put(stateValue{Version: stateVersion})
	put(stateValue{Proxy: b.proxyState(now)})
	pools, links := b.everything()
	for _, p := range pools {
		put(stateValue{Pool: p.state()})
	}
	for _, l := range links {
		put(stateValue{Link: l.state()})
	}
	for kind := range numTotals {
		for _, t := range b.ledger.list(nil, kind) {
			put(stateValue{Total: t.state(kind, now)})
		}
	}
	for _, w := range b.workers.all() {
		put(stateValue{Worker: w.state(now)})
	}
	miners, _ := b.miners.all(nil)
	for _, m := range miners {
		put(stateValue{Miner: b.miners.state(m, now)})
	}
	return out.Bytes()
}

func (b *Book) proxyState(now time.Time) *proxyState {
	t := b.totals()
	written, left, _ := b.shareLogCounts()
	return &proxyState{
		ShareLog:    [2]uint64{written, left},
		UptimeMS:    age(b.uptime(now).Milliseconds()),
		LeftOut:     b.linesLeftOut(),
		Miners:      t.miners,
		Subscribed:  t.subscribed,
		Authorized:  t.authorized,
		Agents:      t.agents,
		Opened:      t.opened,
		Resumed:     t.resumed,
		LostRolling: t.lostRolling,
		UsersNoRoom: t.usersNoRoom,
		UsersCrowd:  t.usersCrowd,
		Messages:    t.messages,
		Malformed:   t.malformed,
		Notifies:    t.notifies,
		BytesIn:     t.bytesIn,
		BytesOut:    t.bytesOut,
		Closed:      tallyOf(t.closed, func(i int) string { return b.options.CloseReasons[i] }),
		Shares:      tallyOf(t.shares[:], verdictName),
		Work:        tallyOf(t.work[:], verdictName),
	}
}

func verdictName(i int) string { return work.Verdict(i).String() }

// tallyOf returns the counts by name; nil if nothing occurred.
func tallyOf[T uint32 | uint64 | float64](counts []T, name func(i int) string) tally[T] {
	var t tally[T]
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if t == nil {
			t = make(tally[T])
		}
		t[name(i)] = n
	}
	return t
}

func (p *Pool) state() *poolState {
	s := &poolState{
		Name:         p.Name,
		URL:          p.URL,
		Up:           p.Up.Load(),
		Extranonce2:  p.Extranonce2.Load(),
		VersionMask:  p.VersionMask.Load(),
		Probes:       p.Probes.Load(),
		Failures:     p.Failures.Load(),
		NamesRefused: p.NamesRefused.Load(),
		BitsReduced:  p.VersionBitsReduced.Load(),
	}
	if e := p.LastError.Load(); e != nil {
		s.LastError = *e
	}
	return s
}

func (l *Link) state() *linkState {
	i := l.info()
	return &linkState{
		Pool:        i.Pool,
		Lane:        i.Lane,
		User:        i.User,
		Connects:    i.Connects,
		Jobs:        i.Jobs,
		CleanJobs:   i.CleanJobs,
		Submitted:   i.Submitted,
		Resubmitted: i.Resubmitted,
		BytesUp:     i.BytesUp,
		BytesDown:   i.BytesDown,
		Malformed:   i.Malformed,
		LastNotify:  l.LastNotify.Load(),
		Shares:      tallyOf(i.Shares[:], verdictName),
		Work:        tallyOf(i.Work[:], verdictName),
		Latency:     i.Latency.state(),
	}
}

func (l *Latency) state() latencyState {
	s := latencyState{SumNS: int64(l.sum)}
	for i, n := range l.counts {
		if n == 0 {
			continue
		}
		bound := uint64(0)
		if i < len(latencyBounds) {
			bound = uint64(latencyBounds[i])
		}
		s.Buckets = append(s.Buckets, [2]uint64{bound, n})
	}
	return s
}

func (t *total) state(kind int, now time.Time) *totalState {
	t.mu.Lock()
	defer t.mu.Unlock()
	shares, done, _, shared := t.sum(now)
	s := &totalState{
		Miners:  t.miners,
		SeenMS:  max(t.seen, shared).age(now),
		BeganMS: t.began.age(now),
		Shares:  tallyOf(shares[:], verdictName),
		Work:    done,
		Window:  t.recent(now).state(now),
	}
	*s.name(kind) = t.name
	return s
}

// name returns where the name of a total of that kind is.
func (s *totalState) name(kind int) *string {
	switch kind {
	case byAccount:
		return &s.Account
	case byPool:
		return &s.Pool
	}
	return &s.Algorithm
}

// recent returns the windows of all loops in one; the caller holds t.mu.
func (t *total) recent(now time.Time) *window {
	all := &window{slot: slotAt(now)}
	for i := range t.cells {
		c := t.cells[i].Load()
		if c == nil {
			continue
		}
		c.mu.Lock()
		for back := range uint32(buckets) {
			slot := all.slot - back
			all.work[slot%uint32(buckets)] += c.window.at(slot)
		}
		c.mu.Unlock()
	}
	return all
}

func (w *Worker) state(now time.Time) *workerState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &workerState{
		Name:        w.name,
		Account:     w.mining.key[byAccount],
		Pool:        w.mining.key[byPool],
		Algorithm:   w.mining.key[byAlgorithm],
		Address:     w.address.String(),
		Agent:       w.agent.String(),
		Miners:      w.miners,
		SeenMS:      w.seen.age(now),
		LastShareMS: w.lastShare.age(now),
		BeganMS:     w.began.age(now),
		SinceMS:     w.since.age(now),
		MostMiners:  w.mostMiners,
		Connects:    w.connects,
		Difficulty:  w.difficulty,
		Accepted:    w.accepted,
		Rejected:    tallyOf(w.rejected[:], func(i int) string { return verdictName(i + 1) }),
		Work:        w.work,
		Window:      w.window.state(now),
	}
}

// state returns the state of one of the miners.
func (s *miners) state(m *Miner, now time.Time) *minerState {
	s.mu.Lock()
	tells := m.tells
	s.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	return &minerState{
		Address:      m.key.address,
		User:         m.key.user,
		Hash:         m.key.hash,
		Pool:         m.key.pool,
		Tells:        tells,
		Open:         m.open,
		LeftMS:       m.left.age(now),
		BeganMS:      m.began.age(now),
		Sent:         m.sent,
		Accepted:     m.accepted,
		SentWork:     m.sentWork,
		AcceptedWork: m.acceptedWork,
		Difficulty:   m.difficulty,
		Window:       m.window.state(now),
	}
}

// age returns how long before now the stamp is.
func (s stamp) age(now time.Time) age {
	if s == 0 {
		return never
	}
	return age(max(0, now.Sub(s.time())).Milliseconds())
}

// at returns the work of a bucket; 0 if the window does not hold it.
func (w *window) at(slot uint32) float32 {
	if slot > w.slot || w.slot-slot >= uint32(buckets) {
		return 0
	}
	return w.work[slot%uint32(buckets)]
}

// state returns the state of a window; nil if it is empty.
func (w *window) state(now time.Time) *windowState {
	newest := max(slotAt(now), w.slot)
	s := &windowState{NewestMS: age((elapsed(now) - time.Duration(newest)*bucketLength).Milliseconds())}
	used := 0
	for back := range uint32(buckets) {
		n := w.at(newest - back)
		s.Work = append(s.Work, n)
		if n != 0 {
			used = len(s.Work)
		}
	}
	if used == 0 {
		return nil
	}
	s.Work = s.Work[:used]
	return s
}
