package upstream

import (
	"fmt"
	"slices"
	"time"

	"farmproxy/work"
)

// What the image of a directory becomes, in a process whose table may be another one.
// A goal that is not there any more, or of another form, has no lanes to give on; a link
// whose pool is not there any more stays behind. What waits for a verdict there has lost
// its link.

func (x *restoring) directory(i *directoryImage) error {
	d, h := x.d, &x.d.heir
	raise32(&jobs, i.Jobs)
	raise32(&lanes, i.Lanes)
	raise64(&epochs, i.Epochs)
	d.state.remind(known(i.Pools))
	d.state.outdated()
	x.prefixes(&d.prefixes, &i.Prefixes)
	if err := areSound(i.Prefixes.Back); err != nil {
		return err
	}
	h.lanes = make(map[uint32]*Lane)
	if err := x.goals(slices.Concat(i.Goals, i.Named)); err != nil {
		return err
	}
	for n := range i.Retired {
		if err := x.goalLost(&i.Retired[n]); err != nil {
			return err
		}
	}
	d.prefixes.returned(i.Prefixes.Back)
	x.placesOf(d.onDemand, &i.OnDemand)
	x.placesOf(d.groups, &i.Groups)
	d.recount()
	for _, conn := range x.sockets {
		if conn != nil { // of a link that stays behind
			conn.Close()
		}
	}
	d.mu.Lock()
	d.shape(nil)
	d.mu.Unlock()
	return nil
}

// goals makes the goals what they were. An image is of the goal of its name if that leads
// to one of its pools; else of another one of its route that does, which had another name
// then; else of the goal of its name.
func (x *restoring) goals(images []goalImage) error {
	heirs := make(map[*Goal]bool)
	of := make([]*Goal, len(images)) // nil: there is none
	exact := func(i *goalImage) []*Goal {
		if g, err := x.d.heirTo(i.id()); err == nil {
			return []*Goal{g}
		}
		return nil
	}
	choose := func(among func(*goalImage) []*Goal, shares bool) {
		for n := range images {
			i := &images[n]
			if of[n] != nil {
				continue
			}
			for _, g := range among(i) {
				if !heirs[g] && g.image() == i.Form && (!shares || g.leadsWhere(i)) {
					of[n], heirs[g] = g, true
					break
				}
			}
		}
	}
	choose(exact, true)
	choose(x.d.beside, true)
	choose(exact, false)
	for n := range images {
		i, take := &images[n], x.goalLost
		if g := of[n]; g != nil {
			take = func(i *goalImage) error { return x.goal(g, i) }
		}
		if err := take(i); err != nil {
			return fmt.Errorf("account %q: %w", i.Name, err)
		}
	}
	return nil
}

func (i *goalImage) id() goalID { return goalID{RouteID{i.Name, i.Route}, i.Goal} }

// beside returns the goals of an image's route; of everybody else's first one, where there
// is no such route any more.
func (d *Directory) beside(i *goalImage) []*Goal {
	d.mu.RLock()
	defer d.mu.RUnlock()
	r := d.routes[i.id().RouteID]
	if others := d.everybodyElse(i.Route); r == nil && others != nil {
		r = d.routes[RouteID{i.Name, others.Route}]
	}
	if r == nil {
		return nil
	}
	return r.list()
}

// leadsWhere reports that the goal leads to one of the pools that an image's did.
func (g *Goal) leadsWhere(i *goalImage) bool {
	return slices.ContainsFunc(g.list(), func(p *pool) bool {
		return slices.ContainsFunc(i.Pools, func(was poolImage) bool { return was.poolIdentity == p.identity() })
	})
}

func (x *restoring) goal(g *Goal, i *goalImage) error {
	g.worked.add(i.Worked)
	if from, u := prefixOf(i.From), g.route; g.PerUser && !x.users[u] {
		x.users[u] = true
		u.from = from
		u.stranger.Store(i.Stranger)
		u.call()
		if i.Stranger {
			x.d.users.strangers.bring(u)
		} else {
			x.d.users.strangers.add(from, 0, 1)
		}
	}
	g.widen(i)
	pools := make([]*pool, len(i.Pools)) // nil: it is not there any more
	for n := range i.Pools {
		for _, p := range g.list() {
			if p.identity() == i.Pools[n].poolIdentity && !slices.Contains(pools, p) {
				pools[n] = p
				x.pool(p, &i.Pools[n])
				break
			}
		}
	}
	for n := range i.Lanes {
		if err := x.lane(g, &i.Lanes[n], pools); err != nil {
			return fmt.Errorf("lane %d: %w", i.Lanes[n].Number, err)
		}
	}
	return nil
}

// widen makes the goal's groups as wide as they were.
func (g *Goal) widen(i *goalImage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = i.Members
	for n, widths := range i.Widths {
		for _, w := range widths {
			if g.widths[n] == nil {
				g.widths[n] = make(map[uint32]int)
			}
			if g.widths[n][w.Group] == 0 {
				g.spare -= w.Lanes - 1
			}
			g.widths[n][w.Group] = w.Lanes
		}
	}
}

