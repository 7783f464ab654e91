package pool

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"

	"farmproxy/bench/figure"
	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
	"farmproxy/bench/wire"
)

// mustAgent does an agent's handshake, up to the first job.
func mustAgent(t *testing.T, p *Pool) (*client, seat) {
	t.Helper()
	c := mustDial(t, p.Addr())
	return c, c.agentHandshake()
}

func (c *client) agentHandshake() (s seat) {
	c.t.Helper()
	c.send(`{"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`)
	c.send(`{"id":"conf","method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}`)
	c.send(`{"id":"sub","method":"mining.subscribe","params":["btccom-agent/2.0.0-mu"]}`)
	c.send(`{"id":"auth","method":"mining.authorize","params":["farm",""]}`)
	c.send(`{"id":"caps_again","method":"agent.get_capabilities","params":[["verrol","subres"]]}`)
	c.want(`{"id":"caps","result":{"capabilities":["verrol","subres"]}}`)
	c.want(`"version-rolling.mask":"1fffe000"`)
	c.want(`{"id":null,"method":"mining.set_version_mask","params":["1fffe000"]}`)
	var reply struct{ Result []any }
	mustJSON(c.t, c.want(`"id":"sub"`), &reply)
	s.extranonce1, s.size2, s.mask = reply.Result[1].(string), int(reply.Result[2].(float64)), 0x1fffe000
	c.want(`{"id":"auth","result":true,"error":null}`)
	c.want(`mining.set_difficulty`)
	s.notify = c.want(`mining.notify`)
	c.want(`"id":"caps_again"`)
	return s
}

