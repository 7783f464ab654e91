package stats

import (
	"bytes"
	"encoding/gob"
	"time"

	"farmproxy/work"
)

// The state of a Book is what one process hands over to the next, so that no counter
// goes back and no hash rate starts anew: gobs, the version first, then one for each
// pool, link, total, worker and miner. Their fields have names, so a version that has
// more of them and one that has fewer understand each other; the same holds for verdicts
// and close reasons, which stand there by name, and for buckets, by their bounds.
//
// It is made and read while nothing else is: JSON, as of all else that is cold, takes
// three times as long for 10,000 workers.
//
// Miners count as connected in the next process too: who takes them over finds their
// books with Book.Worker and Book.OpenedMiner, without Connected and OpenMiner. How a
// link is doing is for the next link to say: see Book.OpenLink.

// stateVersion is the version of the state. A version reads its neighbours' states:
// raise it if a field changes its meaning, not if one is added.
const stateVersion = 1

// stateValue is one value of the state: one of its fields is set.
type stateValue struct {
	Version int
	Proxy   *proxyState
	Pool    *poolState
	Link    *linkState
	Total   *totalState
	Worker  *workerState
	Miner   *minerState
	Block   *blockState
}

// age is a time before the moment of the state, in milliseconds; negative: never.
type age int64

const never age = -1

// tally counts by the name of a verdict or a reason; only what occurred.
type tally[T uint32 | uint64 | float64] map[string]T

type proxyState struct {
	UptimeMS    age
	LeftOut     uint64
	ShareLog    [2]uint64 // written, left out
	Miners      int64
	Subscribed  int64
	Authorized  int64
	Agents      int64
	Opened      uint64
	Resumed     uint64
	LostRolling uint64
	UsersNoRoom uint64
	UsersCrowd  uint64
	Messages    uint64
	Malformed   uint64
	Notifies    uint64
	BytesIn     uint64
	BytesOut    uint64
	Closed      tally[uint64]
	Shares      tally[uint64]
	Work        tally[float64]
}

type poolState struct {
	Name         string
	URL          string
	Up           bool
	LastError    string
	Extranonce2  uint32
	VersionMask  uint32
	Probes       uint64
	Failures     uint64
	NamesRefused uint64
	BitsReduced  uint64

	CertificateEnds   int64 // Unix time in seconds; 0: not known
	CertificateSigner string
	CertificatePinned bool

	Difficulty       float64
	Disconnects      uint64
	QuietDisconnects uint64
	Expected         float64
	BlocksTold       uint64
	BlocksFirst      uint64
	BlocksMissed     uint64
	EmptyBlocks      uint64
	Lag              latencyState
	EmptyTime        latencyState
}

// blockState is a block that pools have told of. They stand here by name and URL; times
// are ages in nanoseconds, since lags are.
type blockState struct {
	Hash     [32]byte
	Tellings []tellingState
	Awaited  []poolKeyState
}

type tellingState struct {
	Pool     poolKeyState
	AgeNS    int64
	Empty    bool
	EmptyNow bool  // the pool has sent nothing else since
	FilledNS int64 // how long it was empty; 0: not known
}

type poolKeyState struct{ Name, URL string }

type linkState struct {
	Pool        string
	Lane        int
	User        string
	Connects    uint64
	Jobs        uint64
	CleanJobs   uint64
	Submitted   uint64
	Resubmitted uint64
	BytesUp     uint64
	BytesDown   uint64
	Malformed   uint64
	LastNotify  int64
	Shares      tally[uint64]
	Work        tally[float64]
	Latency     latencyState
}

// latencyState is a histogram: how many durations each bucket holds, by its upper bound
// in milliseconds; 0 stands for the one above all bounds.
type latencyState struct {
	Buckets [][2]uint64
	SumNS   int64
}

// windowState is the work of the last buckets, the newest first.
type windowState struct {
	NewestMS age // since the newest bucket began
	Work     []float32
}

// totalState is an account's, a pool's, an algorithm's or a group's; the other names are
// "".
type totalState struct {
	Account   string
	Pool      string
	Algorithm string
	Group     string
	Miners    int // connected
	SeenMS    age
	BeganMS   age
	Shares    tally[uint64]
	Work      float64
	Window    *windowState
}

