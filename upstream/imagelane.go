package upstream

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"

	"farmproxy/work"
)

// Images of goals and their lanes, and of the directory that has them.

type goalImage struct {
	Name     string      `json:"name"`
	Route    string      `json:"route,omitempty"`
	Goal     string      `json:"goal,omitempty"`
	Worked   float64     `json:"worked,omitempty"`
	Form     formImage   `json:"form"`
	From     string      `json:"from,omitempty"`
	Stranger bool        `json:"stranger,omitempty"`
	Widths   [2][]width  `json:"widths"`
	Members  int         `json:"members,omitempty"`
	Pools    []poolImage `json:"pools"` // those that it leads to, and those that it led to and links still do
	Lanes    []laneImage `json:"lanes,omitempty"`
}

// formImage is what must be the same for lanes to stay.
type formImage struct {
	Kept      bool    `json:"kept,omitempty"`
	PerUser   bool    `json:"per_user,omitempty"`
	Direct    bool    `json:"direct,omitempty"`
	Agents    bool    `json:"agents,omitempty"`
	Links     int     `json:"links"`
	Algorithm string  `json:"algorithm,omitempty"`
	Divider   float64 `json:"divider,omitempty"`
}

func (g *Goal) image() formImage {
	return formImage{g.Kept, g.PerUser, g.direct, g.agents, g.form.links, g.algorithm, g.divider}
}

// width is how many lanes a group has.
type width struct {
	Group uint32 `json:"group"`
	Lanes int    `json:"lanes"`
}

type laneImage struct {
	Key      Prefix        `json:"key"`
	ID       uint32        `json:"id"`
	Number   int           `json:"number"`
	Members  int           `json:"members,omitempty"`
	Idle     ago           `json:"idle,omitempty"`
	Unlinked ago           `json:"unlinked,omitempty"`
	First    bool          `json:"first,omitempty"`
	Earned   bool          `json:"earned,omitempty"`
	Kept     int64         `json:"kept,omitempty"`
	Login    *string       `json:"login,omitempty"`
	Roster   []memberImage `json:"roster,omitempty"`
	Changed  []uint16      `json:"roster_changed,omitempty"`

	Jobs   []jobImage    `json:"jobs,omitempty"`
	Recent []recentImage `json:"recent,omitempty"`
	Latest *postImage    `json:"latest,omitempty"`
	Works  worksImage    `json:"works"`
	Newest uint32        `json:"newest_work"`
	Left   []Prefix      `json:"left,omitempty"`
	Lifted []liftedImage `json:"lifted,omitempty"`

	Epochs   []epochImage `json:"epochs,omitempty"` // the newest first
	Links    []linkImage  `json:"links,omitempty"`
	Current  uint64       `json:"current,omitempty"` // the epoch that miners work on
	Orphaned ago          `json:"orphaned,omitempty"`
	Retried  ago          `json:"retried,omitempty"`
	Moves    []poolNote   `json:"moves,omitempty"`
	Cool     []poolNote   `json:"cool,omitempty"`
	Misfit   bool         `json:"misfit,omitempty"`
	Turned   bool         `json:"turned,omitempty"`
	Said     bool         `json:"outage_said,omitempty"`
	Over     bool         `json:"outage_over,omitempty"`
}

type recentImage struct {
	Job   uint32 `json:"job"`
	Clean bool   `json:"clean,omitempty"`
}

type postImage struct {
	Job        uint32  `json:"job"`
	Clean      bool    `json:"clean,omitempty"`
	Mask       uint32  `json:"mask"`
	Difficulty float64 `json:"difficulty"`
	Least      float64 `json:"least,omitempty"`
}

type worksImage struct {
	Last  uint32           `json:"last"`
	Uses  uint64           `json:"uses"`
	Known []knownWorkImage `json:"known,omitempty"`
}

type knownWorkImage struct {
	Digest uint64 `json:"digest"`
	Number uint32 `json:"number"`
	Used   uint64 `json:"used"`
}

type liftedImage struct {
	Prefix Prefix `json:"prefix"`
	Work   uint32 `json:"work"`
}

// poolNote is what a lane has noted of a pool.
type poolNote struct {
	Pool  int    `json:"pool"`
	To    string `json:"to,omitempty"`
	Until ago    `json:"until,omitempty"`
}