func (c *client) sendFrame(frames ...[]byte) {
	c.t.Helper()
	for _, f := range frames {
		if _, err := c.conn.Write(f); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *client) frame() wire.Frame {
	c.t.Helper()
	f, err := wire.ReadFrame(c.in)
	if err != nil {
		c.t.Fatal(err)
	}
	return bytes.Clone(f)
}

func (c *client) wantResponse(index uint16, status uint32) {
	c.t.Helper()
	if got, want := c.frame(), wire.ResponseFrame(index, status); !bytes.Equal(got, want) {
		c.t.Fatalf("got response %x, want %x", []byte(got), want)
	}
}

// mustShare finds a share of a session, in the form of a frame.
func (s seat) mustShare(t *testing.T, session uint16, algorithm *proof.Algorithm, difficulty float64, counter uint32, mask, later uint32) wire.AgentShare {
	t.Helper()
	job, _, err := mine.ReadJob([]byte(s.notify))
	if err != nil {
		t.Fatal(err)
	}
	extranonce1, _ := hex.DecodeString(s.extranonce1)
	a := mine.Attempt{
		Extranonce1: binary.BigEndian.AppendUint32(extranonce1, uint32(session)),
		Extranonce2: binary.BigEndian.AppendUint32(nil, counter),
		NTime:       job.NTime + later, Mask: mask, Bits: 0x00002000 & mask,
	}
	if _, ok := job.Search(algorithm, &a, mine.NewLimit(algorithm.One(difficulty))); !ok {
		t.Fatal("found no share")
	}
	return a.AgentShare(job, session)
}

// mustMissFrame returns a share of a session that misses the difficulty, which many
// shares meet by luck.
func (s seat) mustMissFrame(t *testing.T, session uint16, difficulty float64) []byte {
	t.Helper()
	share := wire.AgentShare{Job: 1, Session: session}
	for s.claimDifficulty(t, agentClaim(share, &agentWorker{})) >= difficulty {
		share.Nonce++
	}
	return share.Frame()
}

func TestPoolTakesAgents(t *testing.T) {
	p := mustPool(t, nil)
	c, s := mustAgent(t, p)
	if len(s.extranonce1) != 8 || s.size2 != 8 || !strings.Contains(s.notify, `"params":["1",`) {
		t.Fatalf("got extranonce1 %s, size %d, job %.60s", s.extranonce1, s.size2, s.notify)
	}
	c.sendFrame(wire.RegisterFrame(0x1122, "cgminer", "s1099"), wire.RegisterFrame(3, "bmminer", "rig.3"))
	counter := uint32(0)
	share := func(session uint16, mask, later uint32) []byte {
		counter++
		return s.mustShare(t, session, proof.SHA256d, proof.EasyDifficulty, counter, mask, later).Frame()
	}
	all := [][]byte{share(0x1122, 0, 0), share(3, 0x1fffe000, 0), share(3, 0, 1), share(0x1122, 0x1fffe000, 1)}
	c.sendFrame(all...)
	for i := range all {
		c.wantResponse(uint16(i), wire.StatusAccept)
	}
	c.sendFrame(all[1])
	c.wantResponse(4, 22)
	c.sendFrame(s.mustMissFrame(t, 3, proof.EasyDifficulty))
	c.wantResponse(5, 23)
	c.sendFrame(wire.AgentShare{Job: 77, Session: 3}.Frame())
	c.wantResponse(6, 36)
	c.sendFrame(wire.AgentShare{Job: 1, Session: 3, HasVersion: true, Flips: 1}.Frame())
	c.wantResponse(7, 33)
	p.Job(true)
	if s.notify = c.want(`mining.notify`); !strings.Contains(s.notify, `"params":["2",`) {
		t.Errorf("got job %.60s", s.notify)
	}
	c.sendFrame(all[0])
	c.wantResponse(8, 22)
	c.sendFrame(share(3, 0, 0))
	c.wantResponse(9, wire.StatusAccept)

	users := p.Books().Users()
	if users["farm.s1099"].Accepted != 2 || users["farm.rig.3"].Accepted != 3 || len(users) != 2 {
		t.Errorf("books by name: %v", users)
	}
	b := p.AgentTotal()
	if b.Workers != 2 || b.Registered != 2 || b.Twice+b.Longer+len(b.Dropped) != 0 {
		t.Errorf("books: %s", b)
	}
	if got, want := figure.Counts(b.Frames), "2 x register, 5 x submit of 15 bytes, type 02, 1 x submit of 19 bytes, type 03, 3 x submit of 19 bytes, type 12, 1 x submit of 23 bytes, type 13"; got != want {
		t.Errorf("frames: got %s\nwant %s", got, want)
	}
	c.sendFrame(wire.UnregisterFrame(3))
	wantSoon(t, "one worker left", func() bool { return p.AgentTotal().Workers == 1 && p.AgentWorkers()["farm.s1099"] == 1 })
	c.conn.Close()
	wantSoon(t, "no worker left", func() bool { b := p.AgentTotal(); return b.Workers == 0 && b.Registered == 2 })
}

// A silently dropped frame has no index either.
func TestPoolDropsFramesAndCountsThem(t *testing.T) {
	p := mustPool(t, nil)
	c, s := mustAgent(t, p)
	good := s.mustShare(t, 1, proof.SHA256d, proof.EasyDifficulty, 1, 0, 0)
	longer := good
	longer.HasVersion = true
	c.sendFrame(
		wire.RegisterFrame(1, "a", "w"), wire.RegisterFrame(1, "a", "w"), wire.RegisterFrame(2, "a", "w"), wire.RegisterFrame(0xffff, "a", "w"),
		wire.UnregisterFrame(9), []byte{wire.Magic, byte(wire.FrameUnregister), 5, 0, 1},
		wire.CloseFrame(append(wire.NewFrame(wire.FrameRegister), make([]byte, 97)...)),
		[]byte{wire.Magic, 0x14, 4, 0},
		wire.CloseFrame(append(good.Frame(), 0)), wire.AgentShare{Job: 1, Session: 8}.Frame(),
		good.Frame(), longer.Frame())
	c.wantResponse(0, wire.StatusAccept)
	c.wantResponse(1, 22)
	c.sendFrame([]byte{wire.Magic, byte(wire.FrameSubmit), 3, 0})
	c.wantEnd()
	wantSoon(t, "the link is gone", func() bool { return p.AgentTotal().Workers == 0 })
	b := p.AgentTotal()
	if b.Registered != 3 || b.Twice != 2 || b.Strangers != 1 || b.Longer != 1 {
		t.Errorf("books: %s", b)
	}
	want := map[string]int{droppedSize: 3, droppedSession: 1, droppedCommand: 1, droppedStranger: 1, droppedStall: 1}
	if fmt.Sprint(b.Dropped) != fmt.Sprint(want) {
		t.Errorf("dropped %v, want %v", b.Dropped, want)
	}
}

// A job keeps the difficulty it was sent with, and the frame arrives first.
func TestPoolGivesWorkersTheirOwnDifficulty(t *testing.T) {
	p := mustPool(t, func(o *Options) { o.Algorithm, o.Difficulty = easyTwos, 1 })
	c, first := mustAgent(t, p)
	c.sendFrame(wire.RegisterFrame(1, "a", "one"), wire.RegisterFrame(2, "a", "two"))
	wantSoon(t, "two workers", func() bool { return p.AgentTotal().Workers == 2 })
	p.SetWorkerDifficulty(func(worker string) uint8 { return map[string]uint8{"farm.one": 2, "farm.two": 5}[worker] })
	p.Job(false)
	for _, want := range [][]byte{wire.DifficultyFrames(2, []uint16{1}), wire.DifficultyFrames(5, []uint16{2})} {
		if got := c.frame(); !bytes.Equal(got, want) {
			t.Fatalf("got %x, want %x", []byte(got), want)
		}
	}
	second := first
	second.notify = c.want("mining.notify")
	index := uint16(0)
	f := func(s seat, session uint16, difficulty float64, below float64, want uint32) {
		t.Helper()
		for counter := uint32(index)<<16 + 1; ; counter++ { // one that meets difficulty, and not below
			share := s.mustShare(t, session, easyTwos, difficulty, counter, 0, 0)
			if d := s.claimDifficulty(t, agentClaim(share, &agentWorker{})) * easyTwos.Divider; below > 0 && d >= below {
				continue
			}
			c.sendFrame(share.Frame())
			c.wantResponse(index, want)
			index++
			return
		}
	}
	f(first, 2, 1, 4, wire.StatusAccept)
	f(second, 1, 1, 4, 23)
	f(second, 1, 4, 0, wire.StatusAccept)
	f(second, 2, 4, 32, 23)
	f(second, 2, 32, 0, wire.StatusAccept)
	if work := p.Books().Users()["farm.two"].Work; work != easyTwos.One(1+32) {
		t.Errorf("booked work %v for the second worker, want %v", work, easyTwos.One(33))
	}
	p.Job(false)
	c.want("mining.notify") // no frame: nothing changed
}

func TestPoolAnswersAgentsOnlyWhenAskedAfterAuthorize(t *testing.T) {
	submits := make(chan Submit, 1)
	p := mustPool(t, func(o *Options) {
		o.Difficulty = 1e6 // no share meets it by luck
		o.OnSubmit = func(s Submit) { submits <- s }
	})
	c := mustDial(t, p.Addr())
	c.send(`{"id":1,"method":"agent.get_capabilities","params":[["verrol","subres"]]}`)
	c.want(`"capabilities"`)
	c.send(`{"id":2,"method":"mining.subscribe","params":["btccom-agent/1"]}`)
	c.want(`"id":2`)
	c.send(`{"id":3,"method":"mining.authorize","params":["farm",""]}`)
	c.want(`"id":3`)
	c.want(`mining.set_difficulty`)
	c.want(`mining.notify`)
	c.sendFrame(wire.RegisterFrame(0, "", ""), wire.AgentShare{Job: 1}.Frame())
	if s := <-submits; s.User != "farm.__default__" || s.Refused != proof.RefusedLow {
		t.Errorf("got %+v", s)
	}
	c.send(`{"id":4,"method":"mining.ping","params":[]}`)
	c.want(`"pong"`) // no response before it
}

func TestFramesAreNotForMiners(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	c.handshake("", "", "farm.rig1")
	c.sendFrame(append(wire.RegisterFrame(1, "a", "w"), '\n'))
	c.wantEnd()
}

func TestPoolScriptForAgents(t *testing.T) {
	f := func(script, want string) {
		t.Helper()
		p := mustPool(t, nil)
		c, _ := mustAgent(t, p)
		s, err := ParseScript(script)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context(), p, func(string) {}); err != nil {
			t.Fatal(err)
		}
		raw, _ := hex.DecodeString(want)
		got := make([]byte, len(raw))
		if _, err := io.ReadFull(c.in, got); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: got %x, %v; want %s", script, got, err, want)
		}
	}
	f("frame 7f0000", "7f0000")
	f("strange length", "7f10090000000102037f050900050900010")
	f("strange unknown", "7f7e06000102")
	f("strange sessions", "7f050d00070300feff"+"f0ffffff")
	f("strange response", "7f100a000080")
	f("strange half; job", "7f100a000000")
	bad := func(script, want string) {
		t.Helper()
		if _, err := ParseScript(script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something with %s", script, err, want)
		}
	}
	bad("workers 9..3", "an exponent from 0 to 63")
	bad("workers 64", "an exponent from 0 to 63")
	bad("frame xy", "hex digits")
	bad("strange", "length, unknown, sessions, response or half")
	if own, err := parseExponents("off"); own != nil || err != nil {
		t.Errorf("off: %v", err)
	}
	seen := map[uint8]bool{}
	own, _ := parseExponents("3..5")
	for i := range 100 {
		seen[own(fmt.Sprint("rig", i))] = true
	}
	if len(seen) != 3 || !seen[3] || !seen[5] {
		t.Errorf("3..5 gives %v", seen)
	}
}