// goalLost gives up the shares of a goal that is not there any more. Its miners log in
// again.
func (x *restoring) goalLost(i *goalImage) error {
	for n := range i.Lanes {
		l := &i.Lanes[n]
		if err := x.jobsOf(l.Jobs, int(l.Key.Len), nil); err != nil {
			return err
		}
		for e := range l.Epochs {
			if err := x.lost(x.shares(l.Epochs[e].Queue)); err != nil {
				return err
			}
		}
		for k := range l.Links {
			if err := x.lost(x.remains(&l.Links[k].Protocol)); err != nil {
				return err
			}
		}
	}
	return nil
}

// lost has shares answered at Start: their link is lost.
func (x *restoring) lost(shares []Share, err error) error {
	for n := range shares {
		x.d.heir.lost = append(x.d.heir.lost, shares[n].verdict(work.LinkLost, 0, ""))
	}
	return err
}

// lane makes a lane, or makes one that Expect has opened what it was.
func (x *restoring) lane(g *Goal, i *laneImage, pools []*pool) error {
	if err := i.sound(len(pools)); err != nil {
		return err
	}
	l := g.reopen(i.Key, i.ID, i.Number, i.First)
	x.d.heir.lanes[l.id] = l
	l.seen(i.Members, x.time(i.Idle), x.time(i.Unlinked))
	if err := x.jobsOf(i.Jobs, int(l.key.Len), g.list()[0].algorithm); err != nil {
		return err
	}
	l.earned.Store(i.Earned)
	l.keptHere.Add(i.Kept)
	if i.Login != nil {
		l.login.Store(i.Login)
	}
	l.works.restore(&i.Works)
	l.retried, l.misfit, l.turned = x.time(i.Retried), i.Misfit, i.Turned
	if i.Said && l.serving == nil {
		l.outage = outage{i.Said, i.Over}
		if l.single() {
			x.d.held.Add(1)
		}
	}
	x.notes(l, i, pools)
	if err := x.published(l, i); err != nil {
		return err
	}
	list, err := x.epochs(l, i, pools)
	if err != nil {
		return err
	}
	if err := x.links(l, i, pools, list); err != nil {
		return err
	}
	x.roster(l, i)
	return nil
}

// sound says what all other code relies on: lengths, and indices of pools.
func (i *laneImage) sound(pools int) error {
	keys := append([]Prefix{i.Key}, i.Left...)
	for _, p := range i.Lifted {
		keys = append(keys, p.Prefix)
	}
	var of []int
	for n := range i.Epochs {
		of = append(of, i.Epochs[n].Pool)
	}
	for n := range i.Links {
		of = append(of, i.Links[n].Pool)
	}
	for _, n := range append(slices.Clone(i.Moves), i.Cool...) {
		of = append(of, n.Pool)
	}
	for _, n := range of {
		if n < 0 || n >= pools {
			return fmt.Errorf("pool %d is missing", n)
		}
	}
	return areSound(keys)
}

func areSound(list []Prefix) error {
	for _, p := range list {
		if p.Len < 1 || p.Len > 2 {
			return fmt.Errorf("a prefix of %d bytes", p.Len)
		}
	}
	return nil
}

// notes gives a lane what it has noted of pools.
func (x *restoring) notes(l *Lane, i *laneImage, pools []*pool) {
	for _, n := range i.Moves {
		if p := pools[n.Pool]; p != nil {
			l.moves[p] = n.To
		}
	}
	for _, n := range i.Cool {
		if p := pools[n.Pool]; p != nil {
			if l.cool == nil {
				l.cool = make(map[*pool]time.Time)
			}
			l.cool[p] = x.time(n.Until)
		}
	}
}

