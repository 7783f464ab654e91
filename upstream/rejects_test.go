package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// crowd is what miners on one link send, and the pool's answers.
type crowd struct {
	rejects
	algorithm *work.Algorithm
	own       int // refusals that were the miner's fault
}

// say plays lines such as "1-15 yes", "16 no x300": what the miners with those prefixes
// are told, in turn, and how often each. A trailing ! says that they had shares
// accepted before.
func (c *crowd) say(t *testing.T, script string) {
	t.Helper()
	for line := range strings.SplitSeq(script, ",") {
		var from, to, times int
		var word string
		line = strings.TrimSpace(line)
		line, proven := strings.CutSuffix(line, "!")
		if !strings.Contains(line, "-") {
			first, rest, _ := strings.Cut(line, " ")
			line = first + "-" + first + " " + rest
		}
		if !strings.Contains(line, " x") {
			line += " x1"
		}
		if n, err := fmt.Sscanf(line, "%d-%d %s x%d", &from, &to, &word, &times); n != 4 {
			t.Fatal(line, err)
		}
		verdict := map[string]work.Verdict{"yes": work.Accepted, "no": work.LowDifficulty, "time": work.BadTime, "stale": work.Stale}[word]
		for range times {
			for m := from; m <= to; m++ {
				s := Share{Job: &work.Job{Algorithm: c.algorithm}, Solution: work.Solution{Prefix: uint16(m)}, Proven: proven}
				if c.note(&s, verdict) {
					c.own++
				}
			}
		}
	}
}

// A pool is ill if many miners' shares are refused, after as few as fifty verdicts;
// never because of what a few miners send.
func TestWhoMakesAPoolIll(t *testing.T) {
	checked := work.SHA256d
	other := &work.Algorithm{Name: "x11", Divider: 1}
	for _, q := range []struct {
		name      string
		algorithm *work.Algorithm
		members   int
		script    string
		ill       bool
	}{
		{"one miner, checked", checked, 1, "1 no x50", true},
		{"one miner, checked, not enough", checked, 1, "1 no x49", false},
		{"two miners, checked", checked, 2, "1-2 no x25", true},
		{"one of two, checked", checked, 2, "1 yes x50, 2 no x500", false},
		{"one of many that are idle, checked", checked, 500, "1 no x50", true},
		{"one miner's clock, checked", checked, 1, "1 time x500", false},
		{"everybody's clock, checked", checked, 10, "1-10 time x5", true},
		{"was well, checked", checked, 1, "1 yes x300, 1 no x33", true},
		{"was well, a bad moment, checked", checked, 1, "1 yes x300, 1 no x31", false},
		{"half of them are refused", checked, 1, "1 yes x25, 1 no x25", false},

		{"one miner", other, 1, "1 no x5000", false},
		{"everybody, at once", other, 10, "1-10 no x5", true},
		{"everybody, of a large farm, at once", other, 10_000, "1-50 no", true},
		{"everybody, after it was well", other, 10, "1-10 yes x20, 1-10 no x6", true},
		{"everybody, of a large farm, after it was well", other, 10_000, "1-3000 yes, 3000-3050 no!", true},
		{"stale ones do not count", other, 10, "1-10 stale x20", false},
		{"one rig", other, 20, "1-19 yes, 20 no x3000", false},
		{"one rig before the others have a verdict", other, 20, "20 no x3000", false},
		{"a quarter of the miners", other, 20, "1-15 yes, 16-20 no x600", false},
		{"a quarter of them that had worked before", other, 20, "1-15 yes x3, 16-20 no x600!", false},
		{"a quarter of the miners before the others have a verdict", other, 20, "16-20 no x600", false},
		{"a quarter of a large farm", other, 1000, "1 yes, 700-949 no x30", false},
		{"two of eight, and six that are slow", other, 8, "1-6 yes, 7-8 no x3000", false},
		{"one of three", other, 3, "1-2 yes, 3 no x3000", false},
		{"a rig that comes back under other prefixes", other, 20, "1-19 yes, 1000-1400 no x3", false},
		{"a rig that comes back under other prefixes at a large farm", other, 1000, "1-99 yes, 1000-1400 no", false},
	} {
		t.Run(q.name, func(t *testing.T) {
			c := crowd{algorithm: q.algorithm}
			c.members = q.members
			c.say(t, q.script)
			equal(t, "ill", c.above(0.5), q.ill)
			equal(t, "ill for no rate", c.above(0), false)
			if len(c.senders) > rejectSenders {
				t.Errorf("%d senders are kept", len(c.senders))
			}
		})
	}
}

