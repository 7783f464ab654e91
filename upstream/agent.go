package upstream

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/work"
)

// agent is the dialect of btcpool's agent protocol, as BTCAgent speaks it. The
// pool sees every worker: it registers them under their names, sets each one's
// difficulty, and counts each one's shares.
//
//	  roster ──> begin ─> REGISTER ┐
//	  shares ──> share ─> SUBMIT   ├─ one write ──> pool
//	leavers ───> end ─> UNREGISTER ┘                 │
//	  job.Own <── own <───────────────── SET_DIFF <──┤
//	  verdicts <── flight <──────── SUBMIT_RESPONSE <┘
//
// A worker's session id at the pool is its prefix: so the pool's extranonce2,
// session<<32 | extranonce2, is what a link's layout makes of the two anyway.
type agentDialect struct {
	*protocol

	missing   []string           // the requests of the handshake that have no answer
	responses bool               // the pool says what becomes of shares
	own       *work.Difficulties // of single workers, for the next job; never nil
	scratch   []uint16           // room for the sessions of a frame
	changes   []change           // room for what the roster tells
	more      bool               // the roster has more of them

	registered map[uint16]*registration // what the pool has, or will have with the next write
	due        map[uint16]change        // registered ones that are to become something else
	dropped    map[uint16]struct{}      // unregistered: what they have of own is not theirs any more
	known      sidSet                   // registered at some time
}

// sidSet is a set of session ids.
type sidSet [(agent.MaxSID + 64) / 64]uint64

func (s *sidSet) add(sid uint16) { s[sid/64] |= 1 << (sid % 64) }

func (s *sidSet) has(sid uint16) bool {
	return int(sid/64) < len(s) && s[sid/64]>>(sid%64)&1 == 1
}

func newAgent(p *protocol) dialect {
	return &agentDialect{
		protocol: p, own: new(work.Difficulties),
		registered: make(map[uint16]*registration),
		due:        make(map[uint16]change),
		dropped:    make(map[uint16]struct{}),
	}
}

// The ids of the handshake's requests are BTCAgent's.
const (
	capabilitiesID      = "caps"
	agentConfigureID    = "conf"
	agentSubscribeID    = "sub"
	agentAuthorizeID    = "auth"
	capabilitiesAgainID = "caps_again"
)

// firstIndexID is the request id of the first share: the pool numbers shares
// from 0 and leaves out all but the low 16 bits, so ids begin where these are 0.
const firstIndexID = 1 << 16

// begin says all of the handshake in one write, as BTCAgent does. Capabilities are
// asked for once more when authorize was answered: btcpool forgets then what was
// negotiated before.
func (a *agentDialect) begin() error {
	hello := agent.AppendGetCapabilities(nil, capabilitiesID)
	hello = agent.AppendConfigure(hello, agentConfigureID)
	hello = agent.AppendSubscribe(hello, agentSubscribeID, a.to.UserAgent)
	hello = agent.AppendAuthorize(hello, agentAuthorizeID, a.to.User)
	a.say(hello)
	a.await(capabilitiesID, agentSubscribeID, agentAuthorizeID)
	return nil
}

// await waits for the answers to requests.
func (a *agentDialect) await(ids ...string) {
	a.missing = ids
	a.wait(stepTimeout)
}

// reply takes the answers to the handshake; shares are answered in frames.
func (a *agentDialect) reply(m *codec.Message) error {
	text, _ := m.ID.String()
	id := string(text)
	if id == agentConfigureID {
		a.configured(m) // late, maybe
	}
	i := slices.Index(a.missing, id)
	if i < 0 {
		return nil
	}
	a.await(slices.Delete(a.missing, i, i+1)...)
	if err := a.understand(id, m); err != nil || len(a.missing) > 0 {
		return err
	}
	if id == capabilitiesAgainID {
		a.shaken()
		return nil
	}
	a.flight.begin(firstIndexID)
	a.say(agent.AppendGetCapabilities(nil, capabilitiesAgainID))
	a.await(capabilitiesAgainID)
	return nil
}

// late implements dialect.
func (a *agentDialect) late() error { return a.noAnswer(a.missing) }

// ended implements dialect: whoever closes before the first answer is not an agent port.
func (a *agentDialect) ended(err error) error {
	if len(a.missing) > 0 && a.missing[0] == capabilitiesID && (errors.Is(err, errHungUp) || errors.Is(err, syscall.ECONNRESET)) {
		return a.noAgentPort(fmt.Sprintf("after agent.get_capabilities: %v", err))
	}
	return err
}

func (a *agentDialect) closedOver() {}

// noAnswer says what it means that answers are missing.
func (a *agentDialect) noAnswer(missing []string) error {
	switch missing[0] {
	case capabilitiesID:
		return a.noAgentPort(fmt.Sprintf("agent.get_capabilities got no answer within %v", stepTimeout))
	case agentSubscribeID:
		return fmt.Errorf("mining.subscribe got no answer within %v", stepTimeout)
	case agentAuthorizeID:
		return fmt.Errorf("mining.authorize of user %q got no answer within %v", a.to.User, stepTimeout)
	}
	return fmt.Errorf("agent.get_capabilities got no answer within %v of mining.authorize", stepTimeout)
}

// noAgentPort says what to do where a pool speaks something else.
func (a *agentDialect) noAgentPort(why string) error {
	return fmt.Errorf("pool %q is not an agent port: %s; put the agent port into its url, or use stratum+tcp:// (stratum+tls://) there, and workers = \"pass\" if it should see each worker", a.pool.Name, why)
}

// understand reads an answer that the handshake waits for.
func (a *agentDialect) understand(id string, m *codec.Message) error {
	switch id {
	case capabilitiesID:
		if e, refused := m.Error.PoolError(); refused || !m.Result.IsObject() {
			return a.noAgentPort("it does not know agent.get_capabilities: " + saying(e))
		}
		if !agent.CapabilitiesOf(m.Result).VersionRolling {
			a.visible = 0 // a share can't show which bits were rolled
			a.setMask(0)
		}
	case agentSubscribeID:
		return a.subscribed(m)
	case agentAuthorizeID:
		return a.authorized(m)
	case capabilitiesAgainID:
		a.responses = agent.CapabilitiesOf(m.Result).SubmitResponse
		if !a.responses && a.pool.mute() {
			a.log.Warn("the pool does not report verdicts: shares count as accepted once they are sent")
		}
	}
	return nil
}

func (a *agentDialect) admit(size int) error {
	if size != agentSize {
		return a.noAgentPort(fmt.Sprintf("it gives an extranonce2 of %d bytes, an agent port gives %d", size, agentSize))
	}
	return nil
}

var errJobID = errors.New("mining.notify: the job id is not a number from 0 to 255")

func (a *agentDialect) job(n *codec.Notify) (*work.Difficulties, error) {
	if _, ok := shortJobID(n.JobID); !ok {
		return nil, errJobID
	}
	a.forget()
	return a.own, nil
}

// shortJobID reads a job id of the agent protocol, a number or a text of one.
func shortJobID(id string) (job uint8, ok bool) {
	if n := len(id); n > 1 && id[0] == '"' {
		id = id[1 : n-1]
	}
	n := 0
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' || i == 3 {
			return 0, false
		}
		n = n*10 + int(id[i]-'0')
	}
	return uint8(n), len(id) > 0 && n <= 0xff
}

func (a *agentDialect) activate() { a.lane.roster.attach(a.link) }

func (a *agentDialect) expire() bool { return false }

func (a *agentDialect) leave(dst []Share) []Share { return dst }
