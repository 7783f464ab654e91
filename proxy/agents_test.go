package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/fleet"
	benchpool "farmproxy/bench/pool"
	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/config"
	"farmproxy/session"
	"farmproxy/store"
	"farmproxy/work"
)

// btcagent is BTCAgent, as far as the tests need it.
type btcagent struct {
	*miner
	extranonce1 []byte
	difficulty  float64
	jobs        map[string]*work.Job // by the id in its notify
	last        string
	checker     work.Checker
}

// handshake returns what the Go BTCAgent sends at once.
func handshake(user string) []byte {
	return []byte(strings.ReplaceAll(handshakeLines, "USER", user))
}

const handshakeLines = `{"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}
{"id":"conf","method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}
{"id":"sub","method":"mining.subscribe","params":["btccom-agent/2.0.0-mu"]}
{"id":"auth","method":"mining.authorize","params":["USER",""]}
{"id":"caps_again","method":"agent.get_capabilities","params":[["verrol","subres"]]}
`

func dialAgent(t *testing.T, address string) *btcagent {
	t.Helper()
	return &btcagent{miner: connect(t, address), jobs: map[string]*work.Job{}}
}

// connectAgent takes an agent through its handshake to its first job, and checks that
// the answers come in the order of the requests.
func connectAgent(t *testing.T, address, user string) *btcagent {
	t.Helper()
	a := dialAgent(t, address)
	a.write(handshake(user))
	var order []string
	for len(order) < 5 || a.last == "" {
		if line := a.until(func(line string, _ agent.Frame) bool { return line != "" }); strings.Contains(line, `"result"`) {
			var m message
			if err := json.Unmarshal([]byte(line), &m); err != nil || len(m.Result) == 0 || string(m.Result) == "null" {
				t.Fatalf("%s: %v", line, err)
			}
			order = append(order, strings.Trim(string(m.ID), `"`))
		}
	}
	if got := strings.Join(order, " "); got != "caps conf sub auth caps_again" {
		t.Fatalf("answers: %s", got)
	}
	return a
}

func (a *btcagent) write(b []byte) {
	a.t.Helper()
	if _, err := a.conn.Write(b); err != nil {
		a.t.Fatal(err)
	}
}

// until reads and records messages until enough returns true, and returns that line.
func (a *btcagent) until(enough func(line string, f agent.Frame) bool) string {
	a.t.Helper()
	for {
		a.conn.SetReadDeadline(time.Now().Add(patience))
		first, err := a.in.Peek(1)
		if err != nil {
			a.t.Fatalf("instead of a message: %v", err)
		}
		if first[0] == agent.Magic {
			if f := a.readFrame(); enough("", f) {
				return ""
			}
			continue
		}
		line, m := a.read()
		a.note(&m)
		if enough(line, nil) {
			return line
		}
	}
}

func (a *btcagent) readFrame() agent.Frame {
	a.t.Helper()
	header, err := a.in.Peek(4)
	if err != nil {
		a.t.Fatal(err)
	}
	size, ok := agent.FrameSize(header)
	if !ok {
		a.t.Fatalf("frame %x", header)
	}
	f := make(agent.Frame, size)
	if _, err := io.ReadFull(a.in, f); err != nil {
		a.t.Fatal(err)
	}
	return f
}

// note records what a line says.
func (a *btcagent) note(m *message) {
	a.t.Helper()
	switch {
	case string(m.Result) == "null":
	case string(m.ID) == `"sub"` || string(m.ID) == "1" && strings.HasPrefix(string(m.Result), "[["):
		var result []json.RawMessage
		json.Unmarshal(m.Result, &result)
		if len(result) != 3 || string(result[2]) != "8" {
			a.t.Fatalf("subscribe: %s", m.Result)
		}
		a.extranonce1, _ = hex.DecodeString(strings.Trim(string(result[1]), `"`))
		if len(a.extranonce1) != 4 {
			a.t.Fatalf("extranonce1: %s", result[1])
		}
	case m.Method == "mining.set_difficulty":
		json.Unmarshal(m.Params[0], &a.difficulty)
	case m.Method == "mining.notify":
		params, _ := json.Marshal(m.Params)
		n, err := codec.Raw(params).Notify()
		if err != nil {
			a.t.Fatal(err)
		}
		// Between coinb1 and coinb2: extranonce1, two zeros, the session id, four bytes.
		layout := work.Layout{Lead: 2, Prefix: 2, Room: 4}
		a.last = strings.Trim(n.JobID, `"`)
		a.jobs[a.last] = work.NewJob(n.Template, a.extranonce1, layout)
	}
}

