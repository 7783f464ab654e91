package session

import (
	"encoding/binary"
	"time"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/work"
)

// maxHeld bounds, in bytes, the answers held back behind that of mining.subscribe
// until the lane's first job: a handshake has three, of 60 bytes each.
const maxHeld = 4 << 10

// maxHeldAnswer is how much the answer to mining.authorize may be beyond that: it is held
// back without another look at maxHeld.
const maxHeldAnswer = 512

// assumeAfter is how long a subscribed agent may wait before it authorizes. BTCAgent
// in Go does both at once; the older one in C++ waits for its extranonce first, and is
// assumed to be no account's.
const assumeAfter = 2 * time.Second

// Agent is one connection of an agent: BTCAgent, or another farmproxy. It carries many
// miners, each under a session id chosen by the agent.
//
//	JSON line ─> Step ──┬──> bytes for the agent
//	frame ─────> Frame  │
//	post ──────> Job    ├──> Effect: as for a Session; SID says which miner
//	verdict ───> Verdict│
//	time ──────> Tick   └──> a Session for each miner, and the state of the connection
//
// Each miner is a Session, so its shares are judged and its difficulty is found like
// any other miner's; only the wire format differs. Agent is a state machine like
// Session, under the same rules, and just as plain. It is not kept when the connection
// ends, since an agent registers its miners again.
//
// Its extranonce1 is the pool's and can't change on a live connection. So
// mining.subscribe is answered when the lane has its first job, and answers to later
// requests follow it in order.
type Agent struct {
	agentState
	user string // it authorized as this; "" before
	held []byte // answers held back behind that of mining.subscribe

	miners  []*Session
	place   map[uint16]int // index in miners, by session id
	gone    gone           // headers of unregistered miners
	slots   int            // taken by the headers of all miners, up to maxAgentSlots
	changed []toldMiner    // miners whose difficulty the last job changed
	ids     []uint16       // scratch: the session ids of one SET_DIFF
}

type agentFlags uint8

const (
	agentSubscribing agentFlags = 1 << iota // mining.subscribe was read
	agentSubscribed                         // and answered
	agentRolling                            // version rolling was asked for
	agentAnswers                            // each share is answered
	agentAssumed                            // WantRoute was asked
)

func (a *Agent) is(f agentFlags) bool { return a.flags&f != 0 }

// Step takes one request of the agent and appends the answer to out.
func (a *Agent) Step(e *Env, r *codec.Request, out []byte) ([]byte, Effect) {
	return a.answering(out, func(out []byte) ([]byte, Effect) { return a.step(e, r, out) })
}

// answering appends the answer to out, or to held while answers are held back.
func (a *Agent) answering(out []byte, answer func([]byte) ([]byte, Effect)) ([]byte, Effect) {
	if !a.Waiting() {
		return answer(out)
	}
	var effect Effect
	if a.held, effect = answer(a.held); len(a.held) > maxHeld {
		return out, Effect{Kind: Hangup, Reason: TooManyMalformed}
	}
	return out, effect
}

// Waiting reports that answers are held back until Job has one.
func (a *Agent) Waiting() bool { return a.is(agentSubscribing) && !a.is(agentSubscribed) }

func (a *Agent) step(e *Env, r *codec.Request, out []byte) ([]byte, Effect) {
	switch r.Method {
	case codec.AgentGetCapabilities:
		return a.capabilities(r, out), Effect{}
	case codec.Configure:
		return a.configure(e, r, out), Effect{}
	case codec.Subscribe:
		return a.subscribed(e, r, out)
	case codec.Authorize:
		return a.authorize(r, out)
	case codec.Ping:
		return codec.AppendPong(out, &r.ID), Effect{}
	case codec.ReplyMessage:
		return out, Effect{}
	}
	return codec.AppendError(out, &r.ID, codeMethodNotFound, "Method not found"), Effect{}
}

// capabilities answers agent.get_capabilities with everything we support. Shares are
// answered only if the agent asked for it after mining.authorize: btcpool does the
// same, and agents expect it.
func (a *Agent) capabilities(r *codec.Request, out []byte) []byte {
	if a.user != "" && agent.Offered(r).SubmitResponse {
		a.flags |= agentAnswers
	}
	return agent.AppendCapabilitiesReply(out, &r.ID, agent.Capabilities{VersionRolling: true, SubmitResponse: true})
}

// configure answers mining.configure; the mask follows at once, as it does from
// btcpool.
func (a *Agent) configure(e *Env, r *codec.Request, out []byte) []byte {
	p, ok := r.Configure()
	if !ok {
		return codec.AppendError(out, &r.ID, codeOther, "Malformed mining.configure")
	}
	for i, asked := range p.Asked[:p.N] {
		switch asked {
		case codec.VersionRolling:
			a.flags |= agentRolling
			a.asked = p.Mask
			a.told = p.Mask & maskNow(e)
		case codec.MinimumDifficulty, codec.SubscribeExtranonce:
			p.Refuse(i) // the protocol has neither
		}
	}
	for _, s := range a.miners {
		a.allow(s)
	}
	out = codec.AppendConfigured(out, &r.ID, &p, a.told)
	if a.is(agentRolling) {
		out = codec.AppendSetVersionMask(out, a.told)
	}
	return out
}

// allow lets a miner roll what the agent asked for.
func (a *Agent) allow(s *Session) {
	if a.is(agentRolling) {
		s.flags |= rolling
		s.asked = a.asked
	}
}

// Rolls returns the version bits that the agent's miners may roll now; 0: none.
func (a *Agent) Rolls() uint32 {
	if !a.is(agentRolling) {
		return 0
	}
	return a.told
}

