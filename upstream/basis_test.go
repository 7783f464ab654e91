package upstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// oneAuthorization is a pool of the NOMP family: a connection has one authorization,
// that of the last answer to mining.authorize, whatever the names were. The answer
// takes some time, and requests continue meanwhile.
type oneAuthorization struct {
	pool   *scripted
	no     func(name string) bool          // names that are refused
	delay  func(name string) time.Duration // below 0: there is no answer
	is     map[*conn]bool
	served map[*conn]bool // it has got a job
	banned int            // shares that count towards a ban
	log    []string       // what it received and sent after the handshake
}

func oneAuthorizationAt(p *scripted) *oneAuthorization {
	n := &oneAuthorization{
		pool: p, is: make(map[*conn]bool), served: make(map[*conn]bool),
		no:    func(string) bool { return false },
		delay: func(string) time.Duration { return 20 * time.Millisecond },
	}
	p.on["mining.authorize"] = func(c *conn, r request) bool {
		var name string
		json.Unmarshal(r.Params[0], &name)
		p.do(func() { n.note("authorize %s", name) })
		go n.authorize(c, r.ID, name)
		return true
	}
	p.on["mining.submit"] = func(c *conn, r request) bool {
		s := readSubmit(r, c)
		yes := false
		p.do(func() {
			if yes = n.is[c]; !yes {
				n.banned++
			}
			n.note("share of %s %v", s.User, yes)
		})
		if !yes {
			c.reply(r.ID, `"result":null,"error":[24,"unauthorized worker",null]`)
		}
		return !yes
	}
	return n
}

func (n *oneAuthorization) authorize(c *conn, id json.RawMessage, name string) {
	var delay time.Duration
	n.pool.do(func() { delay = n.delay(name) })
	if delay < 0 {
		return
	}
	time.Sleep(delay)
	first := false
	n.pool.do(func() {
		n.is[c] = !n.no(name)
		n.note("%s %v", name, n.is[c])
		c.reply(id, fmt.Sprintf(`"result":%v,"error":null`, n.is[c]))
		first = n.is[c] && !n.served[c]
		n.served[c] = n.served[c] || first
	})
	if first {
		c.say(`{"id":null,"method":"mining.set_difficulty","params":[1024]}`)
		c.job(true)
	}
}

func (n *oneAuthorization) note(format string, args ...any) {
	n.log = append(n.log, fmt.Sprintf(format, args...))
}

// lapse takes the authorization from the link.
func (n *oneAuthorization) lapse() {
	c := n.pool.lane()
	n.pool.do(func() { n.is[c] = false })
}

// said returns what the pool received and sent since the last call.
func (n *oneAuthorization) said() (log string) {
	n.pool.do(func() {
		log = strings.Join(n.log, "; ")
		n.log = nil
	})
	return log
}

// inOneAuthorization runs a test with such a pool, workers = "pass".
func inOneAuthorization(t *testing.T, test func(f *farm, n *oneAuthorization)) {
	t.Helper()
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		n := oneAuthorizationAt(f.pools[0])
		f.start()
		n.said()
		test(f, n)
	})
}

// One worker's refused name costs no other worker a share: the user is authorized again
// before the next share goes out, and shares refused meanwhile are resent.
func TestARefusedNameTakesNobodysAuthorization(t *testing.T) {
	inOneAuthorization(t, func(f *farm, n *oneAuthorization) {
		n.no = func(name string) bool { return name == "farm.stranger" }
		f.submitAs("acct.rig1", 1)
		f.after(time.Second)
		n.said()
		f.submitAs("acct.stranger", 2)
		f.after(25 * time.Millisecond) // the name has its answer, the user none yet
		f.submitAs("acct.rig1", 3)
		f.after(time.Second)
		equal(t, "the pool", n.said(), "authorize farm.stranger; farm.stranger false; authorize farm; farm true; share of farm true; share of farm.rig1 true")
		f.submitAs("acct.stranger", 4)
		f.wantFate(1, 4, work.Accepted)
		equal(t, "shares that count towards a ban", n.banned, 0)

		// Shares in flight when the name was answered are resent.
		n.no = func(name string) bool { return name == "farm.other" }
		n.said()
		f.submitAs("acct.other", 5)
		f.after(15 * time.Millisecond)
		n.lapse() // its answer is in flight
		f.submitAs("acct.rig1", 6)
		f.after(time.Second)
		f.wantFate(5, 6, work.Accepted)
		equal(t, "shares that count towards a ban", n.banned, 1)
		equal(t, "dials", n.pool.dialled(), 1)
	})
}

