package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// FuzzSession plays a transcript spelled by the input, one event per byte or two:
// messages from the miner, jobs, changes of mask and difficulty, time, verdicts,
// reconnects, moves between two lanes. After each event it checks the session's
// invariants:
//
//   - all output is lines of JSON, and each request is answered once, or is a
//     forwarded share without a verdict yet;
//   - no header is accepted twice, and none below the difficulty in force;
//   - a difficulty is above 0 and no more than the pool's;
//   - a mask is part of what was asked for and allowed, and is free in the job that
//     follows it; so are the bits of a forwarded share;
//   - a miner that stays on its lane is never sent the same work again at the same
//     time, unless it asks for it too often.
func FuzzSession(f *testing.F) {
	const hello = "\x00\x03\x01\x00\x02\x00" // configure, subscribe, authorize
	f.Add([]byte("\x08\x00" + hello + "\x03\x00\x03\x01\x03\x00\x0b\x00"))
	f.Add([]byte(hello + "\x08\x1b\x08\x1b\x01\x00\x09\x50\x0a\x30\x0c\x00" + hello + "\x03\x44"))
	f.Add([]byte("\x08\x07\x08\x87" + hello + "\x0d\x00\x0d\x00\x0d\x00\x0d\x00\x08\x83\x0d\x00\x03\x00\x03\x11\x03\x22"))
	f.Add([]byte(hello + "\x02\x01\x02\x02\x03\x50\x03\x60\x05\x03\x06\x00\x07\x00\x0a\xff\x0a\xff"))
	f.Fuzz(func(t *testing.T, script []byte) {
		p := newPlay(t)
		for len(script) >= 2 && !p.over && p.n < 300 {
			p.event(script[0], script[1])
			script = script[2:]
		}
		p.end()
	})
}

// play is a session under a fuzzed script.
type play struct {
	t       *testing.T
	env     Env
	terms   Terms
	session Session
	feeds   [2]Feed
	lane    int
	decoder *codec.Decoder
	checker work.Checker
	notify  *work.Template // the templates of jobs
	nextJob uint32
	over    bool
	n       int // requests

	asked    map[string]bool // by request id: answered?
	flying   []codec.ID      // shares without a verdict
	headers  map[[32]byte]bool
	sent     []*work.Job          // sent to the miner, the newest last
	all      map[uint32]*work.Job // by id
	times    map[*work.Job]uint32 // when the miner was last sent each work, by the last job with it
	mask     uint32               // last told to the miner
	again    int                  // how often work was sent again at the miner's request
	works    map[[3]byte]uint32   // the number of each work, by lane and content
	moved    bool
	lastLine string // of a share
}

func newPlay(t *testing.T) *play {
	p := &play{
		t: t, decoder: codec.NewDecoder(), asked: make(map[string]bool), headers: make(map[[32]byte]bool),
		all: make(map[uint32]*work.Job), times: make(map[*work.Job]uint32), works: make(map[[3]byte]uint32),
		notify: &work.Template{Coinb1: []byte{1, 2, 3}, Coinb2: []byte{4, 5, 6}, Branches: make([][32]byte, 1), NBits: 0x1d00ffff, NTime: 0x65000000},
	}
	p.terms = Terms{
		SubscribeTimeout: 15 * time.Second, AuthorizeTimeout: time.Minute, MalformedLimit: 20, ReconnectLostRolling: true,
		Difficulty: Policy{Start: 1.0 / (1 << 31), Min: 1.0 / (1 << 32), SharesPerMinute: 6},
	}
	p.env = Env{Terms: &p.terms, Mask: 0x1fffe000}
	p.feeds[0].Lane, p.feeds[1].Lane = 1, 2
	return p
}

