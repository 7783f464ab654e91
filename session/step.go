package session

import (
	"bytes"

	"farmproxy/codec"
	"farmproxy/work"
)

// Stratum error codes other than the verdicts on shares.
const (
	codeOther          = 20
	codeUnauthorized   = 24
	codeMethodNotFound = -3
)

// Step takes one request of the miner and appends the answer to out.
func (s *Session) Step(e *Env, r *codec.Request, out []byte) ([]byte, Effect) {
	switch r.Method {
	case codec.Submit:
		return s.submit(e, r, out)
	case codec.Configure:
		return s.configure(e, r, out), Effect{}
	case codec.Subscribe:
		if s.flags&subscribed != 0 {
			out = s.Subscribed(e, r, 0, nil, 0, out)
			if s.mayHaveJobAgain(e) {
				return s.jobAgain(e, out), Effect{Kind: JobSentAgain}
			}
			return out, Effect{}
		}
		p := r.Subscribe()
		resume, _ := codec.ParseSession(p.Session)
		return out, Effect{Kind: WantSubscribe, Agent: p.Agent, Resume: resume}
	case codec.Authorize:
		return s.authorize(r, out)
	case codec.ExtranonceSubscribe:
		s.flags |= extranonceSubscribed
		return codec.AppendTrue(out, &r.ID), Effect{}
	case codec.SuggestDifficulty:
		return s.suggestDifficulty(e, r, out), Effect{}
	case codec.SuggestTarget:
		return s.suggestTarget(e, r, out), Effect{}
	case codec.Ping:
		return codec.AppendPong(out, &r.ID), Effect{}
	case codec.GetTransactions, codec.MultiVersion:
		// An answer is required: some firmware waits for one forever.
		return codec.AppendError(out, &r.ID, codeOther, "Not supported"), Effect{}
	case codec.ReplyMessage:
		return out, Effect{}
	}
	return codec.AppendError(out, &r.ID, codeMethodNotFound, "Method not found"), Effect{}
}

// configure answers mining.configure (BIP 310).
func (s *Session) configure(e *Env, r *codec.Request, out []byte) []byte {
	p, ok := r.Configure()
	if !ok {
		return codec.AppendError(out, &r.ID, codeOther, "Malformed mining.configure")
	}
	for i, asked := range p.Asked[:p.N] {
		switch asked {
		case codec.VersionRolling:
			s.flags |= rolling
			s.asked = p.Mask
			s.told = p.Mask & maskNow(e)
		case codec.MinimumDifficulty:
			if e.Terms.Difficulty.keeps(p.MinimumDifficulty, e.Feed) {
				s.vardiff.floor = upper32(min(p.MinimumDifficulty, mostPower))
			} else {
				p.Refuse(i)
			}
		case codec.SubscribeExtranonce:
			s.flags |= extranonceSubscribed
		}
	}
	return codec.AppendConfigured(out, &r.ID, &p, s.told)
}

// maskNow returns the version bits that the pool lets roll now.
func maskNow(e *Env) uint32 {
	if e.Feed != nil && e.Feed.Job() != nil {
		return e.Feed.rollable()
	}
	return e.Mask
}

// Subscribed answers the mining.subscribe that WantSubscribe came from. prefix has 1
// or 2 bytes. A second mining.subscribe on a connection gets the same answer: the
// miner's extranonce never changes.
func (s *Session) Subscribed(e *Env, r *codec.Request, id uint64, prefix []byte, extranonce2 int, out []byte) []byte {
	if s.flags&subscribed == 0 {
		s.flags |= subscribed
		s.id = id
		s.prefixLen = uint8(copy(s.prefix[:], prefix))
		s.extranonce2 = uint8(extranonce2)
	}
	out = codec.AppendSubscribed(out, &r.ID, s.id, s.prefix[:s.prefixLen], int(s.extranonce2))
	return s.firstJob(e, out)
}