func (a *btcagent) register(sid uint16, worker string) {
	a.write(agent.AppendRegister(nil, sid, "cgminer/4.10", worker))
}

// mine finds a share for the last job.
func (a *btcagent) mine(sid uint16, extranonce2, mask uint32) []byte {
	a.t.Helper()
	job := a.jobs[a.last]
	s := work.Solution{Prefix: sid, Version: job.Version ^ mask, NTime: job.NTime}
	s.SetExtranonce2(binary.BigEndian.AppendUint32(nil, extranonce2)...)
	for hash := a.checker.Hash(job, &s); work.Difficulty(&hash) < a.difficulty; hash = a.checker.Hash(job, &s) {
		s.Nonce++
	}
	var id uint8
	if _, err := fmt.Sscan(a.last, &id); err != nil {
		a.t.Fatalf("job id %q", a.last)
	}
	return agent.AppendSubmit(nil, &agent.Share{Job: id, SID: sid, Extranonce2: extranonce2, Nonce: s.Nonce, VersionMask: mask, HasVersion: mask != 0})
}

// answers reads the answers to n shares, and returns their statuses by index.
func (a *btcagent) answers(n int) map[uint16]agent.Status {
	a.t.Helper()
	said := map[uint16]agent.Status{}
	a.until(func(_ string, f agent.Frame) bool {
		if f != nil {
			if index, status, ok := f.SubmitResponse(); ok {
				said[index] = status
			}
		}
		return len(said) == n
	})
	return said
}

// miners returns how many miners and agents are counted.
func (p *proxy) minersAndAgents() (miners, agents int64) {
	for i := range p.loops {
		miners += p.book.Loop(i).Miners.Load()
		agents += p.book.Loop(i).Agents.Load()
	}
	return miners, agents
}

func wantCounted(t *testing.T, p *proxy, miners, agents int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d miners and %d agents are counted", miners, agents), func() bool {
		m, a := p.minersAndAgents()
		return m == miners && a == agents
	})
}

func passWorkers(c *config.Config) { c.Pools[0].Workers = config.WorkersPass }

// The pool sees each worker of an agent, and takes each share.
func TestAnAgentsMinersAreMinersLikeAnyOther(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	p, address := startProxy(t, passWorkers, nil, pool)
	a := connectAgent(t, address, "farm")
	good := connect(t, address)
	good.work("farm.direct")
	const shares = 5
	var frames []byte
	for sid := range uint16(3) {
		a.register(sid*300, fmt.Sprint("w", sid))
		for i := range uint32(shares) {
			frames = append(frames, a.mine(sid*300, i, 0x2000*(i%2))...)
		}
	}
	for _, b := range frames { // in the smallest possible pieces
		a.write([]byte{b})
	}
	for index, status := range a.answers(3 * shares) {
		if !status.Accepted() {
			t.Errorf("share %d: %s", index, status.Text())
		}
	}
	pool.Job(true)
	a.until(func(line string, _ agent.Frame) bool { return strings.Contains(line, "mining.notify") })
	a.write(a.mine(600, 1, 0))
	if said := a.answers(1); !said[3*shares].Accepted() {
		t.Errorf("a share of the next job: %v", said)
	}
	for sid, want := range []int{shares, shares, shares + 1} {
		user := fmt.Sprint("farm.w", sid)
		if got := pool.Books().Users()[user].Accepted; got != want {
			t.Errorf("the pool has %d shares of %s, want %d", got, user, want)
		}
	}
	wantCounted(t, p, 4, 1)
	a.write(agent.AppendUnregister(nil, 300))
	wantCounted(t, p, 3, 1)
	a.register(600, "renamed")
	a.write(a.mine(600, 2, 0))
	a.answers(1)
	if got := pool.Books().Users()["farm.renamed"].Accepted; got != 1 {
		t.Errorf("the pool has %d shares of the renamed worker", got)
	}
	a.conn.Close()
	wantCounted(t, p, 1, 0)
	good.wantAlive()
}