// event is one event of the script.
func (p *play) event(what, how byte) {
	p.see()
	if what >= 240 {
		p.session = *decoded(p.t, &p.session, p.env.Now)
	}
	switch what % 15 {
	case 0:
		p.ask("mining.configure", `[["version-rolling","minimum-difficulty"],{"version-rolling.mask":"%s","minimum-difficulty.value":%v}]`,
			[]string{"ffffffff", "1fffe000", "00c00000", "0"}[how%4], []float64{0, 1e-9, 1e-6, 1e300}[how>>2%4])
	case 1:
		if p.session.IsSubscribed() {
			p.again++
		}
		p.ask("mining.subscribe", `["x","%016x"]`, p.session.ID())
	case 2:
		p.ask("mining.authorize", `["%s","x,d=%v"]`, names[how%8], []float64{0, 1e-9, 1e-7, 1e12}[how>>3%4])
	case 3, 4, 5:
		p.share(how)
	case 6:
		p.ask("mining.suggest_difficulty", `[%v]`, []float64{-1, 1e-300, 1e-9, 3e-9, 1, 1e308}[how%6])
	case 7:
		p.line(fmt.Sprintf(`{"id":%d,"method":%q,"params":[%d]}`, p.n, []string{"mining.ping", "mining.extranonce.subscribe", "mining.get_transactions", "no.such"}[how%4], how))
	case 8:
		p.post(how)
	case 9:
		f := &p.feeds[p.lane]
		f.Post(nil, false, masks[how%4], difficulties[how>>2%8])
		p.took(p.session.Adjust(&p.env, nil), Effect{})
	case 10:
		p.env.Now += time.Duration(how) * time.Second
		p.took(p.session.Tick(&p.env, nil))
	case 11:
		if f := &p.feeds[p.lane]; f.Job() != nil {
			p.env.Now += 25 * time.Second
			f.Keepalive(uint32(how))
			p.took(p.session.Job(&p.env, false, nil))
		}
	case 12:
		p.reconnect()
	case 13:
		p.move()
	case 14:
		p.verdict(work.Verdict(int(how) % work.NumVerdicts))
	}
}

var (
	names        = []string{"farm.rig1", "farm.rig2", "FARM.RIG1", "farm", "", "r\u00e4g 1", "farm.rig%201", strings.Repeat("n", 200)}
	masks        = []uint32{0x1fffe000, 0x00c00000, 0, 0xffffffff}
	difficulties = []float64{1.0 / (1 << 31), 1.0 / (1 << 30), 3e-10, 1e-9, 1e-6, 1, 1000.5, 1e308}
)

// see sets Env to the session's lane.
func (p *play) see() {
	p.env.Feed = nil
	if p.session.IsSubscribed() && p.session.IsAuthorized() {
		p.env.Feed = &p.feeds[p.lane]
	}
}

// ask sends a request with a new id.
func (p *play) ask(method, params string, args ...any) {
	p.line(fmt.Sprintf(`{"id":%d,"method":%q,"params":%s}`, p.n, method, fmt.Sprintf(params, args...)))
}

// share submits a share for one of the last jobs, or repeats an earlier one.
func (p *play) share(how byte) {
	if how>>6 == 3 && p.lastLine != "" {
		p.line(strings.Replace(p.lastLine, "ID", fmt.Sprint(p.n), 1))
		return
	}
	id, ntime := uint32(99), uint32(0x65000000)
	if n := len(p.sent); n > 0 {
		job := p.sent[n-1-int(how&1)*(n-1)/2]
		id, ntime = job.ID, p.times[p.sameWork(job)]
	}
	p.lastLine = fmt.Sprintf(`{"id":ID,"method":"mining.submit","params":["%s","%x","%04x","%08x","%08x"%s]}`,
		names[how>>1&1*2], id, how>>2&1, ntime+uint32(how>>3&1), how>>4&3, []string{"", `,""`, `,"00002000"`, `,"0040e000"`}[how>>1&3])
	p.line(strings.Replace(p.lastLine, "ID", fmt.Sprint(p.n), 1))
}

