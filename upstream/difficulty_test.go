package upstream

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// opens makes a pool begin a connection with its own lines: a number is a difficulty, a
// duration is a pause, anything else is a job; a job with ! is clean.
func opens(p *scripted, script string) {
	p.jobless = true
	p.on["mining.extranonce.subscribe"] = func(c *conn, r request) bool {
		c.reply(r.ID, yes)
		go play(c, script)
		return true
	}
}

func play(c *conn, script string) {
	for _, word := range strings.Fields(script) {
		if d, err := time.ParseDuration(word); err == nil && strings.HasSuffix(word, "s") {
			time.Sleep(d)
			continue
		}
		if id, isJob := strings.CutPrefix(word, "job"); isJob {
			id, clean := strings.CutSuffix(id, "!")
			c.say(notify(c.pool.name+"-"+id, clean))
			continue
		}
		c.say(fmt.Sprintf(`{"id":null,"method":"mining.set_difficulty","params":[%s]}`, word))
	}
}

// A link's first job has the difficulty that the pool has sent, unless it sends none.
func TestTheFirstJobWaitsForItsDifficulty(t *testing.T) {
	for _, q := range []struct {
		name, opens string
		wait        time.Duration // until there is a job
		told        string
		difficulty  float64 // the first job's
	}{
		{"before the job", "4096 job1!", 0, "a-1!", 4096},
		{"after it", "job1! 4096", 0, "a-1!", 4096},
		{"some time after it", "job1! 900ms 4096", 900 * time.Millisecond, "a-1!", 4096},
		{"two jobs before it", "job1! job2 300ms 4096", 300 * time.Millisecond, "a-2!", 4096},
		{"never", "job1!", difficultyTimeout, "a-1!", 1},
		{"much later", "job1! 3s 4096", difficultyTimeout, "a-1!", 1},
		{"one that makes no sense", "job1! 1e-300", difficultyTimeout, "a-1!", 1},
	} {
		t.Run(q.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				opens(f.pools[0], q.opens)
				f.open()
				f.directory.Start(context.Background())
				if q.wait > 0 {
					f.after(q.wait - time.Millisecond)
					f.wantTold("")
				}
				f.after(2 * time.Millisecond)
				f.wantTold(q.told)
				equal(t, "difficulty", f.latest().Job.Difficulty, q.difficulty)
				f.after(5 * time.Second)
				equal(t, "dials", f.pools[0].dialled(), 1)
			})
		})
	}
}

// A pool's last difficulty applies to a later link that receives none.
func TestAPoolsLastDifficultyIsRemembered(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		a.forget = true
		opens(a, "4096 job1! 2s 8192")
		f.start()
		f.after(2 * time.Second)
		a.do(func() { opens(a, "job2!") })
		a.lane().Close()
		f.after(difficultyTimeout + time.Second)
		f.wantOn("a")
		job := f.latest().Job
		equal(t, "job", job.PoolID, `"a-2"`)
		equal(t, "difficulty", job.Difficulty, 8192)
	})
}

// Replacing a waiting job does not lose its clean flag: miners still drop their old
// jobs.
func TestACleanJobThatWaitsIsReplaced(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		opens(a, "4096 job1!")
		f.start()
		a.do(func() { opens(a, "job2! job3 300ms 4096") }) // of the same, resumed session
		a.lane().Close()
		f.after(time.Second)
		f.wantTold("a-1! a-3!")
	})
}

// A pool that applies a raised difficulty to shares at once is not ill for it, and the
// miners are not at fault; from the first refusal on its behaviour is known.
func TestADifficultyThatIsRaisedAtOnce(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.o.Failover.RejectRate = 0.5
		a := f.pools[0]
		opens(a, "1024 job1! 200ms 4096")
		f.start()
		a.answer = func(submit) string { return `"result":null,"error":[23,"Low difficulty share",null]` }
		equal(t, "least before", f.latest().Least, 0)
		f.submit(1, 60)
		f.after(2 * tickServing)
		f.wantOn("a")
		f.wantFate(1, 60, work.LowDifficulty)
		for _, v := range f.fate() {
			if v.Own {
				t.Fatal("it is said to be the miner's own doing")
			}
		}
		equal(t, "least", f.latest().Least, 4096)
		equal(t, "job", f.latest().Job.PoolID, `"a-1"`)
		play(a.lane(), "512")
		f.after(time.Millisecond)
		equal(t, "least when it is lowered", f.latest().Least, 512)

		// Refusals at the job's own difficulty are another matter.
		play(a.lane(), "2048 job2")
		f.after(time.Millisecond)
		f.submit(61, 120)
		f.after(2 * tickServing)
		f.wantOn("b")
	})
}
