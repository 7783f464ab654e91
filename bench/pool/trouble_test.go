package pool

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/proof"
)

const (
	accepted = `"result":true,"error":null}`
	low      = `[23,"Low difficulty share",null]`
)

// TestPoolRefuses changes one thing of a good share at a time.
func TestPoolRefuses(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	s := c.handshake("1fffe000", "", "farm.rig1")
	counter := uint64(0)
	f := func(name string, change func(params []string) []string, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			counter++
			c.t = t
			mine := func(counter uint64) []string { return change(s.mustMine(t, proof.EasyDifficulty, counter)) }
			if want == low {
				c.wantVerdict(s.mustMiss(t, proof.EasyDifficulty, mine), want)
				return
			}
			c.wantVerdict(mine(counter), want)
		})
	}
	set := func(at int, text string) func([]string) []string {
		return func(p []string) []string { p[at] = text; return p }
	}
	later := func(d time.Duration) string { return fmt.Sprintf("%08x", time.Now().Add(d).Unix()) }

	f("nothing changed", func(p []string) []string { return p }, accepted)
	f("upper case", func(p []string) []string { p[4] = strings.ToUpper(p[4]); return p }, accepted)
	f("another worker", set(0, "farm.rig2"), `[24,"Unauthorized worker",null]`)
	f("unknown job", set(1, "ffffff"), `[21,"Job not found",null]`)
	f("extranonce2 too short", set(2, "00"), `[20,"Bad extranonce2 size",null]`)
	f("extranonce2 not hex", set(2, "zz00000000000000"), `[20,"Bad params",null]`)
	f("ntime before the job's", set(3, later(-time.Hour)), `[20,"Time out of range",null]`)
	f("ntime too far ahead", set(3, later(3*time.Hour)), `[20,"Time out of range",null]`)
	f("version bit outside the mask", set(5, "80002000"), `[20,"Version bits outside mask",null]`)
	f("version bits not sent", func(p []string) []string { return p[:5] }, low)
	f("too few params", func(p []string) []string { return p[:4] }, `[20,"Bad params",null]`)
	f("another extranonce2", func(p []string) []string { p[2] = "ff" + p[2][2:]; return p }, low)

	want := map[string]int{
		"Unauthorized worker": 1, "Job not found": 1, "Bad extranonce2 size": 1, "Bad params": 2,
		"Time out of range": 2, "Version bits outside mask": 1, "Low difficulty share": 2,
	}
	total := p.Books().Total()
	if total.Accepted != 2 || fmt.Sprint(total.Refused) != fmt.Sprint(want) {
		t.Errorf("books: accepted %d, refused %v; want 2 and %v", total.Accepted, total.Refused, want)
	}
	if users := p.Books().Users(); users["farm.rig2"].Accepted != 0 || users["farm.rig1"].Accepted != 2 {
		t.Errorf("books by name: %v", users)
	}
}

func TestPoolWantsTheHandshakeInOrder(t *testing.T) {
	p := mustPool(t, func(o *Options) { o.RefuseNames = regexp.MustCompile(`^bad`) })
	c := mustDial(t, p.Addr())
	c.send(`{"id":1,"method":"mining.authorize","params":["farm.rig1","x"]}`)
	c.want(`[25,"Not subscribed",null]`)
	c.wantVerdict([]string{"farm.rig1", "1", "00", "00000000", "00000000"}, `[25,"Not subscribed",null]`)
	c.send(`{"id":2,"method":"mining.subscribe","params":[]}`)
	c.want(`"mining.notify"`)
	c.send(`{"id":3,"method":"mining.configure","params":[["version-rolling"],{}]}`)
	c.want(`[21,"ConfigurationOutOfOrder",null]`)
	c.send(`{"id":4,"method":"mining.authorize","params":["bad.rig1","x"]}`)
	c.want(`"result":false,"error":[24,"Unauthorized worker",null]`)
	for _, simple := range [][2]string{
		{`{"id":5,"method":"mining.ping","params":[]}`, `"result":"pong"`},
		{`{"id":6,"method":"client.get_version","params":[]}`, `"result":"farmproxy bench"`},
		{`{"id":7,"method":"mining.extranonce.subscribe","params":[]}`, `"result":true`},
		{`{"id":8,"method":"mining.suggest_difficulty","params":[1]}`, `"result":true`},
		{`{"id":9,"method":"mining.nonsense","params":[]}`, `"error":[20,`},
	} {
		c.send(simple[0])
		c.want(simple[1])
	}
}

func TestPoolQuirks(t *testing.T) {
	p := mustPool(t, func(o *Options) { o.StringIDs, o.NotifyIDs, o.SuggestAsNotify, o.Mask = true, true, true, 0 })
	c := mustDial(t, p.Addr())
	c.send(`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}`)
	c.want(`{"id":"1","result":{"version-rolling":false}`)
	c.send(`{"id":2,"method":"mining.subscribe","params":[]}`)
	c.want(`{"id":"2","result":[[`)
	c.send(`{"id":3,"method":"mining.suggest_difficulty","params":[7]}`)
	c.want(`{"id":3,"method":"mining.set_difficulty","params":[5.960464477539063e-08]}`)
	c.send(`{"id":4,"method":"mining.authorize","params":["farm.rig1"]}`)
	c.want(`{"id":"4","result":true`)
	c.want(`{"id":1,"method":"mining.set_difficulty"`)
	c.want(`{"id":2,"method":"mining.notify"`)
}

