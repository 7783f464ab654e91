package upstream

import (
	"errors"
	"fmt"

	"farmproxy/codec"
	"farmproxy/work"
)

// What the handshakes of both dialects have in common.

// subscribed reads the answer to mining.subscribe: which epoch the link is for.
func (p *protocol) subscribed(m *codec.Message) error {
	if e, refused := m.Error.PoolError(); refused {
		return fmt.Errorf("mining.subscribe was refused: %s", saying(e))
	}
	s, err := m.Result.Subscription()
	if err != nil {
		return err
	}
	e, err := p.enter(s.Session, s.Extranonce1, s.Extranonce2Size)
	if err != nil {
		return err
	}
	p.reached = true
	p.pool.reachable()
	p.link.epoch.Store(e)
	if n := p.early; n != nil {
		p.early = nil
		return p.newJob(n)
	}
	return nil
}

// errMisfit is no failure of the pool: other lanes may use it.
var errMisfit = errors.New("too little room at the pool")

// enter returns the epoch of an extranonce1: the one to resume where the pool gives that
// back in its answer to subscribe, else a new one. An extranonce that is changed later ends
// the one before it, so no later change leads back there.
func (p *protocol) enter(session string, extranonce1 []byte, size int) (*epoch, error) {
	if err := p.dialect.admit(size); err != nil {
		return nil, err
	}
	p.learn(size)
	if p.lane == nil {
		return newEpoch(p.pool, session, extranonce1, size, work.Layout{}), nil
	}
	key := p.lane.key
	if !roomFor(size, key) {
		if key.private() {
			return nil, fmt.Errorf("%w for an agent's miners: they need an extranonce2 of %d bytes, it gives %d", errMisfit, agentSize, size)
		}
		return nil, fmt.Errorf("%w for the miners that connected before this was known; new miners get a shorter prefix: it gives an extranonce2 of %d bytes", errMisfit, size)
	}
	layout, _ := work.NewLayout(size, int(key.Len))
	if e := p.resume; e != nil && !p.reached && e.size == size && string(e.extranonce1) == string(extranonce1) {
		if session != "" {
			e.session = session
		}
		return e, nil
	}
	return newEpoch(p.pool, session, extranonce1, size, layout), nil
}

// authorized reads the answer to mining.authorize.
func (p *protocol) authorized(m *codec.Message) error {
	e, refused := m.Error.PoolError()
	if m.Result.Yes() && !refused {
		return nil
	}
	whose := "this [[pool]]"
	if p.goal.account != "" {
		whose = fmt.Sprintf("account %q", p.goal.account)
	}
	return &Refusal{fmt.Sprintf("pool %q refused user %q: %s; check user and password of %s", p.pool.Name, p.to.User, saying(e), whose)}
}

// Refusal is that a pool has answered, and takes these credentials not.
type Refusal struct{ text string }

func (r *Refusal) Error() string { return r.text }

// saying is what the pool said, for a sentence.
func saying(e codec.PoolError) string {
	switch {
	case e.Text != "":
		return fmt.Sprintf("it said %q", e.Text)
	case e.Code != 0:
		return fmt.Sprintf("it said error %d", e.Code)
	}
	return "it gave no reason"
}
