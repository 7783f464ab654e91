package stats

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"farmproxy/work"
)

// WorkerOrder is a sort order of workers.
type WorkerOrder uint8

const (
	ByName WorkerOrder = iota
	ByHashRate
	ByAccepted
	ByRejected
	ByLastShare
	ByDifficulty
	ByReconnects

	numWorkerOrders = int(ByReconnects) + 1
)

var workerOrders = [numWorkerOrders]string{
	"name", "hashrate", "accepted", "rejected", "last_share", "difficulty", "reconnects",
}

// String returns the order's name in the API.
func (o WorkerOrder) String() string { return workerOrders[o] }

// ParseWorkerOrder returns the order of that name; ok is false if there is none.
func ParseWorkerOrder(name string) (o WorkerOrder, ok bool) {
	i := slices.Index(workerOrders[:], name)
	return WorkerOrder(max(i, 0)), i >= 0
}

// WorkerOrders returns the names of all orders.
func WorkerOrders() []string { return workerOrders[:] }

// WorkerQuery says which workers to return.
type WorkerQuery struct {
	Search     string // part of the name, in any case; "" for all
	Account    string // the account it mines for, as given to Worker.Mining; "" for all
	Pool       string
	Algorithm  string
	Listener   string // that its latest miner connected to
	Group      string
	Up, Down   bool // only those with a miner, or without one
	Order      WorkerOrder
	Descending bool
	Offset     int // number to skip, >= 0
	Limit      int // most to return
}

// WorkerInfo is a snapshot of a worker.
type WorkerInfo struct {
	Name           string
	Account        string // "" none
	Pool           string // the last one that it mined at; "" none yet
	Algorithm      string
	Listener       string         // address of the one that its latest miner connected to; "" unknown
	Group          string         // "" none
	Miners         int            // connected now
	Address        netip.AddrPort // of its latest miner; the zero value: unknown
	Agent          string         // of its latest miner; "" unknown
	VersionMask    uint32         // the version bits that its latest miner may roll; 0: none
	Difficulty     float64
	HashRate       float64 // over five minutes, in H/s
	Shares         Shares
	Work           float64   // accepted, in shares of difficulty 1
	LastShare      time.Time // accepted; zero: never
	Reconnects     int       // times that one of its miners came back
	ConnectedSince time.Time // since when it has always had a miner; zero: it has none
	LastSeen       time.Time // its last sign of life; zero: it is expected, and never was here
	State          WorkerState
	Since          time.Time // it is in this state; zero: never seen
	Expected       bool      // an operator has listed it
}

// Workers returns the workers that match the query, and their number without Offset
// and Limit. Equal ones are in order of name. It visits every worker: a few
// milliseconds for 10,000.
func (b *Book) Workers(q WorkerQuery) (infos []WorkerInfo, total int) {
	now := b.now()
	b.workers.sweep(now)
	list := b.workers.all()
	if q.Search != "" {
		part := strings.ToLower(q.Search)
		list = slices.DeleteFunc(list, func(w *Worker) bool {
			return !strings.Contains(strings.ToLower(w.name), part)
		})
	}
	want := miningKey{byAccount: q.Account, byPool: q.Pool, byAlgorithm: q.Algorithm, byGroup: q.Group, byListener: q.Listener}
	if want != (miningKey{}) {
		list = slices.DeleteFunc(list, func(w *Worker) bool { return !w.mines(want) })
	}
	if q.Up || q.Down {
		list = slices.DeleteFunc(list, func(w *Worker) bool { return w.up() != q.Up })
	}
	list = sorted(list, q, now)
	total = len(list)
	list = list[min(q.Offset, total):]
	list = list[:min(q.Limit, len(list))]
	infos = make([]WorkerInfo, len(list))
	for i, w := range list {
		infos[i] = w.info(now)
	}
	return infos, total
}

// up reports whether the worker has a miner.
func (w *Worker) up() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.miners > 0
}

// mines reports whether the worker mines what is wanted, as far as want is set.
func (w *Worker) mines(want miningKey) bool {
	w.mu.Lock()
	m := w.mining
	w.mu.Unlock()
	key := m.key
	key[byGroup] = m.group()
	for i := range want {
		if want[i] != "" && want[i] != key[i] {
			return false
		}
	}
	return true
}

// sorted returns the workers in the order asked for. Each key is read only once: keys
// that change while they are compared have no order.
func sorted(list []*Worker, q WorkerQuery, now time.Time) []*Worker {
	type keyed struct {
		key float64
		w   *Worker
	}
	keys := make([]keyed, len(list))
	for i, w := range list {
		keys[i] = keyed{w.key(q.Order, now), w}
	}
	sign := 1
	if q.Descending {
		sign = -1
	}
	slices.SortFunc(keys, func(x, y keyed) int {
		if c := cmp.Compare(x.key, y.key); c != 0 {
			return c * sign
		}
		c := cmp.Compare(x.w.name, y.w.name)
		if q.Order == ByName {
			c *= sign
		}
		return c
	})
	for i, k := range keys {
		list[i] = k.w
	}
	return list
}

// key returns the worker's sort key; 0 for all when sorting by name.
func (w *Worker) key(o WorkerOrder, now time.Time) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch o {
	case ByHashRate:
		return w.hashRate(now)
	case ByAccepted:
		return float64(w.accepted)
	case ByRejected:
		shares := w.shares()
		return float64(shares.Rejected())
	case ByLastShare:
		return float64(w.lastShare)
	case ByDifficulty:
		return w.difficulty.value()
	case ByReconnects:
		return float64(w.reconnects())
	}
	return 0
}

// info makes nothing that has to be collected: a look at 10,000 workers would be a megabyte.
func (w *Worker) info(now time.Time) WorkerInfo {
	w.mu.Lock()
	defer w.mu.Unlock()
	agent := w.agent.software()
	i := WorkerInfo{
		Name:        w.name,
		Account:     w.mining.key[byAccount],
		Pool:        w.mining.key[byPool],
		Algorithm:   w.mining.key[byAlgorithm],
		Listener:    w.mining.key[byListener],
		Group:       w.mining.group(),
		Miners:      int(w.miners),
		Address:     w.address.addrPort(),
		Agent:       agent.name,
		VersionMask: agent.mask,
		Difficulty:  w.difficulty.value(),
		HashRate:    w.hashRate(now),
		Shares:      w.shares(),
		Work:        w.work,
		LastShare:   w.lastShare.wall(now),
		Reconnects:  int(w.reconnects()),
	}
	if w.miners > 0 {
		i.ConnectedSince = w.since.wall(now)
	}
	if w.seen > longAgo {
		i.LastSeen = w.seen.wall(now)
	}
	i.Expected = w.keep == expected
	i.State, i.Since = w.how(now, &i)
	return i
}

// shares returns the worker's shares by verdict; the caller holds w.mu.
func (w *Worker) shares() Shares {
	s := Shares{work.Accepted: w.accepted}
	for i, n := range w.rejected {
		s[i+1] = uint64(n)
	}
	return s
}

// reconnects returns the number of connections beyond those needed to have that many
// miners at the same time; the caller holds w.mu. It never decreases, and is correct
// even if a miner is back before its old connection is known to be dead.
func (w *Worker) reconnects() uint32 { return w.connects - w.mostMiners }
