package stats

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"farmproxy/work"
)

// Restore adds what State has just returned, in this process or another, to the book:
// to whatever has been counted already. Call it before miners and links are taken over.
// Any goroutine.
//
// It fails if the state is of a version that this one does not understand, or is
// damaged; then part of it may have been added.
func (b *Book) Restore(state []byte) error {
	values := gob.NewDecoder(bytes.NewReader(state))
	var first stateValue
	if err := values.Decode(&first); err != nil {
		return fmt.Errorf("the state of the books is damaged: %w", err)
	}
	if v := first.Version; v < 1 || v < stateVersion-1 || v > stateVersion+1 {
		return fmt.Errorf("the state of the books has version %d, and this farmproxy understands %d to %d: upgrade in smaller steps", v, max(1, stateVersion-1), stateVersion+1)
	}
	r := restorer{b: b, now: b.now(), linked: make(map[*Link]bool)}
	for {
		var v stateValue
		switch err := values.Decode(&v); {
		case errors.Is(err, io.EOF):
			r.tell()
			b.regroup()
			return nil
		case err != nil:
			return fmt.Errorf("the state of the books is damaged: %w", err)
		}
		r.add(v)
	}
}

// restorer adds the values of one state.
type restorer struct {
	b      *Book
	now    time.Time
	linked map[*Link]bool // already has the counts of one of the state's links
	tells  []*Miner       // reported whether their worker was up
}

func (r *restorer) add(v stateValue) {
	switch {
	case v.Proxy != nil:
		r.proxy(v.Proxy)
	case v.Pool != nil:
		r.pool(v.Pool)
	case v.Link != nil:
		r.link(v.Link)
	case v.Total != nil:
		r.total(v.Total)
	case v.Worker != nil:
		r.worker(v.Worker)
	case v.Miner != nil:
		r.miner(v.Miner)
	case v.Block != nil:
		r.block(v.Block)
	}
}

// time returns the time that an age stands for.
func (r *restorer) time(a age) time.Time {
	return r.now.Add(-time.Duration(a) * time.Millisecond)
}

// stamp returns the stamp that an age stands for: the nearest, so that it stays the
// same however often it is handed over.
func (r *restorer) stamp(a age) stamp {
	if a < 0 {
		return 0
	}
	return stampOf(r.time(a).Add(time.Second / 2))
}

// proxy adds the sums of all loops. They go to the first loop: there may be more or
// fewer of them than before.
func (r *restorer) proxy(s *proxyState) {
	b := r.b
	b.started.Store(int64(elapsed(r.time(max(0, s.UptimeMS)))))
	b.leftOutBefore.Add(s.LeftOut)
	b.sharesBefore[0].Add(s.ShareLog[0])
	b.sharesBefore[1].Add(s.ShareLog[1])
	if len(b.loops) == 0 {
		return
	}
	l := b.loops[0]
	l.Miners.Add(s.Miners)
	l.Subscribed.Add(s.Subscribed)
	l.Authorized.Add(s.Authorized)
	l.Agents.Add(s.Agents)
	l.Opened.Add(s.Opened)
	l.Resumed.Add(s.Resumed)
	l.LostRolling.Add(s.LostRolling)
	l.UsersNoRoom.Add(s.UsersNoRoom)
	l.UsersCrowd.Add(s.UsersCrowd)
	l.Messages.Add(s.Messages)
	l.Malformed.Add(s.Malformed)
	l.Notifies.Add(s.Notifies)
	l.BytesIn.Add(s.BytesIn)
	l.BytesOut.Add(s.BytesOut)
	for i, name := range b.options.CloseReasons {
		l.Closed[i].Add(s.Closed[name])
	}
	for v := range work.NumVerdicts {
		l.Verdicts[v].Add(s.Shares[verdictName(v)])
		l.Work[v].Add(s.Work[verdictName(v)])
	}
}

