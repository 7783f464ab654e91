package upstream

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

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
	*link

	own       *work.Difficulties // the reader's: of single workers, for the next job; never nil
	scratch   []uint16           // the reader's
	half      bool               // the reader's: a frame has begun, and not ended
	outer     time.Time          // the reader's: the deadline that holds after it
	responses bool               // the pool says what becomes of shares; set by the handshake

	changes  []change  // the writer's
	more     bool      // the writer's: the roster has more of them
	accepted []Verdict // the writer's: where the pool says nothing of shares

	// Guarded by the link's mutex:
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

func newAgent(k *link) *agentDialect {
	return &agentDialect{
		link: k, own: new(work.Difficulties),
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

// handshake says all of it in one write, as BTCAgent does, and then reads the
// answers. Capabilities are asked for once more when authorize was answered:
// btcpool forgets then what was negotiated before.
func (a *agentDialect) handshake() error {
	a.resume = nil // job ids are the connection's own: nothing of an old one can be handed in
	hello := agent.AppendGetCapabilities(a.buf[:0], capabilitiesID)
	hello = agent.AppendConfigure(hello, agentConfigureID)
	hello = agent.AppendSubscribe(hello, agentSubscribeID, a.to.UserAgent)
	hello = agent.AppendAuthorize(hello, agentAuthorizeID, a.to.User)
	if err := a.say(hello); err != nil {
		return err
	}
	if err := a.collect(capabilitiesID, agentSubscribeID, agentAuthorizeID); err != nil {
		return err
	}
	a.flight.begin(firstIndexID)
	if err := a.say(agent.AppendGetCapabilities(a.buf[:0], capabilitiesAgainID)); err != nil {
		return err
	}
	return a.collect(capabilitiesAgainID)
}

// collect reads until all the given requests are answered.
func (a *agentDialect) collect(missing ...string) error {
	a.readBy(time.Now().Add(stepTimeout))
	for len(missing) > 0 {
		m, err := a.answer()
		if timeout(err) {
			return a.noAnswer(missing)
		}
		if missing[0] == capabilitiesID && (errors.Is(err, errHungUp) || errors.Is(err, syscall.ECONNRESET)) {
			return a.noAgentPort(fmt.Sprintf("after agent.get_capabilities: %v", err))
		}
		if err != nil {
			return err
		}
		text, _ := m.ID.String()
		id := string(text)
		if i := slices.Index(missing, id); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
			err = a.understand(id, m)
			a.readBy(time.Now().Add(stepTimeout))
		} else if id == agentConfigureID {
			a.configured(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

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
	return fmt.Errorf("pool %q is no agent port: %s; give the agent port in its url, or use stratum+tcp:// (stratum+tls://) there, and workers = \"pass\" if it is to see each worker", a.pool.Name, why)
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
			a.log.Warn("the pool does not say what becomes of shares: they count as accepted once they are sent")
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
	a.mu.Lock()
	a.forget()
	a.mu.Unlock()
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

// reply has nothing to do: shares are answered in frames.
func (a *agentDialect) reply(m *codec.Message) {
	if id, _ := m.ID.String(); string(id) == agentConfigureID {
		a.configured(m) // late
	}
}

func (a *agentDialect) activate() { a.lane.roster.attach(a.link) }

func (a *agentDialect) expire(time.Time) bool { return false }

func (a *agentDialect) leave(dst []Share) []Share { return dst }
