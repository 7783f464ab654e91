package stats

import (
	"slices"
	"strings"
	"time"

	"farmproxy/naming"
)

// maxGroups bounds what a rule that makes a group of each worker costs: 250 bytes for
// each group and loop, and a dozen series. It exceeds the racks of one box.
const maxGroups = 1024

// unearnedGroups is how many there may be before a worker needs an accepted share to
// begin another: anybody who can connect can make up names.
const unearnedGroups = maxGroups / 2

// groupRoom returns how many groups there may be for another one to begin. The caller
// holds l.mu.
func (l *ledger) groupRoom(now time.Time, earned bool) int {
	room := unearnedGroups
	if earned {
		room = maxGroups
	}
	if len(l.totals[byGroup]) >= room && now.Sub(l.thinned) >= strayMin {
		l.thinned = now
		l.drop(byGroup, now, strayMin)
	}
	return room
}

// group returns the group that a worker counts for: its own, or Other if there is no room
// for that; "": it has none. It can't be forgotten for a while. The caller holds w.mu.
func (l *ledger) group(w *Worker, earned bool) string {
	groups, now := l.groups.Load(), w.seen.time()
	name := groups.Of(w.name, w.address.addr())
	if name == "" {
		return ""
	}
	l.mu.RLock()
	t := l.totals[byGroup][name]
	if t != nil {
		t.give(groups, now) // under the lock: drop checks again under its own
	}
	l.mu.RUnlock()
	if t != nil {
		return name
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t = l.total(byGroup, name, now, earned)
	t.give(groups, now)
	return t.name
}

// give notes that a worker gets the group.
func (t *total) give(groups *naming.Groups, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grouping, t.seen = groups, stampOf(now)
}

// regroup has the worker count for the group that its name and address give. earned says
// that it has had a share accepted, or is about to. The caller holds w.mu.
func (w *Worker) regroup(earned bool) {
	if w.isOne() {
		key := w.mining.key
		key[byGroup] = w.mining.ledger.group(w, earned)
		w.relabel(key)
	}
}

// crowdedOut reports whether there was no room for the worker's own group.
func (m *mining) crowdedOut() bool { return m != nil && m.group() == Other }

// group has workers grouped by other templates from now on. Groups that nobody is in any
// more are forgotten; the others keep their counts.
func (b *Book) group(groups naming.Groups) {
	l := b.ledger
	if l.groups.Load().Same(groups) {
		return
	}
	l.groups.Store(&groups)
	b.regroup()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, t := range l.totals[byGroup] {
		t.mu.Lock()
		given := t.grouping == &groups
		t.mu.Unlock()
		if !given {
			delete(l.totals[byGroup], name)
			clear(l.minings) // some of them refer to it
		}
	}
}

// regroup has each worker count for the group that its name and address give now.
func (b *Book) regroup() {
	for _, w := range b.workers.all() {
		w.mu.Lock()
		w.regroup(w.accepted > 0)
		w.mu.Unlock()
	}
}

// GroupQuery says which groups to return.
type GroupQuery struct {
	Search string // part of the name, in any case; "" for all
	Offset int    // number to skip, >= 0
	Limit  int    // most to return
}

// GroupInfo is a snapshot of a group.
type GroupInfo struct {
	Total
	Workers   int // names that farmproxy remembers
	WorkersUp int // those with a miner
}

// Groups returns the groups that match the query, by name, and their number without
// Offset and Limit. It visits every worker: a millisecond for 10,000.
func (b *Book) Groups(q GroupQuery) (infos []GroupInfo, matches int) {
	now := b.now()
	b.workers.sweep(now)
	b.ledger.sweep(now)
	list := b.ledger.list(nil, byGroup)
	if q.Search != "" {
		part := strings.ToLower(q.Search)
		list = slices.DeleteFunc(list, func(t *total) bool { return !strings.Contains(strings.ToLower(t.name), part) })
	}
	matches = len(list)
	list = list[min(q.Offset, matches):]
	list = list[:min(q.Limit, len(list))]
	in := countGroups(b.workers.all(), nil)
	for _, t := range list {
		n := in[t.name]
		infos = append(infos, GroupInfo{t.info(now, nil), n.workers, n.up})
	}
	return infos, matches
}

// inGroup is how many workers are in a group.
type inGroup struct{ workers, up int }

// countGroups counts the workers of each group, in a map that is reused.
func countGroups(workers []*Worker, in map[string]inGroup) map[string]inGroup {
	if in == nil {
		in = make(map[string]inGroup)
	}
	clear(in)
	for _, w := range workers {
		w.mu.Lock()
		m, up := w.mining, w.miners > 0
		w.mu.Unlock()
		name := m.group()
		if name == "" {
			continue
		}
		n := in[name]
		n.workers++
		if up {
			n.up++
		}
		in[name] = n
	}
	return in
}
