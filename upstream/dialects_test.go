package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// onBlock is notify for a job on the block with that number.
func onBlock(id string, block int, clean string) string {
	n := strings.Replace(notify(id, false), fmt.Sprintf("%064d", 1), fmt.Sprintf("%064d", block), 1)
	return strings.Replace(n, ",false]", clean+"]", 1)
}

// A job on another block is clean, whatever the pool says about it.
func TestANewBlockIsClean(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		c := f.pools[0].last()
		c.say(onBlock("same", 1, ""))
		c.say(onBlock("one", 1, ",1"))
		c.say(onBlock("new", 2, ",false"))
		c.say(onBlock("text", 2, `,"false"`))
		f.after(0)
		f.wantTold("a-1! same one! new! text")
		equal(t, "the job says so", f.latest().Job.Clean, false)

		// Even if the link was lost meanwhile, and the session is resumed.
		f.pools[0].do(func() { f.pools[0].jobless = true })
		c.Close()
		f.after(time.Second)
		f.pools[0].last().say(onBlock("later", 3, ",false"))
		f.after(time.Second)
		f.wantTold("a-1! same one! new! text later!")
	})
}

func TestSetExtranonceWithoutASize(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		c := f.pools[0].last()
		c.say(`{"id":null,"method":"mining.set_extranonce","params":["ccdd"]}`)
		c.job(false)
		f.after(0)
		f.submit(1, 1)
		f.wantFate(1, 1, work.Accepted)
		equal(t, "extranonce2", f.pools[0].shares()[0].Extranonce2, "000001020a0b0c0d")
	})
}

// Job ids of every type are returned unchanged.
func TestJobIDsGoBackAsTheyCame(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		c := f.pools[0].last()
		for i, id := range []string{`77`, `"Ünï"`, `"q\"uote\\"`, `""`, `null`} {
			c.say(strings.Replace(notify("ID", true), `"ID"`, id, 1))
			f.after(0)
			f.submit(uint32(i+1), uint32(i+1))
			f.wantFate(uint32(i+1), uint32(i+1), work.Accepted)
			equal(t, "job "+id, f.pools[0].shares()[i].raw, id)
		}
	})
}

// Acceptance, in every form that pools use.
func TestAcceptedInOtherWords(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		for i, answer := range []string{
			`"result":true`, `"result":true,"error":[]`, `"result":true,"error":""`, `"result":true,"error":false`,
			`"result":true,"error":{}`, `"result":true,"error":0`, `"result":{"status":"OK"},"error":null`, `"result":"true","error":null`, `"result":1,"error":null`,
		} {
			f.pools[0].do(func() { f.pools[0].answer = func(submit) string { return answer } })
			f.submit(uint32(i+1), uint32(i+1))
			f.wantFate(uint32(i+1), uint32(i+1), work.Accepted)
		}
	})
}
