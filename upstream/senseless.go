package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"farmproxy/work"
)

// A pool may say a difficulty that makes no sense: a bug, a decimal point, a coin
// whose unit is another. One that every hash meets is not taken over, or each
// miner would send all that it hashes. One that no miner meets is taken for what
// it is: nothing goes up any more, while miners and their shares look well.

const (
	// metByAll is the difficulty that every hash meets, of sha256d.
	metByAll = 1.0 / work.HashesPerShare

	// barrenMin is how many shares must have been accepted here, of miners that
	// work, before it tells anything that none of them went up.
	barrenMin = rejectMin
)

// senseless says in a few words what is wrong with a difficulty; "" where nothing
// is.
func (p *pool) senseless(difficulty float64) (why string) {
	switch w := p.work(difficulty); {
	case w <= metByAll:
		return "every hash meets it"
	case w > work.Unmeetable:
		return "no miner meets it"
	}
	return ""
}

// work returns what a share of the pool's difficulty counts, in shares of
// difficulty 1 of sha256d.
func (p *pool) work(difficulty float64) float64 {
	if p.algorithm == nil {
		return difficulty
	}
	return p.algorithm.Work(difficulty)
}

// doubt says in the log, now and then, that the pool's difficulty makes no sense,
// and reports whether it is passed over.
func (p *protocol) doubt(d float64) (passOver bool) {
	why := p.pool.senseless(d)
	passOver = p.pool.work(d) <= metByAll
	if why != "" && p.now.Sub(p.doubted[why]) >= messagePause {
		if p.doubted == nil {
			p.doubted = make(map[string]time.Time)
		}
		p.doubted[why] = p.now
		p.log.Warn("the pool's difficulty is not usable; check the algorithm and the port of this pool, and tell its operator", "difficulty", d, "why", why, "taken", !passOver)
	}
	return passOver
}

// harvest is what became of the shares of a lane since one last went up.
type harvest struct {
	submitted uint64 // shares that had gone up then
	kept      int64  // shares that had been kept here then
	since     time.Time
}

// barren reports that for at least d many shares were accepted here, and none
// went up.
func (h *harvest) barren(submitted uint64, kept int64, now time.Time, d time.Duration) bool {
	if h.since.IsZero() || h.submitted != submitted {
		*h = harvest{submitted, kept, now}
	}
	return kept-h.kept >= barrenMin && now.Sub(h.since) >= d
}

// Kept counts n shares of so much work that were accepted and are below the pool's
// difficulty, so that they stay here. They were for jobs of that epoch. Any goroutine.
func (l *Lane) Kept(n int64, done float64, epoch uint64) {
	if n == 0 {
		return
	}
	l.keptHere.Add(n)
	l.goal.worked.add(done)
	list := *l.epochs.Load()
	if len(list) == 0 {
		return
	}
	of := list[0] // if that epoch is over already: it was replaced a moment ago
	for _, e := range list {
		if e.id == epoch {
			of = e
		}
	}
	of.pool.book.Expected.Add(done)
}

// leaveBarren leaves a serving link whose difficulty no miner meets, where there
// is another pool.
func (l *Lane) leaveBarren(ctx context.Context, k *link, now time.Time) {
	barren := k.tenure.harvest.barren(k.book.Submitted.Load(), l.keptHere.Load(), now, l.goal.failover().Silence)
	difficulty := k.book.Difficulty.Load()
	if !barren || k.pool.senseless(difficulty) == "" || len(l.candidates) > 0 {
		return
	}
	p := l.other(now, k.pool)
	if p == nil {
		if !k.tenure.barrenSaid {
			k.tenure.barrenSaid = true
			l.log.Warn("no share has met the pool's difficulty for a long time, and no other pool is healthy; add a backup [[pool]]", "pool", k.pool.Name, "difficulty", difficulty)
		}
		return
	}
	if l.try(ctx, p, now) {
		l.log.Log(ctx, l.level(slog.LevelWarn), "pool is unhealthy; using another one", "pool", k.pool.Name, "why", fmt.Sprintf("no miner meets its difficulty of %g", difficulty), "other", p.Name)
		k.pool.chill(now)
	}
}
