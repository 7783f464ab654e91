package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"farmproxy/descriptors"
)

// errProbed ends a probe that got what it was for.
var errProbed = errors.New("probed")

const (
	// returnProbes is how many times, at least, a better pool is seen in the
	// time that it must have been healthy for.
	returnProbes = 4

	// betterEvery and betterMin bound how often such a pool is probed.
	betterEvery = 15 * time.Second
	betterMin   = 250 * time.Millisecond

	// firstProbe is how long probes let the lanes go first: no pool needs both.
	firstProbe = 50 * time.Millisecond
)

// watchAll begins to watch the pools of a goal that is kept, or has a choice and a lane
// that runs. The caller has mu.
func (g *Goal) watchAll() {
	list := g.list()
	if !g.Kept && (len(list) == 1 && !g.Split() || !g.runs()) || g.directory.heir.waits.Load() {
		return
	}
	for _, p := range list {
		if !p.watched {
			p.watched = g.directory.run(func(ctx context.Context) { g.watch(ctx, p) })
		}
	}
}

// runs reports that a lane of the goal runs. The caller has mu.
func (g *Goal) runs() bool {
	for _, l := range g.lanes {
		if l.running {
			return true
		}
	}
	return false
}

// unwatched reports that there is nothing to watch for: no lane of the goal runs any
// more, and is not kept, or it does not lead to the pool.
func (g *Goal) unwatched(p *pool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leads(p) && (g.Kept && g.retired.IsZero() || g.runs()) {
		return false
	}
	p.watched = false
	return true
}

// watch probes a pool from time to time while no link leads there: from
// handshake to the first job, then it closes.
func (g *Goal) watch(ctx context.Context, p *pool) {
	timer := time.NewTimer(firstProbe)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.quietEnd:
			timer.Reset(min(p.pause(time.Now()), g.failover().often()))
			continue
		case <-timer.C:
		}
		if g.unwatched(p) {
			return
		}
		f := g.failover()
		every, often := f.ProbeEvery, f.often()
		if g.wants(p) {
			every = often
		}
		g.ask(ctx, p, every-every/8)
		timer.Reset(often - often/8 + rand.N(often/4+1)) // jittered: many farms share a pool
	}
}

// ask probes a pool that was not seen for so long, or opens a quiet link to it.
func (g *Goal) ask(ctx context.Context, p *pool, unseen time.Duration) {
	if p.ordered() == Disabled {
		return
	}
	now := time.Now()
	if g.listens(p) && p.mayReach(now) {
		unseen = 0 // it is missed: nobody waits for miners to need it
	}
	g.askCertificate(p, p.Target, now) // a quiet link may last for weeks
	due := p.due(now, unseen) && g.curious(p)
	trial := due && p.trialDue(now)
	switch {
	case !trial && g.listens(p) && (due && !p.isHushed() || p.mayListen(now)):
		g.listen(p)
	case due:
		g.probe(ctx, p, trial)
	}
}

// often is how often a pool is looked at that may have to be probed.
func (f *Failover) often() time.Duration {
	return max(betterMin, min(betterEvery, f.ReturnAfter/returnProbes, f.ProbeEvery))
}

// curious reports that a probe would say something that matters. A user's goal
// does not ask what is known of the pool from others: there may be thousands.
func (g *Goal) curious(p *pool) bool {
	if !g.PerUser || g.wants(p) {
		return true
	}
	_, _, known := p.state.get(p.URL)
	return !known
}

// wants reports that lanes are on other pools, all less preferred ones.
func (g *Goal) wants(p *pool) bool {
	if p.ordered() != Enabled {
		return false
	}
	behind := false // p
	for _, o := range g.list() {
		if o.serves() {
			return behind
		}
		behind = behind || o == p
	}
	return false
}

// probe sees whether a pool is healthy; in a trial, whether it bears the requests
// that links leave out.
func (g *Goal) probe(ctx context.Context, p *pool, trial bool) {
	files, ok := g.directory.hold(descriptors.Probe)
	if !ok {
		return // miners come first
	}
	p.probed()
	k := g.newLink(ctx, p, nil, files)
	k.trial = trial
	err := k.run()
	defer k.tried()
	if errors.Is(err, errProbed) || errors.Is(err, errClosed) {
		return // the link has said that it succeeded
	}
	if trial && (k.protocol.closed || p.serves()) {
		k.log.Debug("the pool still does not accept the omitted requests", "reason", err)
		return
	}
	if p.fail(time.Now(), k.started, g.failover().BackoffMax, k.protocol.reached, err) {
		k.log.Warn("probe failed", "reason", err)
	}
}