type epochImage struct {
	ID          uint64       `json:"id"`
	Pool        int          `json:"pool"`
	Session     []byte       `json:"session,omitempty"`
	Extranonce1 []byte       `json:"extranonce1"`
	Size        int          `json:"extranonce2_size"`
	Block       []byte       `json:"block,omitempty"`
	Shut        bool         `json:"shut,omitempty"`
	Queue       []shareImage `json:"queue,omitempty"`
}

// poolList numbers the pools that the image of a goal refers to.
type poolList []*pool

func (l *poolList) number(p *pool) int {
	if i := slices.Index(*l, p); i >= 0 {
		return i
	}
	*l = append(*l, p)
	return len(*l) - 1
}

func (x *imaging) directory(d *Directory) directoryImage {
	i := directoryImage{
		Jobs: jobs.Load(), Lanes: lanes.Load(), Epochs: epochs.Load(),
		Pools: d.state.image(), Prefixes: x.prefixes(&d.prefixes), OnDemand: x.places(d.onDemand), Groups: x.places(d.groups),
	}
	for _, g := range d.Goals() {
		if g.id().named() {
			i.Named = append(i.Named, x.goal(g))
		} else {
			i.Goals = append(i.Goals, x.goal(g))
		}
	}
	d.mu.RLock()
	retired := slices.Clone(d.retired)
	d.mu.RUnlock()
	for _, g := range retired {
		if !g.isEmpty() {
			i.Retired = append(i.Retired, x.goal(g))
		}
	}
	return i
}