// A refusal is the miner's fault if others' shares are accepted, or if nobody else is
// there and nothing vouches for it.
func TestWhoseDoingARefusalIs(t *testing.T) {
	checked := work.SHA256d
	other := &work.Algorithm{Name: "x11", Divider: 1}
	for _, q := range []struct {
		name      string
		algorithm *work.Algorithm
		script    string
		own       int
	}{
		{"alone, checked", checked, "1 no x60", 0},
		{"alone, checked, its clock", checked, "1 time x60", 60},
		{"alone", other, "1 no x60", 60},
		{"others are accepted", other, "1-9 yes, 10 no x60", 60},
		{"others are accepted, checked", checked, "1-9 yes, 10 no x60", 60},
		{"everybody is refused", other, "1-10 yes, 1-10 no x20", 9}, // until half of the others were
		{"nobody was ever accepted", other, "1-10 no x20", 1},
		{"an honest miner beside a broken one", other, "1 yes, 2 no x20, 1 no", 20},
		{"stale", other, "1-9 yes, 10 stale x60", 0},
	} {
		t.Run(q.name, func(t *testing.T) {
			c := crowd{algorithm: q.algorithm}
			c.members = 10
			c.say(t, q.script)
			equal(t, "own", c.own, q.own)
		})
	}
}

// A rig that leaves takes its refusals with it, unless it had worked.
func TestWhoLeftIsForgotten(t *testing.T) {
	c := crowd{algorithm: &work.Algorithm{Name: "x11"}}
	c.members = 2
	for prefix := range uint16(100) {
		c.say(t, fmt.Sprintf("%d no x25", prefix+1))
		c.forget(Prefix{Value: prefix + 1, Len: 2})
	}
	equal(t, "ill", c.above(0.5), false)
	c.say(t, "1-2 yes, 1-2 no x25")
	c.forget(Prefix{Value: 1, Len: 2})
	equal(t, "ill when all are refused", c.above(0.5), true)
}

// inOtherFarm runs a test with pools of an algorithm that can't be checked, and that
// many miners on the lane, with prefixes from 1 on.
func inOtherFarm(t *testing.T, pools string, miners uint16, test func(f *farm)) {
	t.Helper()
	inFarm(t, pools, func(f *farm) {
		for i := range f.others.Pools {
			f.others.Pools[i].Algorithm = work.Algorithm{Name: "x11", Divider: 1}
		}
		f.o.Failover.RejectRate = 0.5
		f.open()
		for p := range miners {
			f.joined = f.goal.Join(Member{Prefix: Prefix{Value: p + 1, Len: 2}})
		}
		f.run()
		test(f)
	})
}

// from submits a share of the miner with that prefix; odd nonces are bad shares.
func (f *farm) from(prefix uint16, nonce uint32) {
	s := share(f.latest().Job, nonce)
	s.Prefix = prefix
	f.lane().Submit(s)
	f.after(time.Millisecond)
}

// refuseBad has a pool refuse shares with odd nonces.
func refuseBad(s submit) string {
	if strings.Contains("13579bdf", s.Nonce[len(s.Nonce)-1:]) {
		return `"result":null,"error":[23,"low difficulty share",null]`
	}
	return yes
}

func TestOneRigDoesNotMoveTheFarm(t *testing.T) {
	inOtherFarm(t, "a b", 8, func(f *farm) {
		f.pools[0].answer = refuseBad
		nonce := uint32(0)
		for prefix := uint16(2); prefix <= 7; prefix++ {
			nonce += 2
			f.from(prefix, nonce)
		}
		for range 300 {
			nonce += 4
			f.from(1, nonce+1)
			f.from(8, nonce+3)
		}
		f.after(2 * tickServing)
		f.wantOn("a")
		own := 0
		for _, v := range f.fate() {
			if v.Own {
				own++
			}
		}
		equal(t, "refusals that are said to be the miners' own", own, 600)
	})
}

func TestAPoolThatRefusesEverybody(t *testing.T) {
	inOtherFarm(t, "a b", 10, func(f *farm) {
		f.pools[0].answer = func(submit) string { return `"result":null,"error":[23,"low",null]` }
		for n := range uint32(rejectMin) {
			f.from(uint16(n%10)+1, n+1)
		}
		f.after(2 * tickServing)
		f.wantOn("b")
	})
}

// A pool's answers to a direct miner's shares are no reason for others to leave it.
func TestADirectMinersIllPoolIsItsOwn(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.others.Pools[0].Direct = true
		f.o.Failover.RejectRate = 0.5
		f.open()
		x, y := Prefix{Value: 1, Len: 2}, Prefix{Value: 2, Len: 2}
		f.joined = f.goal.Join(Member{Prefix: x})
		f.run()
		f.pools[0].answer = func(submit) string { return `"result":null,"error":[20,"no",null]` }
		f.submit(1, rejectMin)
		f.after(directTicks * 2 * tickServing)
		wantLaneOn(t, f.joined, "b")
		other := f.goal.Join(Member{Prefix: y})
		f.after(time.Second)
		wantLaneOn(t, other, "a")
		for range 5 { // of the 10 minutes that it is left for
			f.pools[1].lane().job(false)
			f.after(time.Minute)
		}
		wantLaneOn(t, f.joined, "b")
	})
}
