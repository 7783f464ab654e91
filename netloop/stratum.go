package netloop

import (
	"farmproxy/codec"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

// stratum is Stratum V1: a connection is one miner, with all of its state in its peer.
// login.go has subscribe and authorize.
type stratum struct{}

// stratumV1 is a pointer: with a value, each call would go through one more wrapper,
// 15 ns per job.
var stratumV1 = new(stratum)

func (d *stratum) next(l *loop, p *peer, data, out []byte) (rest, answers []byte, effect session.Effect) {
	return l.nextLine(p, d, data, out)
}

func (*stratum) malformed(l *loop, p *peer, err *codec.Error, out []byte) ([]byte, session.Effect) {
	return p.session.Malformed(&l.env, err, out)
}

func (*stratum) request(l *loop, p *peer, out []byte) ([]byte, session.Effect) {
	rolled := p.session.Rolls()
	out, effect := p.session.Step(&l.env, &l.request, out)
	worked := p.session.IsWorking()
	switch effect.Kind {
	case session.WantSubscribe:
		out, effect = l.subscribe(p, &effect, out)
	case session.WantAuthorize:
		out, effect = l.authorize(p, effect.Login, out)
	case session.Reauthorized:
		out, effect = l.reauthorize(p, effect.Login, out)
	case session.JobSentAgain:
		l.counts.Notifies.Add(1)
	default:
		out = l.share(p, p.worker(effect.Worker), &effect, out)
	}
	if !worked && p.session.IsWorking() {
		l.counts.Notifies.Add(1) // its first job, sent in the same write as the answer
	}
	p.rolls(rolled)
	return out, effect
}

func (*stratum) judge(l *loop, p *peer, c *session.Candidate, out []byte) ([]byte, session.Effect) {
	return p.session.Judge(&l.env, c, out)
}

func (*stratum) refuse(p *peer, id *codec.ID, v work.Verdict, out []byte) []byte {
	return p.session.Verdict(id, v, v.Code(), v.Text(), out)
}

func (*stratum) verdict(l *loop, p *peer, v *upstream.Verdict) (over bool) {
	if p.waiting > 0 {
		p.waiting--
	}
	over = p.session.Settled(v.Verdict, v.Own)
	if !v.Answered {
		l.out = p.session.Verdict(&v.ID, v.Verdict, v.Code, v.Text, l.out[:0])
		l.write(p, l.out)
	}
	return over
}

func (*stratum) miner(p *peer, _ *codec.ID) (prefix uint16, waiting *uint16) {
	return p.prefix.Value, &p.waiting
}

func (*stratum) tally(p *peer, _ *codec.ID) *tally { return p.tally() }

func (*stratum) waits(p *peer) bool { return p.waiting > 0 }

func (*stratum) job(l *loop, p *peer, clean bool, out []byte) ([]byte, session.Effect) {
	out, effect := p.session.Job(&l.env, clean, out)
	if p.session.LastJob() == l.env.Feed.Job().ID {
		l.counts.Notifies.Add(1)
	}
	return out, effect
}

func (*stratum) lastJob(p *peer) uint32 { return p.session.LastJob() }

func (*stratum) adjust(l *loop, p *peer, out []byte) []byte { return p.session.Adjust(&l.env, out) }

func (*stratum) tick(l *loop, p *peer, out []byte) ([]byte, session.Effect) {
	return p.session.Tick(&l.env, out)
}

func (*stratum) move(l *loop, p *peer, to *upstream.Goal) {
	l.deliver(p, func(out []byte) ([]byte, session.Effect) { return l.change(p, to, p.login, out) })
}

func (*stratum) partial(p *peer) *lines { return &p.lines }

func (*stratum) left(l *loop, p *peer) {
	if p.session.IsAuthorized() {
		l.server.debts.leave(p.remote.Addr(), p.login, p.session.Leave(p.doubtful(p.waiting)), l.env.Now)
	}
	p.lines.drop(&l.halves)
	l.uncount(p)
	l.leave(p)
	l.counts.Miners.Add(-1)
	if p.session.IsAuthorized() {
		l.counts.Authorized.Add(-1)
		p.booked(func(w *stats.Worker) { w.Disconnected(l.wall, uint8(p.reason)) })
		for _, f := range p.others() {
			f.gone()
		}
	}
	if p.session.IsSubscribed() {
		l.counts.Subscribed.Add(-1)
		l.server.parked.park(p, l.splitOf(p), l.env.Now, l.server.settings.Load().ResumeWindow)
	}
}

func (*stratum) workers(p *peer, visit func(*stats.Worker)) { p.booked(visit) }

func (*stratum) limits() limits { return limits{outbound: maxOutbound, unearned: maxUnearned} }
