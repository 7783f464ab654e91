package upstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// lastError returns why a pool is not up.
func (f *farm) lastError(pool int) string {
	if e := f.goal.list()[pool].book.LastError.Load(); e != nil {
		return *e
	}
	return ""
}

func wantPart(t *testing.T, what, got, part string) {
	t.Helper()
	if !strings.Contains(got, part) {
		t.Errorf("%s: %q does not contain %q", what, got, part)
	}
}

func TestHandshakeTranscript(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].SuggestDifficulty = 65536
		f.start()
		want := []string{
			`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}`,
			`{"id":2,"method":"mining.subscribe","params":["farmproxy/test"]}`,
			`{"id":3,"method":"mining.suggest_difficulty","params":[65536]}`,
			`{"id":4,"method":"mining.authorize","params":["farm","x"]}`,
			`{"id":5,"method":"mining.extranonce.subscribe","params":[]}`,
		}
		equal(t, "transcript", strings.Join(f.pools[0].last().lines, "\n"), strings.Join(want, "\n"))
	})
}

// Each case is what some pool does in answer to a method, in addition to what it should
// do, or instead; the link must come up nevertheless.
func TestPoolQuirks(t *testing.T) {
	before := func(line string) func(*conn, request) bool {
		return func(c *conn, _ request) bool { c.say(line); return false }
	}
	instead := func(format string) func(*conn, request) bool {
		return func(c *conn, r request) bool {
			line := format
			if strings.Contains(format, "%s") {
				line = fmt.Sprintf(format, r.ID)
			}
			c.say(line)
			return true
		}
	}
	for _, q := range []struct {
		name, method string
		on           func(*conn, request) bool
		version      string // what the 6th param of a share is; "-": there is none
	}{
		{"Braiins: mask before the answer to subscribe", "mining.subscribe", before(`{"id":null,"method":"mining.set_version_mask","params":["00fff000"]}`), "00002000"},
		{"difficulty before the answer to subscribe", "mining.subscribe", before(`{"id":null,"method":"mining.set_difficulty","params":[512]}`), "00002000"},
		{"job before the answer to subscribe", "mining.subscribe", before(notify("early", true)), "00002000"},
		{"job before the answer to authorize", "mining.authorize", before(notify("early", true)), "00002000"},
		{"public-pool: a notification with the request's id", "mining.suggest_difficulty", instead(`{"id":%s,"method":"mining.set_difficulty","params":[1000]}`), "00002000"},
		{"a notification with the id of the request waited for", "mining.authorize", before(`{"id":4,"method":"mining.set_difficulty","params":[1000]}`), "00002000"},
		{"version rolling refused with an error", "mining.configure", instead(`{"id":%s,"result":null,"error":[21,"ConfigurationOutOfOrder",null]}`), "-"},
		{"version rolling refused with false", "mining.configure", instead(`{"id":%s,"result":{"version-rolling":false},"error":null}`), "-"},
		{"configure is never answered", "mining.configure", func(*conn, request) bool { return true }, "-"},
		{"Miningcore: no error member, jsonrpc", "mining.authorize", func(c *conn, r request) bool {
			c.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":true}`, r.ID))
			c.job(true)
			return true
		}, "00002000"},
		{"ckpool: members in another order", "mining.authorize", func(c *conn, r request) bool {
			c.say(fmt.Sprintf(`{"error":null,"result":true,"id":%s}`, r.ID))
			c.job(true)
			return true
		}, "00002000"},
		{"string id", "mining.authorize", func(c *conn, r request) bool {
			c.say(fmt.Sprintf(`{"id":"%s","result":true,"error":null}`, r.ID))
			c.job(true)
			return true
		}, "00002000"},
		{"carriage return and empty lines", "mining.authorize", before("\r\n\n"), "00002000"},
		{"extranonce.subscribe refused", "mining.extranonce.subscribe", instead(`{"id":%s,"result":null,"error":[-3,"Method not found",null]}`), "00002000"},
		{"one pair only, as public-pool has it", "mining.subscribe", instead(`{"id":%s,"error":null,"result":[[["mining.notify","703d5a17"]],"703d5a17",4]}`), "00002000"},
		{"no pairs", "mining.subscribe", instead(`{"id":%s,"error":null,"result":[[],"703d5a17",4]}`), "00002000"},
		{"some noise", "mining.subscribe", before("{\"id\":}\n{}\n{\"id\":null,\"method\":7}"), "00002000"},
	} {
		t.Run(q.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				f.others.Pools[0].SuggestDifficulty = 1000
				f.pools[0].on[q.method] = q.on
				f.start()
				f.after(configureTimeout)
				f.wantOn("a")
				if t.Failed() {
					t.Fatal(f.lastError(0))
				}
				f.submit(1, 1)
				f.wantFate(1, 1, work.Accepted)
				got := f.pools[0].shares()[0].Version
				if got == "" {
					got = "-"
				}
				equal(t, "version bits", got, q.version)
			})
		})
	}
}