// The result of an agent's subscribe can't be changed: it must reconnect.
func TestAnAgentIsClosedWhenItsExtranonceIsNoLongerTrue(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	p, address := startProxy(t, nil, nil, pool)
	a := connectAgent(t, address, "farm")
	a.register(1, "w1")
	good := connect(t, address)
	good.work("farm.direct")

	pool.DropLinks() // the pool restores the session: nobody notices
	eventually(t, "the links are back", func() bool { return pool.Links() >= 2 })
	a.write(a.mine(1, 1, 0))
	if said := a.answers(1); !said[0].Accepted() {
		t.Errorf("after the link was back: %s", said[0].Text())
	}

	pool.ForgetSessions()
	pool.DropLinks()
	a.wantClosed()
	eventually(t, "the reason is counted", func() bool { return p.closed(session.ExtranonceChanged) == 1 })
	good.wantAlive()

	a = connectAgent(t, address, "farm")
	a.register(1, "w1")
	a.write(a.mine(1, 1, 0))
	if said := a.answers(1); !said[0].Accepted() {
		t.Errorf("back again: %s", said[0].Text())
	}
}

func TestAPoolThatLeavesTooLittleForAnAgent(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size = 7 })
	p, address := startProxy(t, nil, nil, pool)
	good := connect(t, address)
	good.work("farm.direct")
	a := dialAgent(t, address)
	a.write(handshake("farm"))
	line := a.until(func(line string, _ agent.Frame) bool { return strings.Contains(line, `"sub"`) })
	if !strings.Contains(line, "pool0") || !strings.Contains(line, "extranonce2 of 8 bytes") {
		t.Error(line)
	}
	a.wantClosed()
	if n := p.closed(session.ExtranonceTooSmall); n != 1 {
		t.Errorf("counted %d times", n)
	}
	good.wantAlive()
}

// BTCAgent before 2021 waits for its extranonce before it says who it is.
func TestAnAgentThatWaitsForItsExtranonce(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	_, address := startProxy(t, passWorkers, nil, pool)
	a := dialAgent(t, address)
	a.send(`{"id":1,"method":"mining.subscribe","params":["btccom-agent/1.0.0-mu"]}`)
	a.until(func(line string, _ agent.Frame) bool { return strings.Contains(line, `"result":[[`) })
	a.send(`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}`)
	a.send(`{"id":1,"method":"mining.authorize","params":["farm",""]}`)
	a.send(`{"id":"agent.caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`)
	a.until(func(line string, _ agent.Frame) bool { return strings.Contains(line, "mining.notify") })
	a.register(65534, "w")
	a.write(a.mine(65534, 1, 0))
	if said := a.answers(1); !said[0].Accepted() {
		t.Error(said[0].Text())
	}
	if got := pool.Books().Users()["farm.w"].Accepted; got != 1 {
		t.Errorf("the pool has %d shares", got)
	}
}

// Each of these is counted, and ends as docs/architecture.md says.
func TestAnAgentsBadInput(t *testing.T) {
	t.Parallel()
	p, address := startProxy(t, func(c *config.Config) { c.Miners.MalformedLimit = 3 }, nil, startPool(t, nil))
	malformed := func() (n uint64) {
		for i := range p.loops {
			n += p.book.Loop(i).Malformed.Load()
		}
		return n
	}
	a := connectAgent(t, address, "farm")
	a.register(1, "w1")
	share := a.mine(1, 1, 0)
	wrong := append([]byte(nil), share...)
	wrong[2]++ // one byte longer
	a.write(append(wrong, 0))
	a.write(append([]byte{0x7f, 1, 0, 2}, make([]byte, 508)...)) // more than two names
	a.write(append([]byte{0x7f, 1, 1, 2}, make([]byte, 509)...)) // too long to be looked at
	a.write(a.mine(7, 1, 0))                                     // not registered: neither counted by the index nor answered
	a.write(share)
	if said := a.answers(1); !said[0].Accepted() {
		t.Errorf("the share after them: %v", said)
	}
	eventually(t, "they are counted", func() bool { return malformed() == 3 })
	a.write([]byte{0x7f, 0x99, 4, 0}) // no number of frames ends it: one bad miner would end all others
	eventually(t, "it is counted too", func() bool { return malformed() == 4 })
	a.write([]byte("{]\n{]\n{]\n{]\n"))
	a.wantClosed()
	eventually(t, "the reason is counted", func() bool { return p.closed(session.TooManyMalformed) == 1 })

	a = connectAgent(t, address, "farm")
	a.write([]byte{0x7f, 2, 3, 0})
	a.wantClosed()
	eventually(t, "the reason is counted", func() bool { return p.closed(session.BadFrame) == 1 })
	wantCounted(t, p, 0, 0)
}

