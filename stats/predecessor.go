package stats

import (
	"strings"
	"time"
)

// The series of the account proxy, for dashboards made for it: names, labels, types
// and help are copied exactly, and do not follow Prometheus' conventions.

// writePredecessor writes them all.
func (b *Book) writePredecessor(e *exposition, now time.Time) {
	b.miners.sweep(now, 0)
	proxy := b.settings.Load().Proxy
	b.writePredecessorPools(e, proxy)
	miners, tell := b.miners.all(e.tell[:0])
	e.tell = tell
	each := func(name string, k kind, help string, value func(*Miner) float64) {
		e.begin(name, k, help)
		for _, m := range miners {
			m.mu.Lock()
			v := value(m)
			m.mu.Unlock()
			e.value(v, "hash", m.key.hash, "pool", m.key.pool, "proxy", proxy, "user", m.key.user, "worker", m.key.address)
		}
	}
	each("proxy_worker_accepted", counter, "Number of shares of worker accepted by the pool.",
		func(m *Miner) float64 { return float64(m.accepted) })
	each("proxy_worker_difficulty", gauge, "Value of difficulty of the worker.",
		func(m *Miner) float64 { return m.difficulty })
	each("proxy_worker_one_accepted", counter, "Number of 1-difficulty shares of worker accepted by the pool.",
		func(m *Miner) float64 { return m.acceptedWork })
	each("proxy_worker_one_sended", counter, "Number of 1-difficulty shares of worker sent to the pool.",
		func(m *Miner) float64 { return m.sentWork })
	each("proxy_worker_sended", counter, "Number of shares of worker sent to the pool.",
		func(m *Miner) float64 { return float64(m.sent) })
	each("proxy_worker_speed", gauge, "Speed of worker in hashes/s.",
		func(m *Miner) float64 { return m.window.hashRate(now, m.began.time()) })
	e.begin("proxy_worker_up", gauge, "Status of worker.")
	for _, m := range tell {
		m.mu.Lock()
		up := m.open > 0
		m.mu.Unlock()
		e.truth(up, "proxy", proxy, "user", m.key.user, "worker", m.key.address)
	}
}

// predecessorPool is a pool as the account proxy knew it: several of our pools may be
// at one host:port.
type predecessorPool struct{ hash, address string }

// writePredecessorPools writes the series of pools. A pool is up if any of ours there
// is.
func (b *Book) writePredecessorPools(e *exposition, proxy string) {
	pools, _ := b.snapshot()
	var order []predecessorPool
	up, divider := make(map[predecessorPool]bool), make(map[predecessorPool]float64)
	for _, p := range pools {
		name, d := p.Algorithm()
		k := predecessorPool{predecessorHash(name), p.address()}
		if _, seen := divider[k]; !seen {
			order = append(order, k)
		}
		up[k] = up[k] || p.Up.Load()
		divider[k] = d
	}
	e.begin("proxy_pool_divider", gauge, "Divider of algorithm of pool.")
	for _, k := range order {
		e.value(divider[k], "hash", k.hash, "pool", k.address, "proxy", proxy)
	}
	e.begin("proxy_pool_up", gauge, "Status of pool.")
	for _, k := range order {
		e.truth(up[k], "hash", k.hash, "pool", k.address, "proxy", proxy)
	}
}

// address is the pool's host:port.
func (p *Pool) address() string {
	_, address, found := strings.Cut(p.URL, "://")
	if !found {
		address = p.URL
	}
	return strings.TrimSuffix(address, "/")
}