// Resume is Subscribed for a returning miner: it gets the parked session's extranonce,
// difficulty and accepted headers. Its version-rolling state is restored too, or a
// reconnect that we asked for would lead to the next.
func (s *Session) Resume(e *Env, r *codec.Request, parked *Session, out []byte) []byte {
	s.id, s.prefix, s.prefixLen, s.extranonce2 = parked.id, parked.prefix, parked.prefixLen, parked.extranonce2
	s.flags |= subscribed
	since := s.headers.from // of the lane that the miner has entered
	s.memory = parked.memory
	if e.Feed != nil {
		s.Enter(e.Feed, since)
	}
	s.posted, s.head, s.later = parked.posted, parked.head, parked.later
	s.vardiff.resume(&parked.vardiff)
	s.rolled, s.nextReconnect = parked.rolled, parked.nextReconnect
	s.standing.proven = parked.standing.proven
	s.standing.inherit(parked.standing.refused, parked.standing.next)
	out = codec.AppendSubscribed(out, &r.ID, s.id, s.prefix[:s.prefixLen], int(s.extranonce2))
	return s.firstJob(e, out)
}

// authorize handles mining.authorize. Repeating a name changes nothing: no second job,
// no second difficulty.
func (s *Session) authorize(r *codec.Request, out []byte) ([]byte, Effect) {
	p, ok := r.Authorize()
	login := codec.CleanName(p.Login)
	if !ok || login == "" {
		return codec.AppendError(out, &r.ID, codeUnauthorized, "Set a worker name: account.worker"), Effect{}
	}
	if w := s.find(p.Login); w != 0 {
		return codec.AppendTrue(out, &r.ID), Effect{Kind: Reauthorized, Login: s.nameOf(w)}
	}
	if len(s.rest()) >= maxWorkers-1 {
		return codec.AppendError(out, &r.ID, codeUnauthorized, "Too many workers on one connection"), Effect{}
	}
	return out, Effect{Kind: WantAuthorize, Login: login}
}

// Authorized answers the mining.authorize that WantAuthorize came from: accepted. name
// is its Login; it becomes the next Worker. last is the difficulty that the worker had
// when it was last seen, 0 if never.
func (s *Session) Authorized(e *Env, r *codec.Request, name string, last float64, out []byte) []byte {
	first := s.name == ""
	if first {
		s.name = name
	} else {
		s.add(name)
	}
	out = codec.AppendTrue(out, &r.ID)
	if !first {
		return out
	}
	if p, ok := r.Authorize(); ok {
		if string(p.Login) == name {
			s.flags |= verbatim
		}
		if d, ok := passwordDifficulty(p.Password); ok {
			s.vardiff.suggest(e.Now, d)
			s.flags |= wantsDiff
		}
	}
	if last > 0 && s.flags&wantsDiff == 0 && s.vardiff.want == 0 {
		s.vardiff.want = powerOf(last)
	}
	return s.firstJob(e, out)
}

// Refused answers the mining.authorize that WantAuthorize came from: rejected. text
// tells the miner's owner what to do, without quotes.
func (s *Session) Refused(r *codec.Request, text string, out []byte) []byte {
	return codec.AppendError(out, &r.ID, codeUnauthorized, text)
}

// passwordDifficulty finds d=NUMBER in a password, as in "x,d=65536".
func passwordDifficulty(password []byte) (d float64, ok bool) {
	for part := range bytes.FieldsFuncSeq(password, func(c rune) bool { return c == ',' || c == ';' || c == ' ' }) {
		if value, found := bytes.CutPrefix(part, []byte("d=")); found {
			d, ok = codec.Raw(value).Float()
			return d, ok && d > 0
		}
	}
	return 0, false
}

func (s *Session) suggestDifficulty(e *Env, r *codec.Request, out []byte) []byte {
	d, ok := r.Params[0].Float()
	if !ok || d <= 0 {
		return codec.AppendError(out, &r.ID, codeOther, "mining.suggest_difficulty wants a number above 0")
	}
	return s.suggest(e, d, codec.AppendTrue(out, &r.ID))
}

func (s *Session) suggestTarget(e *Env, r *codec.Request, out []byte) []byte {
	var target [32]byte
	text, _ := r.Params[0].String()
	if !codec.DecodeHex(target[:], text) || target == [32]byte{} {
		return codec.AppendError(out, &r.ID, codeOther, "mining.suggest_target wants 64 hex digits")
	}
	return s.suggest(e, work.TargetDifficulty(&target), codec.AppendTrue(out, &r.ID))
}

// suggest handles a difficulty requested by the miner. A higher one waits for the next
// job; a lower one is announced at once.
func (s *Session) suggest(e *Env, d float64, out []byte) []byte {
	s.flags |= wantsDiff
	s.vardiff.suggest(e.Now, d)
	if s.flags&working == 0 {
		return out
	}
	return s.lowerDifficulty(e, out)
}