func TestStringIDs(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].stringIDs = true
		f.start()
		f.submit(1, 3)
		f.wantFate(1, 3, work.Accepted)
	})
}

func TestLateConfigureAnswer(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].on["mining.configure"] = func(*conn, request) bool { return true }
		f.start()
		f.after(configureTimeout)
		equal(t, "mask", f.latest().Mask, 0)
		f.pools[0].last().reply(json.RawMessage("1"), `"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null`)
		f.after(0)
		equal(t, "mask", f.latest().Mask, 0x1fffe000)
		f.submit(1, 1)
		equal(t, "version bits", f.pools[0].shares()[0].Version, "00002000")
	})
}

// Failures that can't be tolerated, and the sentence for the operator.
func TestHandshakeFailures(t *testing.T) {
	line := func(format string) func(*conn, request) bool {
		return func(c *conn, r request) bool {
			if strings.Contains(format, "%s") {
				c.say(fmt.Sprintf(format, r.ID))
			} else {
				c.say(format)
			}
			return true
		}
	}
	silent := func(*conn, request) bool { return true }
	for _, q := range []struct {
		name, method string
		on           func(*conn, request) bool
		want         string
	}{
		{"authorize refused", "mining.authorize", line(`{"id":%s,"result":null,"error":[24,"No such account",null]}`), `pool "a" refused user "farm": it said "No such account"; check user and password of this [[pool]]`},
		{"authorize false", "mining.authorize", line(`{"id":%s,"result":false,"error":null}`), `pool "a" refused user "farm": it gave no reason`},
		{"extranonce2 of 2", "mining.subscribe", line(`{"id":%s,"error":null,"result":[[],"0102",2]}`), "extranonce2 of 2 bytes; at least 3 are needed"},
		{"subscribe refused", "mining.subscribe", line(`{"id":%s,"result":null,"error":[20,"pool server is full",null]}`), `mining.subscribe was refused: it said "pool server is full"`},
		{"subscribe garbled", "mining.subscribe", line(`{"id":%s,"result":true,"error":null}`), "not [subscriptions, extranonce1, extranonce2_size]"},
		{"no answer to subscribe", "mining.subscribe", silent, "mining.subscribe got no answer within 15s"},
		{"no answer to authorize", "mining.authorize", silent, `mining.authorize of user "farm" got no answer within 15s`},
		{"a web server", "mining.configure", line("HTTP/1.1 400 Bad Request"), "does the url match the pool's port?"},
		{"noise", "mining.configure", line(strings.Repeat("{\n", 20)), "more than 10 malformed lines or frames in a row"},
		{"an endless line", "mining.subscribe", line("{" + strings.Repeat(" ", 300_000)), "mining.subscribe got no answer within 15s"},
		{"closed", "mining.subscribe", func(c *conn, _ request) bool { c.Close(); return true }, "the pool closed the connection"},
	} {
		t.Run(q.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				f.pools[0].on[q.method] = q.on
				f.start()
				f.after(stepTimeout)
				f.wantOn("none")
				wantPart(t, "last error", f.lastError(0), q.want)
			})
		})
	}
}