// pool adds the counts of a pool, which the configuration may not have any more: then
// nobody sees it until it is registered again.
func (r *restorer) pool(s *poolState) {
	p := r.b.knownPool(s.Name, s.URL)
	if p.Probes.Load() == 0 && !p.Up.Load() { // this process knows nothing better yet
		p.Up.Store(s.Up)
		p.Extranonce2.Store(s.Extranonce2)
		p.VersionMask.Store(s.VersionMask)
		p.LastError.Store(&s.LastError)
	}
	if s.CertificateEnds != 0 {
		p.Certificate.CompareAndSwap(nil, &PoolCertificate{time.Unix(s.CertificateEnds, 0), s.CertificateSigner, s.CertificatePinned})
	}
	p.Probes.Add(s.Probes)
	p.Failures.Add(s.Failures)
	p.NamesRefused.Add(s.NamesRefused)
	p.VersionBitsReduced.Add(s.BitsReduced)
	if p.Difficulty.Load() == 0 {
		p.Difficulty.Store(s.Difficulty)
	}
	p.Disconnects.Add(s.Disconnects)
	p.QuietDisconnects.Add(s.QuietDisconnects)
	p.Expected.Add(s.Expected)
	p.BlocksTold.Add(s.BlocksTold)
	p.BlocksFirst.Add(s.BlocksFirst)
	p.BlocksMissed.Add(s.BlocksMissed)
	p.EmptyBlocks.Add(s.EmptyBlocks)
	p.lag.restore(&s.Lag)
	p.emptyTime.restore(&s.EmptyTime)
}

// knownPool returns the books of a pool; new ones stay hidden until it is registered.
func (b *Book) knownPool(name, url string) *Pool {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := poolKey{name, url}
	p := b.poolByKey[key]
	if p == nil {
		p = &Pool{Name: name, URL: url, forgotten: true}
		b.poolByKey[key] = p
		b.pools = append(b.pools, p)
	}
	return p
}

// link adds the counts of a link, for the next link of its pool and lane.
func (r *restorer) link(s *linkState) {
	l := r.books(s.Pool, s.Lane)
	if s.User != "" && l.User.Load() == nil {
		l.User.Store(&s.User)
	}
	l.Connects.Add(s.Connects)
	l.Jobs.Add(s.Jobs)
	l.CleanJobs.Add(s.CleanJobs)
	l.Submitted.Add(s.Submitted)
	l.Resubmitted.Add(s.Resubmitted)
	l.BytesUp.Add(s.BytesUp)
	l.BytesDown.Add(s.BytesDown)
	l.Malformed.Add(s.Malformed)
	l.LastNotify.CompareAndSwap(0, s.LastNotify)
	for v := range work.NumVerdicts {
		l.Verdicts[v].Add(s.Shares[verdictName(v)])
		l.Work[v].Add(s.Work[verdictName(v)])
	}
	l.latency.restore(&s.Latency)
}

// restore adds what a state has counted.
func (h *histogram) restore(s *latencyState) {
	for _, bucket := range s.Buckets {
		h.counts[bucketOf(bucket[0])].Add(bucket[1])
	}
	h.nanos.Add(s.SumNS)
}

// books returns those that the next link of a pool and lane gets, or has got, each for
// one link of the state.
func (r *restorer) books(pool string, lane int) *Link {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	for _, l := range r.b.linksOf[linkKey{pool, lane}] {
		if !r.linked[l] {
			r.linked[l] = true
			return l
		}
	}
	l := &Link{Pool: pool, Lane: lane}
	r.linked[l] = true
	r.b.addLink(l)
	return l
}

// bucketOf returns the index of the bucket for a bound in milliseconds, or for the
// next higher one; 0 is above all.
func bucketOf(bound uint64) int {
	if bound == 0 {
		return len(latencyBounds)
	}
	i, _ := slices.BinarySearch(latencyBounds[:], int64(min(bound, 1<<62)))
	return i
}

// total adds the sums of all loops to those of the first.
func (r *restorer) total(s *totalState) {
	for kind := range numTotals {
		name := *s.name(kind)
		if name == "" {
			continue
		}
		l := r.b.ledger
		l.mu.Lock()
		t := l.total(kind, name, r.now, s.Shares[verdictName(int(work.Accepted))] > 0)
		l.mu.Unlock()
		t.restore(r, s)
		return
	}
}