func TestPoolFirstJobOfASessionIsClean(t *testing.T) {
	p := mustPool(t, nil)
	p.Job(false)
	c := mustDial(t, p.Addr())
	if s := c.handshake("", "", "farm.rig1"); !strings.Contains(s.notify, ",true]") {
		t.Errorf("got %s", s.notify)
	}
	p.Job(false)
	c.want(",false]")
}

func TestPoolCleanJobMakesSharesStale(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	s := c.handshake("", "", "farm.rig1")
	p.Job(false)
	c.want("mining.notify")
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 1), accepted)
	p.Job(true)
	c.want("mining.notify")
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 2), `[21,"Stale share",null]`)
}

func TestPoolDifficultyHoldsFromTheNextJobOn(t *testing.T) {
	const harder = proof.EasyDifficulty * 1000
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	s := c.handshake("", "", "farm.rig1")
	if err := p.SetDifficulty(harder); err != nil {
		t.Fatal(err)
	}
	c.want(`"mining.set_difficulty","params":[` + proof.Number(harder) + `]`)
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 1), accepted)
	p.Job(false)
	s.notify = c.want("mining.notify")
	c.wantVerdict(s.mustMiss(t, harder, func(counter uint64) []string { return s.mustMine(t, proof.EasyDifficulty, counter) }), low)
	c.wantVerdict(s.mustMine(t, harder, 3), accepted)
	if p.SetDifficulty(0) == nil {
		t.Error("difficulty 0 was taken")
	}
}

func TestPoolMaskHoldsAtOnce(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	s := c.handshake("1fffe000", "", "farm.rig1")
	p.SetMask(0x1fff0000)
	c.want(`"mining.set_version_mask","params":["1fff0000"]`)
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 1), `[20,"Version bits outside mask",null]`)
	s.mask = 0x1fff0000
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 2), accepted)
}

func TestPoolRefusesAFraction(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	s := c.handshake("", "", "farm.rig1")
	p.Reject(1)
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 1), `[20,"Refused by script",null]`)
	p.Reject(0)
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 2), accepted)
	if p.Reject(2) == nil {
		t.Error("fraction 2 was taken")
	}
}

func TestPoolResumesSessions(t *testing.T) {
	f := func(name string, change func(*Options), between func(*Pool), want bool) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			p := mustPool(t, change)
			c := mustDial(t, p.Addr())
			before := c.handshake("", "", "farm.rig1")
			share := before.mustMine(t, proof.EasyDifficulty, 1)
			between(p)
			c.wantEnd()
			again := mustDial(t, p.Addr())
			after := again.handshake("", `,"`+before.session+`"`, "farm.rig1")
			if same := after.extranonce1 == before.extranonce1; same != want {
				t.Errorf("extranonce1 %s, then %s; want the same: %v", before.extranonce1, after.extranonce1, want)
			}
			if want {
				again.wantVerdict(share, accepted) // its jobs live on
			}
		})
	}
	f("after a drop", nil, (*Pool).DropLinks, true)
	f("after a stop", nil, func(p *Pool) { p.Stop(); p.Start() }, true)
	f("not where the pool can't", func(o *Options) { o.Resume = false }, (*Pool).DropLinks, false)
	f("not when it forgot", nil, func(p *Pool) { p.ForgetSessions(); p.DropLinks() }, false)
	f("not with another size", nil, func(p *Pool) { p.SetExtranonce2Size(4); p.DropLinks() }, false)
}

func TestPoolExtranonce2SizeIsForNewSessions(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	s := c.handshake("", "", "farm.rig1")
	p.SetExtranonce2Size(3)
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 1), accepted)
	if s := mustDial(t, p.Addr()).handshake("", "", "farm.rig1"); s.size2 != 3 {
		t.Errorf("extranonce2 size %d, want 3", s.size2)
	}
}

func TestPoolStandsStillAndWakes(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	c.handshake("", "", "farm.rig1")
	p.GoSilent(time.Hour)
	c.send(`{"id":4,"method":"mining.ping","params":[]}`)
	p.Job(true)
	p.GoSilent(time.Millisecond) // a shorter silence replaces the longer one
	lines := c.line() + c.line()
	if !strings.Contains(lines, `"pong"`) || !strings.Contains(lines, "mining.notify") {
		t.Errorf("after the silence: %s", lines)
	}
}

func TestPoolSaysNothingWhileSilent(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	c.handshake("", "", "farm.rig1")
	p.GoSilent(time.Hour)
	c.send(`{"id":4,"method":"mining.ping","params":[]}`)
	p.Job(true)
	p.DropLinks()
	if line, err := c.in.ReadString('\n'); err == nil {
		t.Errorf("a silent pool said %s", line)
	}
}

