package session

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/work"
)

// FuzzNoHeaderTwiceByAnAgent is FuzzNoHeaderTwice for an agent that registers and
// unregisters its miners at will.
func FuzzNoHeaderTwiceByAnAgent(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(script(seed, 500))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newAgentWorld(t, data)
		for len(w.data) > 0 {
			w.step()
		}
		slots := 0
		for _, s := range w.agent.miners {
			slots += int(s.headers.size)
		}
		for _, h := range w.agent.gone.headers {
			slots += int(h.size)
		}
		if slots != w.agent.slots {
			t.Errorf("%d slots are counted, there are %d", w.agent.slots, slots)
		}
	})
}

// agentWorld is an agent with its lane, which is lane 0 of the world.
type agentWorld struct {
	*world
	agent  Agent
	feed   *Feed
	handed []agent.Share // accepted ones
}

func newAgentWorld(t *testing.T, data []byte) *agentWorld {
	w := &agentWorld{world: newWorld(t, nil), feed: &Feed{Lane: 1}}
	w.data = data
	w.env.Feed = w.feed
	for _, line := range []string{
		`{"id":"sub","method":"mining.subscribe","params":["btccom-agent/2.0.0-mu"]}`,
		`{"id":"auth","method":"mining.authorize","params":["farm",""]}`,
	} {
		w.decode(line)
		if _, effect := w.agent.Step(&w.env, &w.request, nil); effect.Kind == WantAuthorize {
			w.agent.Authorized(&w.request, effect.Login, nil)
		}
	}
	if w.job(false); w.agent.LastJob() == 0 {
		t.Fatal("the agent has no job")
	}
	return w
}

func (w *agentWorld) job(again bool) {
	clean := w.next(2) == 0
	w.post(0, again, clean)
	w.deliver(clean)
}

// deliver sends the agent the lane's last job.
func (w *agentWorld) deliver(clean bool) {
	w.feed.Post(w.lanes[0].latest, clean, 0, 1024)
	w.agent.Job(&w.env, clean, nil)
}

func (w *agentWorld) step() {
	sid := uint16(w.next(5))
	switch w.next(9) {
	case 8:
		agent, _, err := DecodeAgent(w.agent.Append(nil, w.env.Now), &Translation{Moment: w.env.Now})
		if err != nil {
			w.t.Fatal(err)
		}
		w.agent = *agent
	case 0, 1:
		w.agent.Registered(&w.env, sid, "farm.w", 0)
	case 2:
		w.agent.Frame(&w.env, agent.AppendUnregister(nil, sid), nil)
	case 3:
		w.now = w.now.Add(time.Duration(w.next(60)) * time.Second)
		w.job(w.next(3) == 0)
	case 4, 5:
		for range []int{1, 5, 30, 100}[w.next(4)] {
			w.nonce++
			w.submit(agent.Share{Job: uint8(w.agent.sent), SID: sid, Nonce: w.nonce<<2 | 1}, true)
		}
	default:
		for _, share := range slices.Backward(w.handed[max(0, len(w.handed)-60):]) {
			w.submit(share, false)
			share.Job = uint8(w.agent.sent) // the same work again, perhaps
			w.submit(share, false)
		}
	}
}

func (w *agentWorld) submit(share agent.Share, fresh bool) {
	w.t.Helper()
	registered := w.agent.miner(share.SID) != nil
	_, effect := w.agent.Frame(&w.env, agent.AppendSubmit(nil, &share), nil)
	if effect.Kind == WantHash {
		c := *effect.Candidate
		header := headerOf(&c)
		c.Hash = header.hash()
		if _, effect = w.agent.Judge(&w.env, &c, nil); effect.Kind == Judged && effect.Verdict == work.Accepted {
			if w.accepted[header] {
				w.t.Fatalf("header %+v is accepted again, for job %d", header, c.Job.ID)
			}
			w.accepted[header] = true
			w.handed = append(w.handed, share)
			return
		}
	}
	last := w.lanes[0].latest
	header := worldHeader{contentOf(last), [2]byte(binary.BigEndian.AppendUint16(nil, share.SID)), [4]byte{}, last.Version, last.NTime, share.Nonce}
	if fresh && registered && last.Work == w.lanes[0].newest && !w.accepted[header] {
		w.t.Fatalf("a new share for the last job is answered %s", effect.Verdict)
	}
}

// All miners of an agent share one limit.
func TestAnAgentsMemoryIsBounded(t *testing.T) {
	w := newAgentWorld(t, nil)
	w.agent.Registered(&w.env, 1, "farm.w", 0)
	w.agent.slots = maxAgentSlots - usualSlots // others have the rest
	refused := 0
	for range 31 {
		w.nonce++
		share := agent.Share{Job: 1, SID: 1, Nonce: w.nonce<<2 | 1}
		_, effect := w.agent.Frame(&w.env, agent.AppendSubmit(nil, &share), nil)
		c := *effect.Candidate
		header := headerOf(&c)
		c.Hash = header.hash()
		if _, effect = w.agent.Judge(&w.env, &c, nil); effect.Verdict == work.TooMany {
			refused++
		}
	}
	if refused != 3 || w.agent.slots != maxAgentSlots {
		t.Errorf("%d of 31 are refused, and there are %d slots", refused, w.agent.slots)
	}
}

// The headers of unregistered miners are dropped with their jobs.
func TestWhatUnregisteredMinersHandedInIsForgotten(t *testing.T) {
	w := newAgentWorld(t, nil)
	for sid := range uint16(100) {
		w.agent.Registered(&w.env, sid, "farm.w", 0)
		w.nonce++
		w.submit(agent.Share{Job: uint8(w.agent.sent), SID: sid, Nonce: w.nonce<<2 | 1}, true)
		w.agent.Frame(&w.env, agent.AppendUnregister(nil, sid), nil)
	}
	if n := len(w.agent.gone.headers); n != 100 {
		t.Fatalf("%d are remembered", n)
	}
	for range 3 {
		w.now = w.now.Add(time.Minute)
		w.job(false)
	}
	if n := len(w.agent.gone.headers); n != 0 || w.agent.slots != 0 {
		t.Errorf("later %d are, with %d slots", n, w.agent.slots)
	}
	w.world.job(0, w.lanes[0].recent[1], true) // their work is sent again
	w.deliver(true)
	w.agent.Registered(&w.env, 7, "farm.w", 0)
	for _, share := range w.handed {
		share.Job = uint8(w.agent.sent)
		w.submit(share, false) // none is accepted again
	}
}
