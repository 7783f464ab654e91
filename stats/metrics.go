package stats

import (
	"io"
	"math/bits"
	"runtime"
	"time"

	"farmproxy/work"
)

// WriteMetrics writes everything in the Prometheus text format: farmproxy's own
// series, those of the process and the Go runtime, and those of the account proxy if
// Settings asks for them. With perWorker it writes up to a dozen series for each
// worker and each account. Series are computed as they are written, through a buffer
// of 32 kB; no lock is held during a write to w.
func (b *Book) WriteMetrics(w io.Writer, perWorker bool) error {
	now := b.now()
	b.workers.sweep(now)
	b.ledger.sweep(now)
	b.workers.thin(now)
	b.ledger.thin(now)
	e := newExposition(w)
	e.workers = b.workers.appendAll(e.workers[:0])
	workers := e.workers
	b.writeProxy(e)
	b.writeConfiguration(e, now)
	b.writeCertificates(e)
	b.writeShares(e, workers, now)
	b.writeStore(e)
	b.writeHistory(e)
	b.writeAlerts(e)
	b.writeChannels(e)
	b.writePools(e)
	b.writeComparison(e)
	b.writeLinks(e)
	b.writeTotals(e, byAlgorithm, now)
	b.writeTotals(e, byPool, now)
	b.writeGroups(e, workers, now)
	b.writeRoutes(e, perWorker)
	if perWorker {
		b.writeTotals(e, byAccount, now)
		writeWorkers(e, workers, now)
	}
	if b.settings.Load().Predecessor {
		b.writePredecessor(e, now)
	}
	writeProcess(e)
	return e.finish()
}

func (b *Book) writeProxy(e *exposition) {
	t := b.totals()
	e.begin("farmproxy_build_info", gauge, "Always 1; the labels say what is running.")
	e.count(1, "version", b.options.Version, "goversion", runtime.Version())
	e.begin("farmproxy_ready", gauge, "1 while new miners get work: farmproxy listens, and a link is up if one is needed.")
	e.truth(b.Ready() == nil)

	e.begin("farmproxy_log_lines_left_out_total", counter, "Log lines dropped because the log's reader did not keep up.")
	e.count(b.linesLeftOut())

	if written, left, ok := b.shareLogCounts(); ok {
		e.begin("farmproxy_share_log_written_total", counter, "Shares written to the share log.")
		e.count(written)
		e.begin("farmproxy_share_log_left_out_total", counter, "Shares left out of the share log: its queue was full, or they could not be written.")
		e.count(left)
	}
	e.begin("farmproxy_bans", gauge, "Addresses that may not connect for a while, see GET /api/v1/bans.")
	e.value(float64(b.banned()))

	e.begin("farmproxy_miners", gauge, "Miners connected.")
	e.value(float64(t.miners))
	e.begin("farmproxy_agents", gauge, "Agents connected; their miners count as miners.")
	e.value(float64(t.agents))
	e.begin("farmproxy_miners_subscribed", gauge, "Miners that have subscribed.")
	e.value(float64(t.subscribed))
	e.begin("farmproxy_miners_authorized", gauge, "Miners with at least one authorized worker.")
	e.value(float64(t.authorized))
	e.begin("farmproxy_miners_max", gauge, "The most miners that farmproxy has room for.")
	e.value(float64(b.minersMax.Load()))

	e.begin("farmproxy_connections_opened_total", counter, "Connections of miners accepted, refused ones included.")
	e.count(t.opened)
	e.begin("farmproxy_connections_closed_total", counter, "Connections of miners closed, by reason.")
	for i, reason := range b.options.CloseReasons {
		e.count(t.closed[i], "reason", reason)
	}
	e.begin("farmproxy_sessions_resumed_total", counter, "Subscribes that got an old session back.")
	e.count(t.resumed)
	e.begin("farmproxy_miners_reconnected_total", counter, "Miners told to reconnect, by reason.")
	e.count(t.lostRolling, "reason", "lost_version_rolling")
	e.begin("farmproxy_users_refused_total", counter, "Logins refused because too many new users, in total or of one address, have not worked yet.")
	e.count(t.usersNoRoom, "reason", "all_addresses")
	e.count(t.usersCrowd, "reason", "one_address")
	e.begin("farmproxy_messages_total", counter, "Decoded lines and agents' frames.")
	e.count(t.messages)
	e.begin("farmproxy_messages_malformed_total", counter, "Malformed lines, messages and frames from miners and agents.")
	e.count(t.malformed)
	e.begin("farmproxy_notifies_total", counter, "Jobs written to miners.")
	e.count(t.notifies)
	e.begin("farmproxy_miner_received_bytes_total", counter, "Bytes received from miners.")
	e.count(t.bytesIn)
	e.begin("farmproxy_miner_sent_bytes_total", counter, "Bytes sent to miners.")
	e.count(t.bytesOut)
}