func TestNoJob(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].jobless = true
		f.start()
		f.after(stepTimeout)
		f.wantOn("none")
		wantPart(t, "last error", f.lastError(0), "no mining.notify within 15s of mining.authorize")
	})
}

func TestPoolAsks(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		c := f.pools[0].last()
		c.lines = nil
		for _, line := range []string{
			`{"id":7,"method":"mining.ping","params":[]}`,
			`{"id":"v","method":"client.get_version","params":[]}`,
			`{"id":8,"method":"mining.dance","params":[]}`,
			`{"id":null,"method":"mining.dance","params":[]}`,
			`{"id":9,"method":"client.show_message","params":["hello"]}`,
		} {
			c.say(line)
		}
		f.after(time.Second)
		equal(t, "answers", strings.Join(c.lines, "\n"), strings.Join([]string{
			`{"id":7,"result":"pong","error":null}`,
			`{"id":"v","result":"farmproxy/test","error":null}`,
			`{"id":8,"result":null,"error":[-3,"Method not found",null]}`,
		}, "\n"))
	})
}

func TestReconnect(t *testing.T) {
	for _, q := range []struct {
		name, params, address string
		after                 time.Duration
		dials                 int
	}{
		{"same place", `[]`, "a.pool.example:1", 0, 2},
		{"other port", `["",4444]`, "a.pool.example:4444", 0, 2},
		{"other host of the domain", `["b.pool.example",4444,0]`, "b.pool.example:4444", 0, 2},
		{"not yet", `["b.pool.example",4444,20]`, "", 18 * time.Second, 1},
		{"later", `["b.pool.example",4444,20]`, "b.pool.example:4444", 22 * time.Second, 2},
		{"another domain", `["evil.example",4444]`, "", 0, 1},
		{"an address", `["10.0.0.1",4444]`, "", 0, 1},
	} {
		t.Run(q.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				f.others.Pools[0].Host, f.others.Pools[0].Address = "a.pool.example", "a.pool.example:1"
				f.start()
				epoch := f.latest().Job.Epoch
				f.pools[0].last().say(`{"id":null,"method":"client.reconnect","params":` + q.params + `}`)
				f.after(q.after)
				equal(t, "dials", f.pools[0].dialled(), q.dials)
				if q.dials == 2 {
					equal(t, "address", f.pools[0].called()[1], q.address)
				}
				f.wantOn("a")
				equal(t, "epoch", f.latest().Job.Epoch, epoch)
			})
		})
	}
}

func TestReconnectAddressIsForgottenWhenItFails(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		f.others.Pools[0].Host, f.others.Pools[0].Address = "a.pool.example", "a.pool.example:1"
		f.start()
		a.do(func() { a.refuse = true })
		a.last().say(`{"id":null,"method":"client.reconnect","params":["b.pool.example",2]}`)
		f.after(0)
		a.do(func() { a.refuse = false })
		f.after(2 * time.Second)
		equal(t, "addresses", strings.Join(a.called(), " "), "a.pool.example:1 b.pool.example:2 a.pool.example:1")
	})
}

func TestSameDomain(t *testing.T) {
	for _, q := range []struct {
		from, to string
		want     bool
	}{
		{"pool.example", "pool.example", true},
		{"pool.example", "POOL.example.", true},
		{"stratum.pool.example", "eu.pool.example", true},
		{"pool.example", "eu.pool.example", true},
		{"pool.example", "pool.example.evil.test", false},
		{"pool.example", "notpool.example", false},
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "11.0.0.1", false},
		{"10.1.0.1", "10.2.0.1", false},
		{"::1", "::1", true},
		{"localhost", "localhost", true},
		{"localhost", "otherhost", false},
		{"pool.example", "", false},
	} {
		equal(t, q.from+" -> "+q.to, sameDomain(q.from, q.to), q.want)
	}
}

