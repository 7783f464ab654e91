package upstream

import (
	"fmt"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// stratum is the dialect of Stratum V1.
type stratum struct {
	*link
	names names       // guarded by the link's mutex
	bits  versionBits // guarded by the link's mutex
}

func newStratum(k *link) *stratum {
	s := &stratum{link: k}
	s.names.init(&k.to, k.route.account)
	return s
}

// The handshake: configure first (Braiins refuses it after subscribe), then
// subscribe, and nothing more before its answer (Luxor mixes up requests that
// come together), then authorize. The ids of its requests are fixed.
const (
	configureID = 1 + iota
	subscribeID
	suggestID
	authorizeID
	extranonceID
	nameID  // of the one name that all shares go under, where there is one
	firstID // of the shares
)

func (s *stratum) handshake() error {
	switch {
	case s.proof:
		s.skipped = everyRequest
	case !s.trial:
		s.skipped = s.pool.skips(time.Now())
	}
	if err := s.configure(); err != nil {
		return err
	}
	if err := s.subscribe(); err != nil {
		return err
	}
	if s.to.SuggestDifficulty > 0 {
		// Sent alone and not waited for: public-pool answers it with a
		// notification that carries the request's id.
		if err := s.ask(askSuggest, codec.AppendPoolSuggestDifficulty(s.buf[:0], suggestID, s.to.SuggestDifficulty)); err != nil {
			return err
		}
	}
	if err := s.authorize(); err != nil {
		return err
	}
	s.flight.begin(firstID)
	return s.ask(askExtranonce, codec.AppendPoolExtranonceSubscribe(s.buf[:0], extranonceID))
}

// configure asks for version rolling. A pool that refuses, or does not answer,
// has none.
func (s *stratum) configure() error {
	if err := s.ask(askConfigure, codec.AppendPoolConfigure(s.buf[:0], configureID)); err != nil {
		return err
	}
	if s.skipped.has(askConfigure) {
		return nil
	}
	if !s.trial && !s.pool.waitsForBits() {
		s.unheard = true
		return nil // its answer is taken whenever it comes
	}
	m, err := s.await(configureID, configureTimeout)
	if timeout(err) {
		s.unheard = true
		s.pool.ignoresConfigure(time.Now())
		return nil
	}
	if err != nil {
		return err
	}
	s.configured(m)
	return nil
}

// subscribe opens a session, or takes up the old one.
func (s *stratum) subscribe() error {
	var err error
	if s.resume != nil && s.resume.session != "" && !s.skipped.has(askResume) {
		err = s.ask(askResume, codec.AppendPoolSubscribe(s.buf[:0], subscribeID, s.to.UserAgent, s.resume.session))
	} else {
		err = s.say(codec.AppendPoolSubscribe(s.buf[:0], subscribeID, s.to.UserAgent, ""))
	}
	if err != nil {
		return err
	}
	m, err := s.await(subscribeID, stepTimeout)
	if timeout(err) {
		return fmt.Errorf("mining.subscribe got no answer within %v", stepTimeout)
	}
	if err != nil {
		return err
	}
	return s.subscribed(m)
}

// authorize says who the farm is: by the one name that all shares of the link go
// under, where there is one. Pools of ckpool's kind know no other of a connection.
func (s *stratum) authorize() error {
	if name := s.soleName(); name != s.to.User && s.pool.asksNames(time.Now()) {
		s.names.sole, s.names.last = true, time.Now()
		m, err := s.authorizeAs(name, nameID, nameTimeout)
		s.names.sole = err != nil
		answer := "none in time"
		if err == nil {
			e, refused := m.Error.PoolError()
			if m.Result.Yes() && !refused {
				s.names.base = name
				s.pool.authorizedName()
				return nil
			}
			answer = saying(e)
		} else if !timeout(err) {
			return err
		}
		s.names.refused = name
		s.nameRefused(name, answer)
	}
	m, err := s.authorizeAs(s.to.User, authorizeID, stepTimeout)
	if timeout(err) {
		return fmt.Errorf("mining.authorize of user %q got no answer within %v", s.to.User, stepTimeout)
	}
	if err != nil {
		return err
	}
	return s.authorized(m)
}

// authorizeAs sends mining.authorize and waits for its answer.
func (s *stratum) authorizeAs(name string, id uint64, limit time.Duration) (*codec.Message, error) {
	if err := s.say(codec.AppendPoolAuthorize(s.buf[:0], id, name, s.to.Password)); err != nil {
		return nil, err
	}
	return s.await(id, limit)
}

// soleName returns the name that all shares of the link go under; the pool's user
// where there is none.
func (s *stratum) soleName() string {
	switch n := &s.names; {
	case s.lane == nil || !n.pass:
	case n.worker != "":
		return n.user + "." + n.worker
	case s.lane.single():
		if login := s.lane.login.Load(); login != nil {
			return upstreamName(n.user, n.account, "", *login)
		}
	}
	return s.names.user
}

// await reads until the answer to request id is there.
func (s *stratum) await(id uint64, limit time.Duration) (*codec.Message, error) {
	s.readBy(time.Now().Add(limit))
	for {
		m, err := s.answer()
		if err != nil {
			return nil, err
		}
		got, _ := m.ID.RequestID()
		s.heard(got)
		switch got {
		case id:
			return m, nil
		case configureID:
			s.configured(m)
		}
	}
}

func (s *stratum) line() ([]byte, error) { return s.stream.line(s.link) }

func (s *stratum) admit(size int) error {
	if size < MinShared {
		return fmt.Errorf("the pool gives an extranonce2 of %d bytes; at least %d are needed to share it out among miners: use another pool, or another port of this one; if it is a proxy, the pool behind it has to give more: 4 bytes, where it is a farmproxy", size, MinShared)
	}
	return nil
}

// job lets go what would come too late for another block.
func (s *stratum) job(n *codec.Notify) (*work.Difficulties, error) {
	if last := s.link.job; last != nil && (n.Clean || n.PrevHash != last.PrevHash) {
		s.mu.Lock()
		some := s.releaseNames()
		s.mu.Unlock()
		if some {
			s.rouse()
		}
	}
	return nil, nil
}

// reply handles the answer to a share or to the authorize of a name. Answers
// to anything else are of no interest.
func (s *stratum) reply(m *codec.Message) {
	id, ok := m.ID.RequestID()
	if !ok {
		return
	}
	s.heard(id)
	if id == configureID {
		s.configured(m)
		return
	}
	e, refused := m.Error.PoolError()
	yes := m.Result.Yes() && !refused
	if !yes && !refused {
		e, _ = m.Reason.PoolError()
	}

	s.mu.Lock()
	wasFull := s.flight.room() <= 0
	answered, ok := s.flight.answer(id)
	if !ok {
		if s.renewalAnswered(id, yes, e) || s.nameAnswered(id, yes, saying(e)) {
			s.rouse()
		}
		s.mu.Unlock()
		return
	}
	v := verdictOf(yes, e)
	if v == work.Duplicate && answered.share.resubmitted {
		v, e = work.Accepted, codec.PoolError{} // the first copy had arrived
	}
	if s.bits.answered(&answered.share, v, s.shown(answered.share.Job)) || s.refusedForNow(&answered, v) {
		s.again = append(s.again, answered.share)
		s.mu.Unlock()
		s.book.InFlight.Add(-1)
		s.rouse()
		return
	}
	before, own := s.atOnce, false
	if !s.raised(&answered.share, v) {
		own = s.rejects.note(&answered.share, v)
	}
	s.mu.Unlock()

	if s.atOnce != before {
		s.republish()
	}

	if wasFull {
		s.rouse()
	}
	s.settled(&answered, v, e, own)
}

// begin renews the link's authorization where it has lapsed: no share goes out before.
func (s *stratum) begin(buf []byte) (out []byte, room int) {
	buf, waits := s.renew(buf, time.Now())
	if waits {
		return buf, 0
	}
	return buf, maxQueue - s.names.held
}

func (s *stratum) share(buf []byte, share *Share, now time.Time) (out []byte, f fate) {
	user, buf, ok := s.under(buf, share, now)
	if !ok {
		return buf, held
	}
	p := codec.PoolShare{User: user, Job: share.Job, Solution: &share.Solution, HasVersion: s.rolling.Load()}
	if p.HasVersion {
		p.VersionBits, p.HasVersion = s.bits.of(share, s.shown(share.Job))
	}
	return codec.AppendPoolSubmit(buf, s.flight.put(share, now), &p), inFlight
}

// shown returns the version bits that a share for a job can show: those that the
// job allowed but the mask does not any more too, or the pool would see another
// header than the miner hashed.
func (s *stratum) shown(job *work.Job) uint32 { return job.Mask | s.mask.Load() }

func (s *stratum) end(buf []byte, _ bool) (out []byte, more bool) { return buf, false }

func (s *stratum) sent() {}

func (s *stratum) landed(*sent) bool { return false }

func (s *stratum) activate() { s.lane.roster.attach(nil) }

func (s *stratum) expire(now time.Time) bool {
	names, renewal := s.expireNames(now), s.expireRenewal(now)
	return names || renewal
}

func (s *stratum) leave(dst []Share) []Share { return s.names.drain(dst) }