// line sends one line of the miner.
func (p *play) line(line string) {
	p.asked[fmt.Sprint(p.n)] = false
	p.n++
	var r codec.Request
	if err := p.decoder.DecodeRequest([]byte(line), &r); err != nil {
		p.t.Fatalf("%s: %v", line, err)
	}
	out, effect := p.session.Step(&p.env, &r, nil)
	p.took(out, effect)
	switch effect.Kind {
	case WantSubscribe:
		p.lane = 0
		p.see()
		p.took(p.session.Subscribed(&p.env, &r, 7, []byte{0, 1}, 2, nil), Effect{})
	case WantAuthorize:
		if len(effect.Login) > codec.MaxName {
			p.t.Fatalf("a login of %d bytes", len(effect.Login))
		}
		if p.session.IsSubscribed() {
			p.env.Feed = &p.feeds[p.lane]
		}
		p.took(p.session.Authorized(&p.env, &r, effect.Login, 0, nil), Effect{})
	case WantHash:
		list := []Candidate{*effect.Candidate}
		FindHashes(&p.checker, list)
		p.took(p.session.Judge(&p.env, &list[0], nil))
	}
}

// post offers a job to the lane of the session, or the other.
func (p *play) post(how byte) {
	n := *p.notify
	n.PrevHash[0] = how & 1
	n.Coinb2 = append([]byte(nil), n.Coinb2...)
	n.Coinb2[0] = how >> 1 & 1
	n.Version = []uint32{0x20000000, 0x20402000}[how>>2&1]
	n.NTime += uint32(how >> 3 & 3)
	clean, lane := how>>5&1 == 1, p.lane^int(how>>7)
	difficulty := difficulties[how>>3&7]
	layout, _ := work.NewLayout(8, 2)
	job := work.NewJob(n, []byte{9}, layout)
	p.nextJob++
	content := [3]byte{byte(lane), n.PrevHash[0], n.Coinb2[0]}
	if p.works[content] == 0 {
		p.works[content] = p.nextJob
	}
	job.Work, job.Received = p.works[content], time.Unix(0, 0).Add(p.env.Now)
	job.ID, job.Epoch, job.Clean, job.Difficulty, job.Mask = p.nextJob, uint64(lane), clean, difficulty, masks[how>>6&1]
	job.Line = codec.NewNotifyLine(job.ID, &n, layout.Fold([]byte{9}))
	p.all[job.ID] = job
	if f := &p.feeds[lane]; f.last != nil && f.last.PrevHash != job.PrevHash { // no earlier block comes back
		maps.DeleteFunc(p.times, func(old *work.Job, _ uint32) bool { return old.PrevHash != job.PrevHash })
	}
	f := &p.feeds[lane]
	if f.Post(job, clean, job.Mask, difficulty) && lane == p.lane {
		p.took(p.session.Job(&p.env, clean, nil))
	}
}

// reconnect brings the miner back with its session.
func (p *play) reconnect() {
	if !p.session.IsSubscribed() {
		return
	}
	parked := Restore(p.session.State(p.env.Now), nil, p.session.Headers(), &Translation{Moment: p.env.Now})
	p.session = Session{state: State{opened: momentOf(p.env.Now)}}
	p.mask = 0
	p.asked[fmt.Sprint(p.n)] = false
	var r codec.Request
	if err := p.decoder.DecodeRequest(fmt.Appendf(nil, `{"id":%d,"method":"mining.subscribe","params":["x"]}`, p.n), &r); err != nil {
		p.t.Fatal(err)
	}
	p.n++
	p.env.Feed = &p.feeds[p.lane]
	p.again++
	p.took(p.session.Resume(&p.env, &r, &parked, nil), Effect{})
}

// move moves the miner to the other lane.
func (p *play) move() {
	if p.env.Feed == nil {
		return
	}
	p.lane ^= 1
	p.see()
	p.moved = true
	p.took(p.session.Moved(&p.env, true, nil))
}

// verdict is the pool's verdict on its oldest pending share.
func (p *play) verdict(v work.Verdict) {
	if len(p.flying) == 0 {
		return
	}
	id := p.flying[0]
	p.flying = p.flying[1:]
	p.took(p.session.Verdict(&id, v, v.Code(), v.Text(), nil), Effect{})
}

