package upstream

import (
	"context"
	"net"
	"time"

	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

// sink is a connection to a pool that takes everything.
type sink struct {
	net.Conn // nil: what is not used
	writes   int
	bytes    int
}

func (s *sink) Write(b []byte) (int, error) {
	s.writes++
	s.bytes += len(b)
	return len(b), nil
}

func (*sink) SetWriteDeadline(time.Time) error { return nil }

// agentLink returns a link to an agent pool that serves a lane, and a share for
// it.
func agentLink(ctx context.Context) (*link, *agentDialect, Share) {
	d := NewDirectory(DirectoryOptions{Book: stats.New(stats.Options{})}, nobody{})
	d.Set(kept(Pool{Target: dial.Target{Name: "a"}, User: "farm", Agent: true}))
	r := d.route("")
	l := newLane(r, Prefix{Len: 2}, 0)
	layout, _ := work.NewLayout(agentSize, 2)
	e := newEpoch(r.list()[0], "", nil, agentSize, layout)
	l.setEpochs([]*epoch{e})
	k := r.newLink(ctx, r.list()[0], l, linkFiles{})
	k.epoch.Store(e)
	k.conn = new(sink)
	k.flight.begin(firstIndexID)
	a := k.dialect.(*agentDialect)
	a.responses = true
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
func (nobody) Rerouted(*Route)    {}
func (nobody) Outgrown(*Lane)     {}
func (nobody) Dismissed(*Lane)    {}