// setMask tells the agent its mask when it changed.
func (a *Agent) setMask(e *Env, out []byte) []byte {
	mask := a.asked & e.Feed.rollable()
	if !a.is(agentRolling) || mask == a.told {
		return out
	}
	a.told = mask
	return codec.AppendSetVersionMask(out, mask)
}

// subscribed handles mining.subscribe: the answer is sent with the first job. A
// repeated one gets the same answer as the first.
func (a *Agent) subscribed(e *Env, r *codec.Request, out []byte) ([]byte, Effect) {
	switch {
	case a.is(agentSubscribed):
		return a.appendSubscribed(&r.ID, out), Effect{}
	case a.is(agentSubscribing):
		return codec.AppendError(out, &r.ID, codeOther, "Subscribed already"), Effect{}
	}
	a.flags |= agentSubscribing
	a.subscribe, a.waits = r.ID, e.Now
	return out, Effect{}
}

func (a *Agent) appendSubscribed(id *codec.ID, out []byte) []byte {
	label := uint64(binary.BigEndian.Uint32(a.extranonce1[:])) // the subscription id, as btcpool builds it; nothing is resumed by it
	return codec.AppendSubscribed(out, id, label, a.extranonce1[:], agentExtranonce2)
}

// authorize handles mining.authorize. An agent has one user, and its miners are that
// user's workers.
func (a *Agent) authorize(r *codec.Request, out []byte) ([]byte, Effect) {
	p, ok := r.Authorize()
	user := codec.CleanName(p.Login)
	switch {
	case !ok || user == "":
		return codec.AppendError(out, &r.ID, codeUnauthorized, "Set a user name: the account"), Effect{}
	case a.user == user:
		return codec.AppendTrue(out, &r.ID), Effect{}
	case a.user != "":
		return codec.AppendError(out, &r.ID, codeUnauthorized, "One user for each connection"), Effect{}
	}
	return out, Effect{Kind: WantAuthorize, Login: user}
}

// Authorized answers the mining.authorize that WantAuthorize came from: accepted. The
// caller has put the agent on its lane, and calls Job next.
func (a *Agent) Authorized(r *codec.Request, user string, out []byte) []byte {
	a.user = user
	out, _ = a.answering(out, func(out []byte) ([]byte, Effect) { return codec.AppendTrue(out, &r.ID), Effect{} })
	return out
}

// Refused answers the mining.authorize that WantAuthorize came from: rejected.
func (a *Agent) Refused(r *codec.Request, text string, out []byte) []byte {
	out, _ = a.answering(out, func(out []byte) ([]byte, Effect) {
		return codec.AppendError(out, &r.ID, codeUnauthorized, text), Effect{}
	})
	return out
}

// Unserved rejects the pending mining.subscribe.
func (a *Agent) Unserved(text string, out []byte) []byte {
	if !a.Waiting() {
		return out
	}
	return append(codec.AppendError(out, &a.subscribe, codeOther, text), a.held...)
}

// Malformed records a line that could not be decoded.
func (a *Agent) Malformed(e *Env, err *codec.Error, out []byte) ([]byte, Effect) {
	return a.answering(out, func(out []byte) ([]byte, Effect) { return malformed(e, err, &a.malformed, out) })
}

// Tick is called every few seconds. It hangs up on an agent that does not finish its
// handshake, and asks for a route for one that waits for its extranonce before it
// authorizes.
func (a *Agent) Tick(e *Env) Effect {
	age := e.Now - a.Opened
	switch {
	case !a.is(agentSubscribing) && age > e.Terms.SubscribeTimeout:
		return Effect{Kind: Hangup, Reason: SubscribeTimeout}
	case (a.Waiting() || a.user == "") && age > e.Terms.AuthorizeTimeout:
		return Effect{Kind: Hangup, Reason: AuthorizeTimeout}
	case a.Waiting() && a.user == "" && !a.is(agentAssumed) && e.Now-a.waits >= assumeAfter:
		a.flags |= agentAssumed
		return Effect{Kind: WantRoute}
	}
	return Effect{}
}

// Miners calls visit with each registered miner's session id and name.
func (a *Agent) Miners(visit func(sid uint16, name string)) {
	for _, s := range a.miners {
		visit(s.prefixValue(), s.name)
	}
}

// Name returns the name of a registered miner; "" for any other.
func (a *Agent) Name(sid uint16) string {
	if s := a.miner(sid); s != nil {
		return s.name
	}
	return ""
}

// miner returns a registered miner; nil if no miner has that id.
func (a *Agent) miner(sid uint16) *Session {
	if at, ok := a.place[sid]; ok {
		return a.miners[at]
	}
	return nil
}

// agentStatuses maps verdicts to the status codes of SUBMIT_RESPONSE.
var agentStatuses = [work.NumVerdicts]agent.Status{
	work.Accepted:      agent.Accept,
	work.UnknownJob:    agent.UnknownJob,
	work.Stale:         agent.Stale,
	work.LinkLost:      agent.Stale,
	work.Duplicate:     agent.Duplicate,
	work.LowDifficulty: agent.LowDifficulty,
	work.BadTime:       agent.TimeTooNew,
	work.BadVersion:    agent.IllegalVersion,
	work.Malformed:     agent.IllegalParams,
	work.Unauthorized:  agent.Unauthorized,
	work.NotSubscribed: agent.NotSubscribed,
	work.PoolRejected:  agent.Reject,
	work.Overloaded:    agent.InternalError,
	work.TooMany:       agent.InternalError,
}