func (x *imaging) goal(g *Goal) goalImage {
	id := g.id()
	i := goalImage{
		Name: id.Account, Route: id.Route, Goal: id.goal, Worked: g.worked.sum(), Form: g.image(),
		From: textOf(g.route.from), Stranger: g.route.stranger.Load(),
	}
	pools := poolList(slices.Clone(g.list()))
	for _, l := range g.inOrder() {
		i.Lanes = append(i.Lanes, x.lane(l, &pools))
	}
	for _, p := range pools {
		i.Pools = append(i.Pools, x.pool(p))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i.Members = g.members
	for n, widths := range g.widths {
		for group, lanes := range widths {
			i.Widths[n] = append(i.Widths[n], width{group, lanes})
		}
		slices.SortFunc(i.Widths[n], func(a, b width) int { return cmp.Compare(a.Group, b.Group) })
	}
	return i
}

func (x *imaging) lane(l *Lane, pools *poolList) laneImage {
	x.jobs = make(map[uint32]*work.Job)
	i := laneImage{
		Key: l.key, ID: l.id, Number: l.number, First: l.first, Earned: l.earned.Load(), Kept: l.keptHere.Load(), Login: l.login.Load(),
		Works: l.works.image(), Orphaned: x.ago(l.orphaned), Retried: x.ago(l.retried), Misfit: l.misfit, Turned: l.turned,
		Said: l.outage.said, Over: l.outage.over,
	}
	l.goal.mu.Lock()
	i.Members, i.Idle, i.Unlinked = l.members, x.ago(l.idle), x.ago(l.unlinked)
	l.goal.mu.Unlock()
	i.Roster, i.Changed = l.roster.image()
	for _, r := range answerable(l.Recent(nil)) {
		i.Recent = append(i.Recent, recentImage{x.job(r.Job), r.Clean})
	}
	if p := l.latest.Load(); p != nil {
		i.Latest = &postImage{x.job(p.Job), p.Clean, p.Mask, p.Difficulty, p.Least}
	}
	for _, e := range *l.epochs.Load() {
		i.Epochs = append(i.Epochs, x.epoch(e, pools))
	}
	if l.serving != nil {
		i.Links = append(i.Links, x.link(l.serving, pools.number(l.serving.pool), true))
		i.Current = l.serving.epoch.Load().id
	} else if l.current != nil {
		i.Current = l.current.id
	}
	for _, k := range l.draining {
		i.Links = append(i.Links, x.link(k, pools.number(k.pool), false))
	}
	for _, p := range l.goal.list() {
		if to := l.moves[p]; to != "" {
			i.Moves = append(i.Moves, poolNote{Pool: pools.number(p), To: to})
		}
		if until, cool := l.cool[p]; cool {
			i.Cool = append(i.Cool, poolNote{Pool: pools.number(p), Until: x.ago(until)})
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i.Newest, i.Left = l.newest, slices.Clone(l.left)
	for p, work := range l.lifted {
		i.Lifted = append(i.Lifted, liftedImage{p, work})
	}
	slices.SortFunc(i.Lifted, func(a, b liftedImage) int { return a.Prefix.compare(b.Prefix) })
	i.Jobs = x.jobsSeen()
	return i
}

// answerable leaves out the jobs that a clean one has made stale: who answers one of them is
// told so all the same, since it was sent to him. Where each miner has a lane, jobs are
// nearly all of the image.
func answerable(list []Recent) []Recent {
	for i := len(list) - 1; i > 0; i-- {
		if clean := list[i].Job; list[i].Clean {
			stale := func(r Recent) bool { return r.Job.Epoch == clean.Epoch && r.Job.PrevHash != clean.PrevHash }
			return append(slices.DeleteFunc(list[:i:i], stale), list[i:]...)
		}
	}
	return list
}

// epoch makes the image of an epoch. Without pools, its pool is its link's.
func (x *imaging) epoch(e *epoch, pools *poolList) epochImage {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := epochImage{
		ID: e.id, Session: []byte(e.session), Extranonce1: e.extranonce1, Size: e.size,
		Block: e.block[:], Shut: e.shut, Queue: x.shares(e.queue[e.head:]),
	}
	if pools != nil {
		i.Pool = pools.number(e.pool)
	}
	return i
}

// epoch makes an epoch of a lane. What waits in it is the lane's to count.
func (x *restoring) epoch(l *Lane, p *pool, i *epochImage) (*epoch, error) {
	layout, ok := work.NewLayout(i.Size, int(l.key.Len))
	if !ok {
		return nil, fmt.Errorf("epoch %d: an extranonce2 of %d bytes has no room", i.ID, i.Size)
	}
	queue, err := x.shares(i.Queue)
	if err != nil {
		return nil, err
	}
	e := newEpoch(p, string(i.Session), i.Extranonce1, i.Size, layout)
	e.id, e.block, e.shut, e.queue = i.ID, hashOf(i.Block), i.Shut, queue
	l.taken(int64(len(queue)))
	return e, nil
}

func (w *works) image() worksImage {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := worksImage{Last: w.last, Uses: w.uses}
	for _, k := range w.known {
		i.Known = append(i.Known, knownWorkImage{k.digest, k.number, k.used})
	}
	return i
}

// restore adds what was known to what is: links of this process may have had jobs already.
func (w *works) restore(i *worksImage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := range w.known {
		w.known[n].used += i.Uses
	}
	w.last, w.uses = max(w.last, i.Last), w.uses+i.Uses
	for _, k := range i.Known {
		if len(w.known) < maxWorks {
			w.known = append(w.known, knownWork{k.Digest, k.Number, k.Used})
		}
	}
}

// highest returns the number of the last new work.
func (w *works) highest() uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (r *roster) image() (members []memberImage, changed []uint16) {
	if r == nil {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for sid, e := range r.entries {
		members = append(members, memberImage{sid, e.login, e.agent, e.there, e.changed})
	}
	slices.SortFunc(members, func(a, b memberImage) int { return cmp.Compare(a.SID, b.SID) })
	return members, slices.Clone(r.changed)
}

// restore puts back who is on the roster, and k, which serves its lane and knows what the
// last link knew; nil: there is none.
func (r *roster) restore(members []memberImage, changed []uint16, k *link) {
	if r == nil {
		return
	}
	r.mu.Lock()
	for _, m := range members {
		r.entries[m.SID] = entry{member{m.Login, m.Agent}, m.There, m.Changed}
	}
	r.link, r.changed = k, changed
	r.mu.Unlock()
	if k == nil {
		r.attach(nil)
	}
}

// image returns what is known of pools, as the state file has it.
func (s *state) image() map[string]remembered {
	s.mu.RLock()
	defer s.mu.RUnlock()
	pools := make(map[string]remembered, len(s.pools))
	for url, g := range s.pools {
		pools[url] = g.remembered()
	}
	return pools
}

func raise32(to *atomic.Uint32, least uint32) {
	for n := to.Load(); n < least && !to.CompareAndSwap(n, least); n = to.Load() {
	}
}

func raise64(to *atomic.Uint64, least uint64) {
	for n := to.Load(); n < least && !to.CompareAndSwap(n, least); n = to.Load() {
	}
}