// took checks the outcome of a call.
func (p *play) took(out []byte, e Effect) {
	for line := range bytes.Lines(out) {
		var m struct {
			ID     json.RawMessage
			Method string
			Params []json.RawMessage
			Result json.RawMessage
		}
		if err := json.Unmarshal(line, &m); err != nil || line[len(line)-1] != '\n' {
			p.t.Fatalf("written: %q, %v", line, err)
		}
		if m.Method != "" {
			p.told(m.Method, m.Params)
			continue
		}
		if answered, asked := p.asked[string(m.ID)]; answered || !asked {
			p.t.Fatalf("an answer to nothing: %s", line)
		}
		p.asked[string(m.ID)] = true
		var configured struct {
			Mask string `json:"version-rolling.mask"`
		}
		if json.Unmarshal(m.Result, &configured) == nil && bytes.Contains(m.Result, []byte("version-rolling")) {
			p.mask, _ = codec.HexUint32([]byte(configured.Mask))
		}
	}
	switch e.Kind {
	case Hangup:
		p.over = true
	case Forward:
		p.forwarded(e.Candidate)
		if !e.Candidate.Answered {
			p.flying = append(p.flying, e.Candidate.ID)
		}
	}
}

// forwarded checks a forwarded share.
func (p *play) forwarded(c *Candidate) {
	if p.headers[c.Hash] {
		p.t.Fatalf("a header goes up twice: job %x, nonce %08x", c.Job.ID, c.Nonce)
	}
	p.headers[c.Hash] = true
	if met := c.Job.Algorithm.Difficulty(&c.Hash); met < c.Job.Difficulty && met < c.Job.Network {
		p.t.Fatalf("a share of %v goes up to a pool that wants %v", met, c.Job.Difficulty)
	}
	if rolled := c.Version ^ c.Job.Version; rolled&c.Job.Version != 0 {
		p.t.Fatalf("version %08x of a job with %08x", c.Version, c.Job.Version)
	}
}

// told checks what the miner is told.
func (p *play) told(method string, params []json.RawMessage) {
	f := &p.feeds[p.lane]
	switch method {
	case "mining.set_difficulty":
		var d float64
		json.Unmarshal(params[0], &d)
		if !(d > 0) || math.IsInf(d, 0) || f.Difficulty > 0 && d > f.Difficulty {
			p.t.Fatalf("difficulty %v, the pool's is %v", d, f.Difficulty)
		}
	case "mining.set_version_mask":
		var text string
		json.Unmarshal(params[0], &text)
		p.mask, _ = codec.HexUint32([]byte(text))
		if p.mask&^(p.session.asked&f.rollable()) != 0 {
			p.t.Fatalf("mask %08x of %08x asked for, %08x allowed", p.mask, p.session.asked, f.Mask)
		}
	case "mining.notify":
		var id, ntime string
		json.Unmarshal(params[0], &id)
		json.Unmarshal(params[7], &ntime)
		number, _ := codec.HexUint32([]byte(id))
		at, _ := codec.HexUint32([]byte(ntime))
		job := p.all[number]
		if p.mask&job.Version != 0 {
			p.t.Fatalf("mask %08x in front of a job with version %08x", p.mask, job.Version)
		}
		same := p.sameWork(job)
		if before := p.times[same]; at <= before && p.again <= maxLater && !p.moved && before < job.NTime+work.MaxTimeRoll {
			p.t.Fatalf("job %d: the same work at %08x, and before at %08x", number, at, before)
		}
		delete(p.times, same)
		p.times[job] = max(at, p.times[job])
		p.sent = append(p.sent, job)
	}
}

// sameWork returns the last job with the same work that the miner was sent, as far
// back as a lane remembers; the job itself if there is none.
func (p *play) sameWork(job *work.Job) *work.Job {
	for old := range p.times {
		if old.SameWork(job) && p.nextJob-old.ID < maxFeedJobs {
			return old
		}
	}
	return job
}

// end checks that each request was answered.
func (p *play) end() {
	if p.over {
		return
	}
	for _, id := range p.flying {
		p.asked[string(id.Append(nil))] = true
	}
	for id, answered := range p.asked {
		if !answered {
			p.t.Fatalf("request %s has no answer", id)
		}
	}
}