// Another farmproxy in a branch office: the pool sees each of its miners, and the
// branch loses none when the pool's session changes, although its link must reconnect.
func TestABranchOffice(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	p, address := startProxy(t, passWorkers, nil, pool)
	branch, branchAddress := startProxy(t, func(c *config.Config) {
		c.Pools = append(c.Pools, config.Pool{Name: "head-office", URL: "agent+tcp://" + address, User: "branch", Workers: config.WorkersAggregate, Links: 1, Algorithm: "sha256d", Mode: config.ModeAggregate})
	}, nil)
	o := fleet.DefaultOptions(branchAddress)
	o.Miners, o.Rate = 20, 200
	connectFleet(t, o)
	seen := func() int {
		n := 0
		for name, tally := range pool.Books().Users() {
			if strings.HasPrefix(name, "farm.rig") && tally.Accepted > 2 {
				n++
			}
		}
		return n
	}
	eventually(t, "the pool has shares of all", func() bool { return seen() == 20 })
	wantCounted(t, p, 20, 1)

	pool.ForgetSessions()
	pool.DropLinks()
	eventually(t, "the link is closed for its extranonce", func() bool { return p.closed(session.ExtranonceChanged) == 1 })
	wantCounted(t, p, 20, 1)
	before := pool.Books().Total().Accepted
	eventually(t, "the pool has shares again", func() bool { return pool.Books().Total().Accepted > before+20 })
	if n := branch.opened(); n != 20 {
		t.Errorf("%d connections for 20 miners", n)
	}
	if refused := pool.Books().Total().Refused; len(refused) > 0 {
		t.Errorf("refused at the pool: %v", refused)
	}
}

// An agent's user is an account like any other; if the account goes or changes the
// agent must reconnect.
func TestAnAgentsAccount(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	p, address := startProxy(t, withStore(t), nil)
	alice := p.register(t, pool, "alice", store.PoolOptions{Workers: store.WorkersPass})
	stranger := dialAgent(t, address)
	stranger.send(`{"id":"caps","method":"agent.get_capabilities","params":[["verrol"]]}`)
	stranger.send(`{"id":"auth","method":"mining.authorize","params":["stranger",""]}`)
	if line := stranger.until(func(line string, _ agent.Frame) bool { return strings.Contains(line, `"auth"`) }); !strings.Contains(line, "Unknown account") {
		t.Error(line)
	}
	stranger = dialAgent(t, address) // one that does not wait for an answer, as BTCAgent
	stranger.write(handshake("stranger"))
	if line := stranger.until(func(line string, _ agent.Frame) bool { return strings.Contains(line, `"sub"`) }); !strings.Contains(line, "Unknown account") {
		t.Error(line)
	}
	stranger.wantClosed()

	share := func(a *btcagent) {
		t.Helper()
		a.register(1, "w1")
		a.write(a.mine(1, 1, 0))
		if said := a.answers(1); !said[0].Accepted() {
			t.Error(said[0].Text())
		}
	}
	a := connectAgent(t, address, alice)
	share(a)
	if _, _, err := p.store.Register(t.Context(), pool.Addr(), "alice", "another password", nil); err != nil {
		t.Fatal(err)
	}
	a.wantClosed()
	eventually(t, "it is counted", func() bool { return p.closed(session.ExtranonceChanged) == 1 })
	a = connectAgent(t, address, alice)
	share(a)
	if err := p.store.DeleteAccount(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	a.wantClosed()
	eventually(t, "it is counted", func() bool { return p.closed(session.AccountGone) == 2 })
	eventually(t, "the pool has no link of it", func() bool { return pool.Links() == 0 })
}

// The books have each agent worker's difficulty from the first one on, even before the
// next job, and even if a frame can't express it.
func TestWorkersOfAgentsHaveADifficulty(t *testing.T) {
	t.Parallel()
	for _, difficulty := range []float64{0.25, 2048} {
		pool := startPool(t, func(o *benchpool.Options) { o.Extranonce2Size, o.Difficulty, o.JobEvery = 8, difficulty, time.Hour })
		p, address := startProxy(t, nil, nil, pool)
		a := connectAgent(t, address, "farm")
		register := func(id uint16, name string) {
			t.Helper()
			a.write(agent.AppendRegister(nil, id, "miner", name))
			eventually(t, name+" has a difficulty", func() bool { return p.book.Worker("farm."+name).Difficulty() > 0 })
		}
		register(1, "one")
		register(2, "two")
		register(1, "renamed")
		if d := p.book.Worker("farm.one").Difficulty(); d > difficulty {
			t.Errorf("difficulty %v, the pool has %v", d, difficulty)
		}
	}
}
