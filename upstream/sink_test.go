package upstream

import (
	"context"
	"time"

	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

// sink is a pool that takes everything that a link has to say.
type sink struct {
	buf    []byte
	writes int
	bytes  int
}

// take has the link say all that it has to say.
func (s *sink) take(k *link) {
	for {
		s.buf = k.protocol.Pending(time.Now(), s.buf[:0])
		if len(s.buf) == 0 {
			return
		}
		s.writes++
		s.bytes += len(s.buf)
	}
}

// atWork takes a link to where it has a job, and shares are taken.
func atWork(k *link, e *epoch) {
	k.epoch.Store(e)
	k.active.Store(true)
	p := k.protocol
	p.phase = working
	p.flight.begin(firstID)
	if a, ok := p.dialect.(*agentDialect); ok {
		p.flight.begin(firstIndexID)
		a.responses = true
	}
}

// agentLink returns a link to an agent pool that serves a lane, and a share for
// it.
func agentLink(ctx context.Context) (*link, *agentDialect, Share) {
	d := NewDirectory(DirectoryOptions{Book: stats.New(stats.Options{})}, nobody{})
	d.Set(kept(Pool{Target: dial.Target{Name: "a"}, User: "farm", Dialect: Agent}))
	g := d.goal("")
	l := newLane(g, Prefix{Len: 2}, 0)
	layout, _ := work.NewLayout(agentSize, 2)
	e := newEpoch(g.list()[0], "", nil, agentSize, layout)
	l.setEpochs([]*epoch{e})
	k := g.newLink(ctx, g.list()[0], l, linkFiles{})
	atWork(k, e)
	a := k.protocol.dialect.(*agentDialect)
	l.roster.attach(k)
	job := work.NewJob(work.Template{}, nil, layout)
	job.PoolID, job.Epoch, job.Own = `"7"`, e.id, a.own
	s := share(job, 1)
	s.Worker = d.book.Worker("acct.rig1")
	l.roster.put(Member{Prefix: Prefix{Value: s.Prefix, Len: 2}, Login: "acct.rig1"})
	return k, a, s
}

// nobody listens to a directory.
type nobody struct{ Carrier }

func (nobody) Publish(Post)       {}
func (nobody) Verdicts([]Verdict) {}
func (nobody) Rerouted(*Goal)     {}
func (nobody) Outgrown(*Lane)     {}
func (nobody) Dismissed(*Lane)    {}