func (b *Book) writeShares(e *exposition, workers []*Worker, now time.Time) {
	t := b.totals()
	n, up, hashRate := sum(workers, now)
	e.begin("farmproxy_shares_total", counter, "Shares by the verdict that miners got.")
	for v := range work.NumVerdicts {
		e.count(t.shares[v], "verdict", work.Verdict(v).String())
	}
	e.begin("farmproxy_work_total", counter, "Shares by verdict, in shares of difficulty 1, each 2^32 hashes.")
	for v := range work.NumVerdicts {
		e.value(t.work[v], "verdict", work.Verdict(v).String())
	}
	e.begin("farmproxy_hashrate", gauge, "Hashes per second of all workers over 5 minutes, from accepted shares.")
	e.value(hashRate)
	e.begin("farmproxy_workers", gauge, "Worker names that farmproxy remembers.")
	e.value(float64(n))
	e.begin("farmproxy_workers_up", gauge, "Workers with a miner connected.")
	e.value(float64(up))
}

func (b *Book) writePools(e *exposition) {
	pools, links := b.snapshot()
	each := func(name string, k kind, help string, value func(*Pool) uint64) {
		e.begin(name, k, help)
		for _, p := range pools {
			e.count(value(p), "pool", p.Name)
		}
	}
	truth := func(v bool) uint64 {
		if v {
			return 1
		}
		return 0
	}
	each("farmproxy_pool_up", gauge, "1 if the pool's last handshake or probe got a job.",
		func(p *Pool) uint64 { return truth(p.Up.Load()) })
	each("farmproxy_pool_active", gauge, "1 while a lane is on the pool.",
		func(p *Pool) uint64 { return truth(p.Active.Load()) })
	each("farmproxy_pool_level", gauge, "The pool's place in the order of preference, 0 first.",
		func(p *Pool) uint64 { return uint64(max(p.Level(), 0)) })
	each("farmproxy_pool_extranonce2_size_bytes", gauge, "Size of the extranonce2 that the pool gives; 0 unknown.",
		func(p *Pool) uint64 { return uint64(p.Extranonce2.Load()) })
	each("farmproxy_pool_probes_total", counter, "Probes of the pool.",
		func(p *Pool) uint64 { return p.Probes.Load() })
	each("farmproxy_pool_failures_total", counter, "Failed attempts to connect to the pool, and failed links.",
		func(p *Pool) uint64 { return p.Failures.Load() })
	each("farmproxy_pool_names_refused_total", counter, "Workers that the pool refused to authorize.",
		func(p *Pool) uint64 { return p.NamesRefused.Load() })
	each("farmproxy_pool_version_rolling", gauge, "Version bits that the pool lets miners roll; 0 if none or unknown.",
		func(p *Pool) uint64 { return uint64(bits.OnesCount32(p.VersionMask.Load())) })
	each("farmproxy_pool_version_rolling_reduced_total", counter, "Times that the pool granted fewer version bits than before.",
		func(p *Pool) uint64 { return p.VersionBitsReduced.Load() })

	e.begin("farmproxy_pool_latency_seconds", histogramKind, "Time from sending a share to the pool's verdict.")
	for _, p := range pools {
		var l Latency
		for _, link := range links {
			if link.Pool == p.Name {
				l.add(&link.latency)
			}
		}
		e.histogram(&l, "pool", p.Name)
	}
}

// writeWorkers reads each worker once per family: a family's series must be
// contiguous, and storing all values would take megabytes.
func writeWorkers(e *exposition, workers []*Worker, now time.Time) {
	each := func(name string, k kind, help string, value func(*Worker) float64) {
		e.begin(name, k, help)
		for _, w := range workers {
			w.mu.Lock()
			v, m := value(w), w.mining
			w.mu.Unlock()
			e.worker(w.name, m)
			e.number(v)
		}
	}
	each("farmproxy_worker_up", gauge, "1 while the worker has a miner connected.",
		func(w *Worker) float64 { return float64(min(w.miners, 1)) })

	e.begin("farmproxy_worker_shares_total", counter, "Shares of the worker by verdict; only verdicts that occurred.")
	for _, w := range workers {
		w.mu.Lock()
		shares, m := w.shares(), w.mining
		w.mu.Unlock()
		for v, n := range shares {
			if n > 0 {
				e.worker(w.name, m, "verdict", work.Verdict(v).String())
				e.whole(n)
			}
		}
	}
	each("farmproxy_worker_work_total", counter, "Accepted shares of the worker, in shares of difficulty 1, each 2^32 hashes.",
		func(w *Worker) float64 { return w.work })
	each("farmproxy_worker_hashrate", gauge, "Hashes per second of the worker over 5 minutes, from accepted shares.",
		func(w *Worker) float64 { return w.hashRate(now) })
	each("farmproxy_worker_difficulty", gauge, "Difficulty last set for the worker; 0 if unknown.",
		func(w *Worker) float64 { return w.difficulty.value() })
	each("farmproxy_worker_last_share_timestamp_seconds", gauge, "When the worker's last share was accepted; 0 if never.",
		func(w *Worker) float64 { return w.lastShare.unix(now) })
	each("farmproxy_worker_reconnects_total", counter, "Times that a miner of the worker reconnected.",
		func(w *Worker) float64 { return float64(w.reconnects()) })
}