func TestPoolStopsAndComesBackOnTheSamePort(t *testing.T) {
	p := mustPool(t, nil)
	addr := p.Addr()
	c := mustDial(t, addr)
	c.handshake("", "", "farm.rig1")
	p.Stop()
	c.wantEnd()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	mustDial(t, addr).handshake("", "", "farm.rig1")
	var kinds []EventKind
	for _, e := range p.Timeline() {
		kinds = append(kinds, e.Kind)
	}
	if want := "[up clean down up]"; fmt.Sprint(kinds) != want {
		t.Errorf("timeline %v, want %s", kinds, want)
	}
}

func TestPoolRepliesComeToTheCallback(t *testing.T) {
	replies := make(chan string, 1)
	p := mustPool(t, func(o *Options) { o.OnReply = func(line []byte) { replies <- string(line) } })
	c := mustDial(t, p.Addr())
	c.handshake("", "", "farm.rig1")
	p.Raw(`{"id":77,"method":"mining.ping","params":[]}`)
	c.want(`"id":77`)
	c.send(`{"id":77,"result":"pong","error":null}`)
	if got := <-replies; !strings.Contains(got, `"pong"`) {
		t.Errorf("got %s", got)
	}
}

func TestScriptErrors(t *testing.T) {
	f := func(script, want string) {
		t.Helper()
		if _, err := ParseScript(script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want something with %q", script, err, want)
		}
	}
	f("explode", `"explode": no such trouble`)
	f("at soon drop", `want a time like 10s`)
	f("at 10s drop; at 5s up", `not before the one in front of it, got "5s"`)
	f("drop all", `drop: wants nothing after it, got "all"`)
	f("silent", `silent: want a time like 30s, got ""`)
	f("down x", `down: want a time like 20s, got "x"`)
	f("difficulty hard", `difficulty: want a number above 0, got "hard"`)
	f("mask 1f", `mask: want 8 hex digits, got "1f"`)
	f("extranonce2 few", `extranonce2: want a number of bytes, got "few"`)
	f("reject often", `reject: want a fraction from 0 to 1, got "often"`)
	f("job dirty", `job: want nothing or "clean", got "dirty"`)
}

func TestScriptRuns(t *testing.T) {
	p := mustPool(t, nil)
	script, err := ParseScript("at 1ms drop; at 2ms silent 1ms; difficulty 2\nmask 1fff0000; extranonce2 4; reject 0.5;down 1ms;forget; job clean; job; raw {}; down; up;")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	if err := script.Run(context.Background(), p, func(s string) { told = append(told, s) }); err != nil {
		t.Fatal(err)
	}
	if want := "drop silent 1ms difficulty 2 mask 1fff0000 extranonce2 4 reject 0.5 down 1ms forget job clean job raw {} down up"; strings.Join(told, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(told, " "), want)
	}
	if p.HardestDifficulty() != 2 || len(p.Jobs()) != 3 {
		t.Errorf("hardest difficulty %v, %d jobs", p.HardestDifficulty(), len(p.Jobs()))
	}
	if script, _ = ParseScript("difficulty -1"); script.Run(context.Background(), p, func(string) {}) == nil {
		t.Error("a step that failed was not told")
	}
}

func TestPoolOptionsErrors(t *testing.T) {
	f := func(change func(*Options), want string) {
		t.Helper()
		o := DefaultOptions()
		change(&o)
		p, err := Start(o)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want something with %q", err, want)
		}
	}
	f(func(o *Options) { o.Extranonce1Size = 1 }, "extranonce1 size: want 2 to 8 bytes, got 1")
	f(func(o *Options) { o.Extranonce2Size = 17 }, "extranonce2 size: want 1 to 16 bytes, got 17")
	f(func(o *Options) { o.Difficulty = 0 }, "difficulty: want a number above 0, got 0")
	f(func(o *Options) { o.Branches = 21 }, "branches: want 0 to 20, got 21")
	f(func(o *Options) { o.FirstJob = `["1"]` }, "notify params: want 9, got 1")
	f(func(o *Options) { o.Listen = "256.0.0.1:0" }, "choose another address or port 0")
}

// A pool that changes its mind ends where it began.
func TestPoolWavers(t *testing.T) {
	p := mustPool(t, nil)
	c := mustDial(t, p.Addr())
	s := c.handshake("1fffe000", "", "farm.rig1")
	p.Waver(0x00ffe000)
	c.want(`"mining.set_version_mask","params":["00ffe000"]`)
	c.want(`"mining.set_version_mask","params":["1fffe000"]`)
	if other := c.want(`"mining.set_extranonce"`); strings.Contains(other, s.extranonce1) {
		t.Errorf("the same extranonce1: %s", other)
	}
	c.want(fmt.Sprintf(`"mining.set_extranonce","params":["%s",8]`, s.extranonce1))
	c.wantVerdict(s.mustMine(t, proof.EasyDifficulty, 1), accepted)
}