func TestANameThatIsAnsweredLate(t *testing.T) {
	inOneAuthorization(t, func(f *farm, n *oneAuthorization) {
		n.no = func(name string) bool { return strings.Contains(name, "stranger") }
		n.delay = func(name string) time.Duration {
			if strings.Contains(name, ".") {
				return nameTimeout + 5*time.Second
			}
			return 20 * time.Millisecond
		}
		f.submitAs("acct.stranger", 1)
		f.after(nameTimeout + tickServing)
		equal(t, "the pool", n.said(), "authorize farm.stranger; authorize farm; share of farm true; farm true")
		f.after(5 * time.Second)
		f.submitAs("acct.rig1", 2)
		f.after(time.Second)
		equal(t, "the pool", n.said(), "farm.stranger false; authorize farm; farm true; authorize farm.rig1; share of farm true")
		f.after(nameTimeout + 5*time.Second)
		f.submitAs("acct.rig1", 3)
		f.wantFate(1, 3, work.Accepted)
		equal(t, "a late yes", strings.HasSuffix(n.said(), "share of farm.rig1 true"), true)
		equal(t, "shares that count towards a ban", n.banned, 0)
	})
}

// A share refused for lack of authorization has the user authorized at once, and no
// names are sent to that pool for a while.
func TestAnAuthorizationThatLapsed(t *testing.T) {
	inOneAuthorization(t, func(f *farm, n *oneAuthorization) {
		f.submitAs("acct.rig1", 1)
		f.after(time.Second)
		n.lapse()
		n.said()
		f.submitAs("acct.rig1", 2)
		f.submitAs("acct.rig2", 3)
		f.after(time.Second)
		f.wantFate(1, 3, work.Accepted)
		equal(t, "the pool", n.said(), "share of farm.rig1 false; authorize farm; farm true; share of farm true; share of farm true")
		for range int(namesPause/time.Minute) - 1 { // not silent
			f.after(time.Minute)
			n.pool.lane().job(false)
		}
		f.after(time.Minute - 4*time.Second)
		f.submitAs("acct.rig3", 4)
		f.after(time.Second)
		equal(t, "the pool", n.said(), "share of farm true")
		f.after(4 * time.Second)
		f.submitAs("acct.rig3", 5)
		f.after(time.Second)
		equal(t, "the pool", n.said(), "authorize farm.rig3; farm.rig3 true; share of farm.rig3 true")
	})
}

// A pool that no longer authorizes anything is not asked for each share, and is
// reported.
func TestAnAuthorizationThatIsRefused(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		n := oneAuthorizationAt(f.pools[0])
		f.start()
		n.no = func(string) bool { return true }
		n.lapse()
		f.submit(1, 1)
		f.after(5 * time.Second)
		f.wantOn("b")
		wantPart(t, "why", f.lastError(0), "refused user")
		f.wantFate(1, 1, work.LinkLost)
	})
}

func TestSharesThatAreNeverAuthorized(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].answer = func(submit) string { return `"result":null,"error":[24,"unauthorized worker",null]` }
		f.start()
		for s := range uint32(30) {
			f.submit(2*s+1, 2*s+2)
			f.after(time.Second)
		}
		f.wantFate(1, 60, work.Unauthorized)
		if n := strings.Count(f.pools[0].methods(), "mining.authorize"); n < 3 || n > 5 {
			t.Errorf("%d authorizations in 30 s", n)
		}
		if n := len(f.pools[0].shares()); n > 70 {
			t.Errorf("60 shares were sent %d times", n)
		}
	})
}

// After several refused names in a row no more are sent.
func TestManyRefusedNames(t *testing.T) {
	inOneAuthorization(t, func(f *farm, n *oneAuthorization) {
		n.no = func(name string) bool { return name != "farm" }
		for i := range uint32(50) {
			f.submitAs(fmt.Sprint("acct.rig", i), i+1)
			f.after(100 * time.Millisecond)
		}
		f.wantFate(1, 50, work.Accepted)
		equal(t, "names asked for", strings.Count(n.said(), "authorize farm.rig"), maxNamesNo)
		equal(t, "shares that count towards a ban", n.banned, 0)
	})
}

