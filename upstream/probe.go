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
func (r *Goal) watchAll() {
	list := r.list()
	if !r.Kept && (len(list) == 1 && !r.Split() || !r.runs()) || r.directory.heir.waits.Load() {
		return
	}
	for _, p := range list {
		if !p.watched {
			p.watched = r.directory.run(func(ctx context.Context) { r.watch(ctx, p) })
		}
	}
}

// runs reports that a lane of the goal runs. The caller has mu.
func (r *Goal) runs() bool {
	for _, l := range r.lanes {
		if l.running {
			return true
		}
	}
	return false
}

// unwatched reports that there is nothing to watch for: no lane of the goal runs any
// more, and is not kept, or it does not lead to the pool.
func (r *Goal) unwatched(p *pool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leads(p) && (r.Kept && r.retired.IsZero() || r.runs()) {
		return false
	}
	p.watched = false
	return true
}

// watch probes a pool from time to time while no link leads there: from
// handshake to the first job, then it closes.
func (r *Goal) watch(ctx context.Context, p *pool) {
	timer := time.NewTimer(firstProbe)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if r.unwatched(p) {
			return
		}
		f := r.failover()
		every, often := f.ProbeEvery, f.often()
		if r.wants(p) {
			every = often
		}
		r.ask(ctx, p, every-every/8)
		timer.Reset(often - often/8 + rand.N(often/4+1)) // jittered: many farms share a pool
	}
}

// ask probes a pool that was not seen for so long, or opens a quiet link to it.
func (r *Goal) ask(ctx context.Context, p *pool, unseen time.Duration) {
	if p.ordered() == Disabled {
		return
	}
	now := time.Now()
	due := p.due(now, unseen) && r.curious(p)
	trial := due && p.trialDue(now)
	switch {
	case !trial && r.listens(p) && (due && !p.isHushed() || p.mayListen(now)):
		r.listen(p)
	case due:
		r.probe(ctx, p, trial)
	}
}

// often is how often a pool is looked at that may have to be probed.
func (f *Failover) often() time.Duration {
	return max(betterMin, min(betterEvery, f.ReturnAfter/returnProbes, f.ProbeEvery))
}

// curious reports that a probe would say something that matters. A user's goal
// does not ask what is known of the pool from others: there may be thousands.
func (r *Goal) curious(p *pool) bool {
	if !r.PerUser || r.wants(p) {
		return true
	}
	_, _, known := p.state.get(p.URL)
	return !known
}

// wants reports that lanes are on other pools, all less preferred ones.
func (r *Goal) wants(p *pool) bool {
	if p.ordered() != Enabled {
		return false
	}
	behind := false // p
	for _, o := range r.list() {
		if o.serves() {
			return behind
		}
		behind = behind || o == p
	}
	return false
}

// probe sees whether a pool is healthy; in a trial, whether it bears the requests
// that links leave out.
func (r *Goal) probe(ctx context.Context, p *pool, trial bool) {
	files, ok := r.directory.hold(descriptors.Probe)
	if !ok {
		return // miners come first
	}
	p.probed()
	k := r.newLink(ctx, p, nil, files)
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
	if p.fail(time.Now(), k.started, r.failover().BackoffMax, k.protocol.reached, err) {
		k.log.Warn("probe failed", "reason", err)
	}
}