// After half a frame nothing more arrives.
func TestPoolFallsSilentAfterHalfAFrame(t *testing.T) {
	p := mustPool(t, nil)
	c, _ := mustAgent(t, p)
	p.RawFrame(strangeFrames["half"], true)
	half := make([]byte, len(strangeFrames["half"]))
	if _, err := io.ReadFull(c.in, half); err != nil || !bytes.Equal(half, strangeFrames["half"]) {
		t.Fatalf("got %x, %v", half, err)
	}
	p.Job(true)
	p.DropLinks()
	if rest, _ := io.ReadAll(c.in); len(rest) > 0 {
		t.Errorf("and then %q", rest)
	}
}

func TestPoolTrace(t *testing.T) {
	var trace bytes.Buffer
	p := mustPool(t, func(o *Options) { o.Trace = &trace })
	c, _ := mustAgent(t, p)
	c.sendFrame(wire.RegisterFrame(0x1122, "cgminer", "s1099"), wire.UnregisterFrame(0x1122))
	c.send("\x01")
	c.wantEnd()
	p.Close()
	want := []string{
		`1 {"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`, "1 {", "1 {", "1 {", "1 {",
		"1 7f011400221163676d696e657200733130393900", "1 7f0406002211", "1 010a",
	}
	lines := bufio.NewScanner(&trace)
	for _, w := range want {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), w) {
			t.Errorf("got %s, want %s", lines.Text(), w)
		}
	}
}