// published puts back what a lane has published, before what a link of this process has.
func (x *restoring) published(l *Lane, i *laneImage) error {
	var list []Recent
	for _, r := range i.Recent {
		job, err := x.job(r.Job)
		if err != nil {
			return err
		}
		list = append(list, Recent{job, r.Clean})
	}
	l.recent.precede(list)
	if p := i.Latest; p != nil && l.latest.Load() == nil {
		job, err := x.job(p.Job)
		if err != nil {
			return err
		}
		l.latest.Store(&Post{Lane: l, Job: job, Clean: p.Clean, Mask: p.Mask, Difficulty: p.Difficulty, Least: p.Least})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest = max(l.newest, i.Newest)
	for _, p := range i.Left {
		if l.held == nil {
			l.held = make(map[Prefix]struct{})
		}
		l.held[p] = struct{}{}
		l.left = append(l.left, p)
		x.d.prefixes.hold(p)
	}
	for _, p := range i.Lifted {
		if l.lifted == nil {
			l.lifted = make(map[Prefix]uint32)
		}
		l.lifted[p.Prefix] = p.Work
	}
	return nil
}

// goesOn reports that a link has all that it needs to go on here.
func (x *restoring) goesOn(k *linkImage, pools []*pool) bool {
	return k.Wire >= 0 && k.Wire < len(x.sockets) && pools[k.Pool] != nil
}

// epochs makes the epochs whose shares can still be handed in, by their ids: those of
// links that go on, and the one that waits for a link. What waits in others is lost.
func (x *restoring) epochs(l *Lane, i *laneImage, pools []*pool) (map[uint64]*epoch, error) {
	goOn := make(map[uint64]bool)
	for n := range i.Links {
		k := &i.Links[n]
		goOn[k.Epoch] = x.goesOn(k, pools)
	}
	epochs := make(map[uint64]*epoch)
	list := slices.Clone(*l.epochs.Load()) // of a link that was dialled by this process
	for n := range i.Epochs {
		e := &i.Epochs[n]
		p := pools[e.Pool]
		waits := l.serving == nil && e.ID == i.Current && p != nil && (e.Shut || dialects[p.Dialect].resumes)
		if !goOn[e.ID] && !waits {
			if err := x.lost(x.shares(e.Queue)); err != nil {
				return nil, err
			}
			continue
		}
		made, err := x.epoch(l, p, e)
		if err != nil {
			return nil, err
		}
		epochs[e.ID] = made
		list = append(list, made)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setEpochs(list)
	return epochs, nil
}

// links makes a lane's links. Where this process has dialled one that serves, that of the
// process before drains.
func (x *restoring) links(l *Lane, i *laneImage, pools []*pool, epochs map[uint64]*epoch) error {
	dialled := l.serving != nil
	for n := range i.Links {
		k := &i.Links[n]
		e := epochs[k.Epoch]
		if e == nil || !x.goesOn(k, pools) {
			if err := x.leaveBehind(l, e, k); err != nil {
				return err
			}
			continue
		}
		if dialled && k.Serves {
			k.Serves, k.Drains = false, -ago(drainTime)
		}
		made, err := x.link(l, pools[k.Pool], e, k, x.sockets[k.Wire])
		if err != nil {
			return err
		}
		x.sockets[k.Wire] = nil
		if !k.Serves {
			l.draining = append(l.draining, made)
			continue
		}
		l.current = e
		l.link(true, x.now)
		l.mu.Lock()
		l.serving = made
		l.mu.Unlock()
		made.pool.serve(1)
	}
	if e := epochs[i.Current]; e != nil && l.serving == nil {
		l.current, l.orphaned = e, x.time(i.Orphaned)
		if i.Orphaned == 0 { // it had a link until now
			l.orphaned = x.now
			l.link(false, x.now)
		}
	}
	return nil
}

// leaveBehind gives the shares of a link that does not go on to its epoch, which waits for
// another; without one they are lost. See Lane.orphan.
func (x *restoring) leaveBehind(l *Lane, e *epoch, k *linkImage) error {
	shares, err := x.remains(&k.Protocol)
	if err != nil {
		return err
	}
	var lost []Share
	shares = slices.DeleteFunc(shares, func(s Share) bool {
		if e != nil && s.Job.Epoch == e.id {
			return false
		}
		lost = append(lost, s)
		return true
	})
	if e != nil {
		e.putBack(shares)
		l.taken(int64(len(shares)))
	}
	return x.lost(lost, nil)
}

// roster puts back who works on a lane.
func (x *restoring) roster(l *Lane, i *laneImage) {
	switch k := l.serving; {
	case k == nil || len(l.adopted) == 0 || l.adopted[0].link != k:
		l.roster.restore(i.Roster, nil, nil)
		if k != nil {
			k.protocol.dialect.activate() // and is told of all of them
		}
	case dialects[k.pool.Dialect].workers:
		l.roster.restore(i.Roster, i.Changed, k)
	default:
		l.roster.restore(i.Roster, nil, nil)
	}
}

// seen takes note of who is on the lane, and since when it had nobody, and no link.
func (l *Lane) seen(members int, idle, unlinked time.Time) {
	l.goal.mu.Lock()
	defer l.goal.mu.Unlock()
	l.members, l.idle = members, idle
	if !l.linked {
		l.unlinked = unlinked
	}
}

// reopen returns the lane with that key, with the id and the number that it had.
func (g *Goal) reopen(key Prefix, id uint32, number int, first bool) *Lane {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lanes[key]
	if l == nil {
		l = newLane(g, key, number)
		g.lanes[key] = l
	}
	if key.private() { // before Restore nobody knows the group
		g.directory.prefixes.opened(l)
	}
	l.id, l.first = id, first
	return l
}

// recount takes note of the numbers that lanes have.
func (d *Directory) recount() {
	used := make(map[int]bool)
	d.eachLane(func(l *Lane) { used[l.number] = true })
	d.life.Lock()
	defer d.life.Unlock()
	for n := range used {
		d.life.lanes = max(d.life.lanes, n+1)
	}
	d.life.free = nil
	for n := d.life.lanes - 1; n >= 0; n-- {
		if !used[n] {
			d.life.free = append(d.life.free, n)
		}
	}
}

// takeOver lets go on what was restored. The lanes run.
func (d *Directory) takeOver() {
	h := &d.heir
	for _, l := range h.lanes {
		l.adopt()
	}
	if len(h.lost) > 0 {
		d.down.Verdicts(h.lost)
	}
	h.lanes, h.lost = nil, nil
}
