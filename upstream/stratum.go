package upstream

import (
	"fmt"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// stratum is the dialect of Stratum V1.
type stratum struct {
	*protocol
	awaits uint64 // the request of the handshake whose answer is waited for; 0: none
	names  names
	bits   versionBits
}

func newStratum(p *protocol) dialect {
	s := &stratum{protocol: p}
	s.names.init(&p.to, p.goal.account)
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

func (s *stratum) begin() error {
	switch {
	case s.proof:
		s.skipped = everyRequest
	case !s.trial:
		s.skipped = s.pool.skips(s.now)
	}
	s.configure()
	return nil
}

// await waits for the answer to a request.
func (s *stratum) await(id uint64, d time.Duration) {
	s.awaits = id
	s.wait(d)
}

// configure asks for version rolling. A pool that refuses, or does not answer,
// has none.
func (s *stratum) configure() {
	s.ask(askConfigure, codec.AppendPoolConfigure(nil, configureID))
	switch {
	case s.skipped.has(askConfigure):
		s.subscribe()
	case !s.trial && !s.pool.waitsForBits():
		s.unheard = true // its answer is taken whenever it comes
		s.subscribe()
	default:
		s.await(configureID, configureTimeout)
	}
}

// subscribe opens a session, or takes up the old one.
func (s *stratum) subscribe() {
	if s.resume != nil && s.resume.session != "" && !s.skipped.has(askResume) {
		s.ask(askResume, codec.AppendPoolSubscribe(nil, subscribeID, s.to.UserAgent, s.resume.session))
	} else {
		s.say(codec.AppendPoolSubscribe(nil, subscribeID, s.to.UserAgent, ""))
	}
	s.await(subscribeID, stepTimeout)
}

// authorize says who the farm is: by the one name that all shares of the link go
// under, where there is one. Pools of ckpool's kind know no other of a connection.
func (s *stratum) authorize() {
	if s.to.SuggestDifficulty > 0 {
		// Sent alone and not waited for: public-pool answers it with a
		// notification that carries the request's id.
		s.ask(askSuggest, codec.AppendPoolSuggestDifficulty(nil, suggestID, s.to.SuggestDifficulty))
	}
	if name := s.soleName(); name != s.to.User && s.pool.asksNames(s.now) {
		s.names.asksSole(name, s.now)
		s.say(codec.AppendPoolAuthorize(nil, nameID, name, s.to.Password))
		s.await(nameID, nameTimeout)
		return
	}
	s.authorizeUser()
}

func (s *stratum) authorizeUser() {
	s.say(codec.AppendPoolAuthorize(nil, authorizeID, s.to.User, s.to.Password))
	s.await(authorizeID, stepTimeout)
}

// soleRefused goes on without the one name. answer is what the pool said to it.
func (s *stratum) soleRefused(answer string) {
	s.names.refused = s.names.sole
	s.nameRefused(s.names.sole, answer)
	s.authorizeUser()
}

// answered takes the answer that the handshake waits for.
func (s *stratum) answered(m *codec.Message) error {
	id := s.awaits
	s.awaits = 0
	switch id {
	case configureID:
		s.configured(m)
		s.subscribe()
		return nil
	case subscribeID:
		if err := s.subscribed(m); err != nil {
			return err
		}
		s.authorize()
		return nil
	case nameID:
		s.names.asking = false
		e, refused := m.Error.PoolError()
		if !m.Result.Yes() || refused {
			s.soleRefused(saying(e))
			return nil
		}
		s.names.base = s.names.sole
		s.pool.authorizedName()
	case authorizeID:
		if err := s.authorized(m); err != nil {
			return err
		}
	}
	s.flight.begin(firstID)
	s.ask(askExtranonce, codec.AppendPoolExtranonceSubscribe(nil, extranonceID))
	s.shaken()
	return nil
}

// late implements dialect.
func (s *stratum) late() error {
	switch s.awaits {
	case configureID:
		s.unheard = true
		s.pool.ignoresConfigure(s.now)
		s.subscribe()
	case subscribeID:
		return fmt.Errorf("mining.subscribe got no answer within %v", stepTimeout)
	case nameID:
		s.soleRefused("none in time")
	case authorizeID:
		return fmt.Errorf("mining.authorize of user %q got no answer within %v", s.to.User, stepTimeout)
	}
	return nil
}

func (s *stratum) ended(err error) error { return err }

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

// step takes lines.
func (s *stratum) step() error {
	for !s.paused {
		if ok, err := s.nextLine(); !ok || err != nil {
			return err
		}
	}
	return nil
}

func (s *stratum) admit(size int) error {
	if size < MinShared {
		return fmt.Errorf("the pool gives an extranonce2 of %d bytes; at least %d are needed to share it out among miners: use another pool, or another port of this one; if it is a proxy, the pool behind it has to give more: 4 bytes, where it is a farmproxy", size, MinShared)
	}
	return nil
}

// job lets go what would come too late for another block.
func (s *stratum) job(n *codec.Notify) (*work.Difficulties, error) {
	if last := s.protocol.job; last != nil && (n.Clean || n.PrevHash != last.PrevHash) && s.releaseNames() {
		s.stirred = true
	}
	return nil, nil
}

// reply takes the answer to a request of the handshake, to a share, or to the
// authorize of a name. Answers to anything else are of no interest.
func (s *stratum) reply(m *codec.Message) error {
	id, ok := m.ID.RequestID()
	if !ok {
		return nil
	}
	s.heard(id)
	switch {
	case id != 0 && id == s.awaits:
		return s.answered(m)
	case id == configureID:
		s.configured(m)
	case s.phase != shaking:
		s.verdict(id, m)
	}
	return nil
}

// verdict takes the answer to a share, or to the authorize of a name.
func (s *stratum) verdict(id uint64, m *codec.Message) {
	e, refused := m.Error.PoolError()
	yes := m.Result.Yes() && !refused
	if !yes && !refused {
		e, _ = m.Reason.PoolError()
	}
	wasFull := s.flight.room() <= 0
	answered, ok := s.flight.answer(id)
	if !ok {
		if s.renewalAnswered(id, yes, e) || s.nameAnswered(id, yes, saying(e)) {
			s.stirred = true
		}
		return
	}
	v := verdictOf(yes, e)
	if v == work.Duplicate && answered.share.resubmitted {
		v, e = work.Accepted, codec.PoolError{} // the first copy had arrived
	}
	if s.bits.answered(&answered.share, v, s.shownBits(answered.share.Job)) || s.refusedForNow(&answered, v) {
		s.sendAgain(&answered.share)
		return
	}
	before, own := s.atOnce, false
	if !s.raised(&answered.share, v) {
		own = s.health.note(&answered.share, v)
	}
	if s.atOnce != before {
		s.republish()
	}
	s.stirred = s.stirred || wasFull
	s.settled(&answered, v, e, own)
}

// precede renews the link's authorization where it has lapsed: no share goes out before.
func (s *stratum) precede(buf []byte) (out []byte, room int) {
	buf, waits := s.renew(buf)
	if waits {
		return buf, 0
	}
	return buf, maxQueue - s.names.held
}

func (s *stratum) share(buf []byte, share *Share) (out []byte, f fate) {
	user, buf, ok := s.under(buf, share)
	if !ok {
		return buf, held
	}
	p := codec.PoolShare{User: user, Job: share.Job, Solution: &share.Solution, HasVersion: s.health.rolling.Load()}
	if p.HasVersion {
		p.VersionBits, p.HasVersion = s.bits.of(share, s.shownBits(share.Job))
	}
	return codec.AppendPoolSubmit(buf, s.flight.put(share, s.now), &p), inFlight
}

// shownBits returns the version bits that a share for a job can show: those that the
// job allowed but the mask does not any more too, or the pool would see another
// header than the miner hashed.
func (s *stratum) shownBits(job *work.Job) uint32 { return job.Mask | s.mask }

func (s *stratum) follow(buf []byte, _ bool) (out []byte, more bool) { return buf, false }

func (s *stratum) sent() {}

func (s *stratum) landed(*sent) bool { return false }

func (s *stratum) activate() { s.lane.roster.attach(nil) }

func (s *stratum) expire() bool {
	names, renewal := s.expireNames(), s.expireRenewal()
	return names || renewal
}

func (s *stratum) leave(dst []Share) []Share { return s.names.drain(dst) }
