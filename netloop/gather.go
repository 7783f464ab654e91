package netloop

import (
	"farmproxy/session"
	"farmproxy/work"
)

// maxGathered bounds the shares that wait to be hashed: 10 kB of them, so that they
// are still in the first-level cache when their hashes are done.
const maxGathered = 64

// gathered are the shares of a turn that are not hashed yet. Hashing two at a time
// takes as long as hashing one, and doing each step for many shares in a row keeps its
// code and data in the processor's caches.
//
// They are judged when there are enough of them, at the end of the turn, and before
// anything that may concern them: to the miners and the lanes it looks as if each had
// been judged on arrival.
type gathered struct {
	list    []session.Candidate
	whose   []whose
	checker work.Checker

	out  []byte // the answers of one round
	ends []int  // where in out each share's answers end
}

// whose says whose a share is.
type whose struct {
	peer   *peer
	worker worker
}

// gather queues a share to be judged in this turn.
func (l *loop) gather(p *peer, w worker, c *session.Candidate) {
	g := &l.gathered
	if len(g.list) == 0 {
		l.mailbox.turn()
	}
	g.list, g.whose = append(g.list, *c), append(g.whose, whose{p, w})
	if len(g.list) == maxGathered {
		l.judge()
	}
}

// judge judges the gathered shares. Answers are written when all are judged, since a
// write may close a connection with other shares among them.
func (l *loop) judge() {
	g := &l.gathered
	if len(g.list) == 0 {
		return
	}
	session.FindHashes(&g.checker, g.list)
	g.out, g.ends = g.out[:0], g.ends[:0]
	for i := range g.list {
		of := &g.whose[i]
		l.setEnv(of.peer)
		g.out = l.verdictOn(of.peer, of.worker, &g.list[i], g.out)
		g.ends = append(g.ends, len(g.out))
	}
	g.list = g.list[:0]

	begin := 0
	for i, of := range g.whose {
		if i+1 < len(g.whose) && g.whose[i+1].peer == of.peer {
			continue // in the same write as the next
		}
		l.write(of.peer, g.out[begin:g.ends[i]])
		begin = g.ends[i]
	}
	clear(g.whose)
	g.whose = g.whose[:0]
}

// verdictOn judges a share by its hash, and acts on the effect.
func (l *loop) verdictOn(p *peer, w worker, c *session.Candidate, out []byte) []byte {
	out, effect := p.dialect.judge(l, p, c, out)
	return l.share(p, w, &effect, out)
}