func TestSetExtranonce(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		f.start()
		old := f.latest().Job
		c := a.last()
		c.say(`{"id":null,"method":"mining.set_extranonce","params":["ccdd",6]}`)
		f.after(0)
		f.submitFor(old, 1, 1) // still the old extranonce until the next notify
		f.wantFate(1, 1, work.Accepted)
		c.job(false)
		f.after(0)
		f.wantTold("a-1! a-2!")
		f.submitFor(old, 2, 2)
		f.wantFate(2, 2, work.LinkLost)
		f.submit(3, 3)
		f.wantFate(3, 3, work.Accepted)
		equal(t, "extranonce2", a.shares()[1].Extranonce2, "01020a0b0c0d")
		c.say(`{"id":null,"method":"mining.set_extranonce","params":["ccdd",6]}`) // the same one again
		c.job(false)
		f.after(0)
		f.wantTold("a-1! a-2! a-3")
	})
}

// A link that has taken a session up is given another extranonce, and then its first one
// again: what it had taken up ended with the change, and would take no share any more.
func TestSetExtranonceBackToThatOfTheResumedSession(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		inFarm(t, "a", func(f *farm) {
			a := f.pools[0]
			f.start()
			a.do(func() { a.forget = forgets })
			a.last().Close()
			f.after(time.Second)
			for i, extranonce1 := range []string{"ccdd", "aabb01"} {
				a.last().say(fmt.Sprintf(`{"id":null,"method":"mining.set_extranonce","params":[%q,8]}`, extranonce1))
				a.last().job(false)
				f.after(0)
				n := uint32(i + 1)
				f.submit(n, n)
				f.wantFate(n, n, work.Accepted)
			}
		})
	}
}

func TestDifficultyAndMaskWithoutJob(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		c := f.pools[0].last()
		equal(t, "difficulty of the job", f.latest().Job.Difficulty, 1024)
		c.say(`{"id":null,"method":"mining.set_difficulty","params":[0.5]}`)
		c.say(`{"id":null,"method":"mining.set_version_mask","params":["00ffe000"]}`)
		c.say(`{"id":null,"method":"mining.set_difficulty","params":[-1]}`)
		f.after(0)
		f.wantTold("a-1! a-1 a-1")
		equal(t, "difficulty", f.latest().Difficulty, 0.5)
		equal(t, "mask", f.latest().Mask, 0x00ffe000)
		equal(t, "goal's mask", f.directory.Mask(""), 0x00ffe000)
		equal(t, "difficulty of the job", f.latest().Job.Difficulty, 1024)
		c.job(false)
		f.after(0)
		equal(t, "difficulty of the next job", f.latest().Job.Difficulty, 0.5)
		equal(t, "mask of the next job", f.latest().Job.Mask, 0x00ffe000)
	})
}

func TestJob(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		job := f.latest().Job
		equal(t, "pool's id", job.PoolID, `"a-1"`)
		equal(t, "clean", job.Clean, true)
		equal(t, "received", job.Received.IsZero(), false)
		equal(t, "layout", job.Layout, work.Layout{Lead: 2, Prefix: 2, Room: 4})
		equal(t, "mask", job.Mask, 0x1fffe000)
		// coinb1, the pool's extranonce1 and the lead
		wantPart(t, "line", string(job.Line.Head), `"01000000aabb010000"`[:19])
		id := job.ID
		f.pools[0].last().say(notify("a-1", false)) // the same one again
		f.after(0)
		f.wantTold("a-1! a-1")
		equal(t, "a job of its own", f.latest().Job.ID, id+1)
	})
}

// A pool with room for 1-byte prefixes only is used for miners that connect once that
// is known, through lanes of their own.
func TestSmallPool(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].size = 3
		f.start()
		f.after(time.Minute)
		f.wantOn("none")
		equal(t, "dials", f.pools[0].dialled(), 2)
		prefix, extranonce2 := f.directory.Shape()
		equal(t, "prefix", prefix, 1)
		equal(t, "extranonce2", extranonce2, 2)
		p, _ := f.directory.Prefixes().Take(1)
		lane := f.goal.Join(Member{Prefix: p})
		s := share(lane.Latest().Job, 1)
		s.Prefix = p.Value
		s.SetExtranonce2(1, 2)
		lane.Submit(s)
		f.after(time.Second)
		f.wantFate(1, 1, work.Accepted)
		equal(t, "extranonce2", f.pools[0].shares()[0].Extranonce2, "000102")
	})
}
