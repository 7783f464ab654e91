package upstream

import (
	"bytes"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

const impossible = `{"id":null,"method":"mining.set_difficulty","params":[1e308]}`

// Nothing goes up to a pool whose difficulty no miner meets, and all looks well:
// so it is left once enough shares have stayed here for long enough.
func TestAPoolWhoseDifficultyNoMinerMeetsIsLeft(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		var log bytes.Buffer
		f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.start()
		silence := f.goal.failover().Silence
		quiet := func() { // jobs come, so the pool is not silent
			for range 4 {
				f.pools[0].lane().job(false)
				f.after(silence / 4)
			}
		}
		f.pools[0].lane().say(impossible)
		quiet()
		f.after(tickServing)
		f.wantOn("a") // nobody mines
		f.lane().Kept(barrenMin, barrenMin, 0)
		f.after(2 * tickServing)
		f.wantOn("b")
		equal(t, "times said", strings.Count(log.String(), "difficulty is not usable"), 1)
		wantPart(t, "log", log.String(), "no miner meets its difficulty of 1e+308")
	})
}

func TestAPoolIsNotLeftWhileSharesGoUp(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.start()
		f.pools[0].lane().say(impossible)
		for n := range uint32(8) {
			f.lane().Kept(barrenMin, barrenMin, 0)
			f.submit(n+1, n+1) // a block, say
			f.pools[0].lane().job(false)
			f.after(f.goal.failover().Silence / 2)
		}
		f.wantOn("a")
		for _, l := range f.book.Links() {
			if sum := l.Work[work.Accepted]; !(sum > 8*work.Unmeetable) || math.IsInf(sum, 0) {
				t.Errorf("the shares count %v", sum)
			}
		}
	})
}

func TestAHighDifficultyIsNoIllness(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.start()
		f.pools[0].lane().say(strings.Replace(impossible, "1e308", "1e12", 1))
		for range 8 {
			f.lane().Kept(barrenMin, barrenMin, 0)
			f.pools[0].lane().job(false)
			f.after(f.goal.failover().Silence / 2)
		}
		f.wantOn("a")
	})
}

func TestTheOnlyPoolIsNotLeftForItsDifficulty(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		var log bytes.Buffer
		f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.start()
		f.pools[0].lane().say(impossible)
		for range 8 {
			f.lane().Kept(barrenMin, barrenMin, 0)
			f.pools[0].lane().job(false)
			f.after(f.goal.failover().Silence / 2)
		}
		f.wantOn("a")
		equal(t, "times said", strings.Count(log.String(), "no share has met the pool's difficulty"), 1)
	})
}

// Were a difficulty that every hash meets taken over, each miner would send all
// that it hashes.
func TestADifficultyThatEveryHashMeetsIsPassedOver(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		var log bytes.Buffer
		f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.start()
		c := f.pools[0].lane()
		for _, d := range []string{"1e-300", "2.3e-10"} {
			c.say(strings.Replace(impossible, "1e308", d, 1))
			c.job(false)
			f.after(time.Second)
			equal(t, "difficulty after "+d, f.latest().Difficulty, 1024)
		}
		c.say(strings.Replace(impossible, "1e308", "1e-9", 1)) // of a test pool
		f.after(time.Second)
		equal(t, "difficulty", f.latest().Difficulty, 1e-9)
		c.say(impossible)
		f.after(time.Second)
		equal(t, "times said", strings.Count(log.String(), "every hash meets it"), 1)
		equal(t, "times said", strings.Count(log.String(), "no miner meets it"), 1)
	})
}