// A new block releases the shares that wait for a name: later they would be stale.
func TestNoShareWaitsForANameOverABlock(t *testing.T) {
	for _, q := range []struct{ name, job string }{
		{"clean", notify("a-9", true)},
		{"another block", strings.Replace(notify("a-9", false), fmt.Sprintf("%064d", 1), fmt.Sprintf("%064d", 7), 1)},
	} {
		t.Run(q.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				f.others.Pools[0].PassWorkers = true
				a := f.pools[0]
				a.slowNames = true
				f.start()
				f.submitAs("acct.rig1", 1)
				f.after(time.Second)
				a.lane().job(false)
				f.after(time.Second)
				equal(t, "users", a.users(), "")
				a.lane().say(q.job)
				f.after(time.Millisecond)
				equal(t, "users", a.users(), "farm")
				f.submitAs("acct.rig1", 2)
				equal(t, "users", a.users(), "farm farm")
				f.wantFate(1, 2, work.Accepted)
			})
		})
	}
}

// oneNameAt makes a pool know one name per connection, the first, as ckpool does. A
// second mining.authorize gets no answer, and a share under another name is refused.
func oneNameAt(p *scripted) {
	first := make(map[*conn]string)
	p.on["mining.authorize"] = func(c *conn, r request) (ignored bool) {
		p.do(func() {
			var name string
			json.Unmarshal(r.Params[0], &name)
			if ignored = first[c] != ""; !ignored {
				first[c] = name
			}
		})
		return ignored
	}
	p.answer = func(s submit) string {
		if first[s.conn] != s.User {
			return `"result":null,"error":[-8,"Worker mismatch",null]`
		}
		return yes
	}
}

// A link whose shares all have one name is authorized under it: so the worker is
// visible at pools that know one name per connection.
func TestALinkOfOneName(t *testing.T) {
	for _, q := range []struct {
		name         string
		direct, pass bool
		fixed        string
		shares       string // the logins that share after share comes from
		want         string // the names under which the pool gets them
	}{
		{"direct, pass", true, true, "", "acct.rig1 acct.rig1", "farm.rig1 farm.rig1"},
		{"direct, pass, without a worker", true, true, "", "farm", "farm"},
		{"direct, pass, another worker later", true, true, "", "acct.rig1 acct.rig2 acct.rig1", "farm.rig1 farm.rig1 farm.rig1"},
		{"direct", true, false, "", "acct.rig1", "farm"},
		{"aggregate, a fixed worker", false, true, "all", "acct.rig1 acct.rig2", "farm.all farm.all"},
		{"aggregate, pass", false, true, "", "acct.rig1 acct.rig2", "farm farm"},
	} {
		t.Run(q.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				oneNameAt(f.pools[0])
				f.others.Pools[0].Direct, f.others.Pools[0].PassWorkers, f.others.Pools[0].FixedWorker = q.direct, q.pass, q.fixed
				f.open()
				logins := strings.Fields(q.shares)
				f.joined = f.goal.Join(Member{Prefix: Prefix{Value: 0x0102, Len: 2}, Login: logins[0]})
				f.run()
				for i, login := range logins {
					f.submitAs(login, uint32(i+1))
					f.after(nameTimeout + 2*tickServing*directTicks)
				}
				equal(t, "users", f.pools[0].users(), q.want)
				f.wantFate(1, uint32(len(logins)), work.Accepted)
			})
		})
	}
}

// A pool that refuses a worker's name in the handshake gets the user; one that has
// refused several is not asked again for a while.
func TestALinkWhoseNameIsRefused(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].Direct, f.others.Pools[0].PassWorkers = true, true
		n := oneAuthorizationAt(f.pools[0])
		n.no = func(name string) bool { return strings.Contains(name, "stranger") }
		f.open()
		f.joined = f.goal.Join(Member{Prefix: Prefix{Value: 1, Len: 2}, Login: "acct.stranger"})
		f.run()
		equal(t, "the pool", n.said(), "authorize farm.stranger; farm.stranger false; authorize farm; farm true")
		f.submitAs("acct.stranger", 1)
		f.after(time.Second)
		equal(t, "the pool", n.said(), "share of farm true")
		for i := range uint16(maxNamesNo) {
			f.goal.Join(Member{Prefix: Prefix{Value: i + 2, Len: 2}, Login: fmt.Sprint("acct.stranger", i)})
			f.after(time.Second)
		}
		equal(t, "names asked for", strings.Count(n.said(), "authorize farm.stranger"), maxNamesNo-1)
		equal(t, "refused", f.goal.list()[0].book.NamesRefused.Load(), maxNamesNo)
	})
}

func TestVerdictOfAnotherName(t *testing.T) {
	equal(t, "ckpool's", verdictOf(false, codec.PoolError{Code: -8, Text: "Worker mismatch"}), work.Unauthorized)
}
