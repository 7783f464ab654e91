package stats

// writeComparison writes what tells pools apart that do the same work.
func (b *Book) writeComparison(e *exposition) {
	b.settleBlocks()
	pools, _ := b.snapshot()
	count := func(name, help string, value func(*Pool) uint64) {
		e.begin(name, counter, help)
		for _, p := range pools {
			e.count(value(p), "pool", p.Name)
		}
	}
	spread := func(name, help string, of func(*Pool) *histogram) {
		e.begin(name, histogramKind, help)
		for _, p := range pools {
			var l Latency
			l.add(of(p))
			e.histogram(&l, "pool", p.Name)
		}
	}
	e.begin("farmproxy_pool_quiet_link_up", gauge, "1 while a quiet link to the pool is up, which only hears its jobs.")
	for _, p := range pools {
		e.truth(p.Quiet.Load(), "pool", p.Name)
	}
	e.begin("farmproxy_pool_difficulty", gauge, "The last difficulty that the pool set; 0 if unknown.")
	for _, p := range pools {
		e.value(p.Difficulty.Load(), "pool", p.Name)
	}
	count("farmproxy_pool_disconnects_total", "Links that served miners and that the pool, or the way there, ended.",
		func(p *Pool) uint64 { return p.Disconnects.Load() })
	count("farmproxy_pool_quiet_disconnects_total", "Quiet links that the pool, or the way there, ended.",
		func(p *Pool) uint64 { return p.QuietDisconnects.Load() })
	e.begin("farmproxy_pool_expected_work_total", counter, "All valid shares for the pool's jobs, also those below its difficulty, in shares of difficulty 1: what the pool's accepted work should come to.")
	for _, p := range pools {
		e.value(p.Expected.Load(), "pool", p.Name)
	}
	count("farmproxy_pool_blocks_total", "New blocks that the pool has told of.",
		func(p *Pool) uint64 { return p.BlocksTold.Load() })
	count("farmproxy_pool_blocks_first_total", "New blocks that the pool told before all others, of those that others told too.",
		func(p *Pool) uint64 { return p.BlocksFirst.Load() })
	count("farmproxy_pool_blocks_missed_total", "New blocks that another pool told and this one not within a minute.",
		func(p *Pool) uint64 { return p.BlocksMissed.Load() })
	count("farmproxy_pool_empty_blocks_total", "New blocks for which the pool's first job had no transactions.",
		func(p *Pool) uint64 { return p.EmptyBlocks.Load() })
	spread("farmproxy_pool_block_lag_seconds", "How long after the first pool the pool told of a new block; 0 if it was the first. Only blocks that several pools told.",
		func(p *Pool) *histogram { return &p.lag })
	spread("farmproxy_pool_empty_seconds", "How long the pool's jobs for a new block had no transactions, of those that had none at first.",
		func(p *Pool) *histogram { return &p.emptyTime })
}
