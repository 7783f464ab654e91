package upstream

import "slices"

// PoolChange says that miners work at another pool of their goal than before. Each lane
// tells of its own.
type PoolChange struct {
	From, To string // names of pools
	Why      WhyChanged
	Trouble  string // what was last wrong with From; "": nothing is known
	Miners   int    // above 0
	Worker   string // of the only miner, if it has a lane of its own; else ""
}

// WhyChanged is why a lane is on another pool.
type WhyChanged uint8

// The reasons.
const (
	LinkLost     WhyChanged = iota // the link to the other pool had ended, and none came up there
	PoolIll                        // it was silent, or refused too many shares
	BetterIsBack                   // the pool is preferred
	PoolOrdered                    // an operator has the other one drained or disabled
	PoolTakenOut                   // the goal does not lead there any more
)

// tellChange says that the lane's miners come from the pool of the last epoch, if that is
// another one than the link's.
func (l *Lane) tellChange(last *epoch, k *link) {
	told := l.goal.directory.changed
	if told == nil || last == nil || last.pool == nil || last.pool.Name == k.pool.Name {
		return
	}
	c := PoolChange{From: last.pool.Name, To: k.pool.Name, Why: l.whyChanged(last.pool, k.pool), Miners: l.goal.membersOf(l)}
	if l.key.private() {
		c.Miners-- // the agent itself
	}
	if c.Miners <= 0 {
		return
	}
	if e := last.pool.book.LastError.Load(); e != nil {
		c.Trouble = *e
	}
	if login := l.login.Load(); l.single() && login != nil {
		c.Worker = *login
	}
	told(c)
}

// whyChanged returns why the lane leaves a pool for another one.
func (l *Lane) whyChanged(from, to *pool) WhyChanged {
	list := l.goal.list()
	switch {
	case from.ordered() != Enabled:
		return PoolOrdered
	case !slices.Contains(list, from):
		return PoolTakenOut
	case l.serving == nil:
		return LinkLost
	case slices.Index(list, to) < slices.Index(list, from):
		return BetterIsBack
	}
	return PoolIll
}