type workerState struct {
	Name        string
	Account     string
	Pool        string
	Algorithm   string
	Listener    string
	Group       string
	Address     string
	Agent       string
	VersionMask uint32
	Miners      uint32 // connected
	SeenMS      age
	LastShareMS age
	BeganMS     age
	SinceMS     age
	MostMiners  uint32
	Connects    uint32
	Difficulty  float64
	Accepted    uint64
	Rejected    tally[uint32]
	Work        float64
	Window      *windowState
	Elsewhere   []stintState // its window is not full, and has work of other pools
}

// stintState is what a worker has done at a pool where it is no more; "": at none.
type stintState struct {
	Pool string
	Work float64
}

type minerState struct {
	Address      string
	User         string
	Hash         string
	Pool         string
	Tells        bool
	Open         int
	LeftMS       age
	BeganMS      age
	Sent         uint64
	Accepted     uint64
	SentWork     float64
	AcceptedWork float64
	Difficulty   float64
	Window       *windowState
}

// State returns the state of the book, for Restore in another process. Any goroutine may
// call it; what is counted meanwhile may or may not be in it. For 10,000 workers it and
// Restore take some ten milliseconds each.
func (b *Book) State() []byte {
	now := b.now()
	var out bytes.Buffer
	each := gob.NewEncoder(&out)
	put := func(v stateValue) {
		if err := each.Encode(v); err != nil {
			panic("stats: the state of a book can't be encoded: " + err.Error()) // there is no such value
		}
	}
	put(stateValue{Version: stateVersion})
	put(stateValue{Proxy: b.proxyState(now)})
	pools, links := b.everything()
	for _, p := range pools {
		put(stateValue{Pool: p.state()})
	}
	for _, x := range b.blockStates(now) {
		put(stateValue{Block: x})
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

		Difficulty:       p.Difficulty.Load(),
		Disconnects:      p.Disconnects.Load(),
		QuietDisconnects: p.QuietDisconnects.Load(),
		Expected:         p.Expected.Load(),
		BlocksTold:       p.BlocksTold.Load(),
		BlocksFirst:      p.BlocksFirst.Load(),
		BlocksMissed:     p.BlocksMissed.Load(),
		EmptyBlocks:      p.EmptyBlocks.Load(),
		Lag:              p.lag.state(),
		EmptyTime:        p.emptyTime.state(),
	}
	if e := p.LastError.Load(); e != nil {
		s.LastError = *e
	}
	if c := p.Certificate.Load(); c != nil {
		s.CertificateEnds, s.CertificateSigner, s.CertificatePinned = c.Ends.Unix(), c.Signer, c.Pinned
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

func (h *histogram) state() latencyState {
	var l Latency
	l.add(h)
	return l.state()
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
	case byGroup:
		return &s.Group
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
		Listener:    w.mining.key[byListener],
		Group:       w.mining.group(),
		Address:     w.address.String(),
		Agent:       w.agent.String(),
		VersionMask: w.agent.software().mask,
		Miners:      w.miners,
		SeenMS:      w.seen.age(now),
		LastShareMS: w.lastShare.age(now),
		BeganMS:     w.began.age(now),
		SinceMS:     w.since.age(now),
		MostMiners:  w.mostMiners,
		Connects:    w.connects,
		Difficulty:  w.difficulty.value(),
		Accepted:    w.accepted,
		Rejected:    tallyOf(w.rejected[:], func(i int) string { return verdictName(i + 1) }),
		Work:        w.work,
		Window:      w.window.state(now),
		Elsewhere:   w.elsewhere(now),
	}
}

// elsewhere returns the worker's stints. The caller holds w.mu.
func (w *Worker) elsewhere(now time.Time) (list []stintState) {
	if !w.isFresh(now) {
		return nil
	}
	for _, s := range w.mining.ledger.elsewhere.stints(w) {
		name := ""
		if s.pool != nil {
			name = s.pool.name
		}
		list = append(list, stintState{name, s.work})
	}
	return list
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