func (t *total) restore(r *restorer, s *totalState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.miners += s.Miners
	t.seen = max(t.seen, r.stamp(s.SeenMS))
	t.began = earlier(t.began, r.stamp(s.BeganMS))
	if len(t.cells) == 0 || len(s.Shares) == 0 {
		return
	}
	c := t.cells[0].Load()
	if c == nil {
		c = new(cell)
		if !t.cells[0].CompareAndSwap(nil, c) { // its loop has had a share meanwhile
			c = t.cells[0].Load()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for v := range c.shares {
		c.shares[v] += s.Shares[verdictName(v)]
	}
	c.work += s.Work
	c.window.restore(r, s.Window)
}

// earlier returns the earlier of two stamps, of which either may be never.
func earlier(x, y stamp) stamp {
	if x == 0 || y == 0 {
		return max(x, y)
	}
	return min(x, y)
}

func (r *restorer) worker(s *workerState) {
	seen := r.stamp(s.SeenMS)
	w := r.b.workers.get(s.Name, r.now)
	m := r.b.ledger.nothing
	key := miningKey{byAccount: s.Account, byPool: s.Pool, byAlgorithm: s.Algorithm, byGroup: s.Group, byListener: s.Listener}
	if key != (miningKey{}) {
		m = r.b.ledger.get(key, seen.time())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.connects == 0 { // nobody else has told anything newer of it
		w.seen = seen
		w.mining = m
		w.address, w.agent = makeAddr(s.Address), agentOf(software{makeAgent(s.Agent).String(), s.VersionMask})
		w.since = r.stamp(s.SinceMS)
		w.difficulty = difficulty(s.Difficulty)
	}
	w.miners += s.Miners
	w.lastShare = max(w.lastShare, r.stamp(s.LastShareMS))
	w.began = earlier(w.began, r.stamp(s.BeganMS))
	w.mostMiners = max(w.mostMiners, s.MostMiners)
	w.connects += s.Connects
	w.accepted += s.Accepted
	for i := range w.rejected {
		w.rejected[i] += s.Rejected[verdictName(i+1)]
	}
	w.work += s.Work
	w.window.restore(r, s.Window)
	r.elsewhere(w, s.Elsewhere)
}

// elsewhere adds what a worker has done at pools where it is no more. The caller holds w.mu.
func (r *restorer) elsewhere(w *Worker, list []stintState) {
	if len(list) == 0 {
		return
	}
	ledger := r.b.ledger
	all := stints{began: w.began}
	ledger.mu.Lock()
	for _, s := range list {
		all.list = append(all.list, stint{ledger.total(byPool, s.Pool, r.now, true), s.Work})
	}
	ledger.mu.Unlock()
	ledger.elsewhere.mu.Lock()
	defer ledger.elsewhere.mu.Unlock()
	ledger.elsewhere.set(w, all)
}

func (r *restorer) miner(s *minerState) {
	key := minerKey{minerIdentity{s.Address, s.User}, s.Hash, s.Pool}
	m := r.b.miners.known(key)
	if m == nil {
		return
	}
	if s.Tells {
		r.tells = append(r.tells, m)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open += s.Open
	m.left = max(m.left, r.stamp(s.LeftMS))
	m.began = earlier(m.began, r.stamp(s.BeganMS))
	m.sent += s.Sent
	m.accepted += s.Accepted
	m.sentWork += s.SentWork
	m.acceptedWork += s.AcceptedWork
	if m.difficulty == 0 {
		m.difficulty = s.Difficulty
	}
	m.window.restore(r, s.Window)
}

// known finds or creates the books of a miner; nil if there are too many.
func (s *miners) known(key minerKey) *Miner {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.byKey[key]
	if m == nil && len(s.list) < maxMiners {
		m = &Miner{key: key}
		s.byKey[key] = m
		s.list = append(s.list, m)
	}
	return m
}

// tell lets miners report whether their worker is up if nobody newer does.
func (r *restorer) tell() {
	s := r.b.miners
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range r.tells {
		if s.tells[m.key.minerIdentity] == nil {
			s.tells[m.key.minerIdentity] = m
			m.tells = true
		}
	}
}

// restore adds the work of a state's buckets, each to the bucket that it overlaps most:
// the buckets of two processes begin at the same wall time, unless somebody has set
// the clock between.
func (w *window) restore(r *restorer, s *windowState) {
	if s == nil {
		return
	}
	newest := r.time(s.NewestMS).Add(bucketLength / 2)
	for back, n := range slices.Backward(s.Work) {
		middle := newest.Add(-time.Duration(back) * bucketLength)
		if middle.After(r.now) {
			middle = r.now
		}
		w.add(middle, float64(n))
	}
}
