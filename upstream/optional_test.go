package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// optionalMethods are the requests that a pool need not know.
var optionalMethods = []string{"mining.configure", "mining.suggest_difficulty", "mining.extranonce.subscribe"}

func hangsUp(c *conn, _ request) bool { c.Close(); return true }

// asked returns how often the pool heard a method.
func (p *scripted) asked(method string) int { return strings.Count(p.methods()+" ", method+" ") }

// A pool that closes the connection over a request that it does not know is
// worked with without that one, and with all others.
func TestAPoolThatClosesOverARequestIsUsedWithoutIt(t *testing.T) {
	for _, method := range optionalMethods {
		t.Run(method, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				f.others.Pools[0].SuggestDifficulty = 1000
				f.o.Failover.Silence = 24 * time.Hour
				f.pools[0].on[method] = hangsUp
				f.start()
				f.after(2 * backoffMin)
				f.wantOn("a")
				equal(t, "asked", f.pools[0].asked(method), 1)
				link := f.pools[0].lane()
				for _, other := range optionalMethods {
					if asked := strings.Contains(strings.Join(link.lines, " "), other); asked != (other != method) {
						t.Errorf("%s: asked %v", other, asked)
					}
				}
				f.submit(1, 1)
				f.wantFate(1, 1, work.Accepted)

				// For hours, and no miner notices that it is tried again.
				f.after(3 * time.Hour)
				f.wantOn("a")
				if f.pools[0].lane() != link {
					t.Error("the link did not last")
				}
			})
		})
	}
}

// Once the pool bears it, it is asked again: within a minute, also where the
// link lives on.
func TestWhatWasLeftOutIsAskedAgainWithinAMinute(t *testing.T) {
	for _, method := range optionalMethods {
		t.Run(method, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				f.others.Pools[0].SuggestDifficulty = 1000
				f.pools[0].on[method] = hangsUp
				f.start()
				f.after(2 * backoffMin)
				f.pools[0].do(func() { clear(f.pools[0].on) })
				f.after(time.Minute)
				f.wantOn("a")
				equal(t, "mask", f.latest().Mask, 0x1fffe000)
				f.pools[0].lane().Close()
				f.after(10 * time.Millisecond)
				for _, m := range optionalMethods {
					if said := strings.Join(f.pools[0].lane().lines, " "); !strings.Contains(said, m) {
						t.Errorf("%s was not asked: %s", m, said)
					}
				}
			})
		})
	}
}

// A pool that grants version bits and restarts takes them from nobody, however
// it ends the connection, and whenever.
func TestARestartOfThePoolTakesVersionBitsFromNobody(t *testing.T) {
	ends := map[string]func(c *conn, r request) bool{
		"closes":          hangsUp,
		"does not answer": func(*conn, request) bool { return true },
		"answers and then closes": func(c *conn, r request) bool {
			c.handle(r)
			time.Sleep(time.Millisecond)
			return hangsUp(c, r)
		},
	}
	for how, end := range ends {
		for _, at := range []string{"mining.configure", "mining.subscribe", "mining.authorize", "mining.extranonce.subscribe"} {
			for _, times := range []int{1, 2, 3, 7} {
				t.Run(fmt.Sprint(how, " at ", at, " ", times, " times"), func(t *testing.T) {
					inFarm(t, "a", func(f *farm) {
						f.start()
						p, left := f.pools[0], times
						p.do(func() {
							p.on[at] = func(c *conn, r request) bool {
								if left--; left < 0 {
									return false
								}
								return end(c, r)
							}
						})
						p.last().Close()
						f.after(time.Duration(times)*(f.goal.failover().BackoffMax+2*stepTimeout) + time.Minute)
						f.wantOn("a")
						equal(t, "mask", f.latest().Mask, 0x1fffe000)
					})
				})
			}
		}
	}
}

// The state file knows who granted version bits, so that a start of farmproxy
// and one of the pool may fall together.
func TestAPoolThatGrantedBitsBeforeTheStartIsAlwaysAsked(t *testing.T) {
	for name, text := range map[string]string{
		"now":              `{"stratum+tcp://a:1":{"extranonce2_size":8,"version_mask":"1fffe000"}}`,
		"once, none since": `{"stratum+tcp://a:1":{"extranonce2_size":8,"version_mask":"00000000","version_rolling":true}}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pools.json")
			os.WriteFile(file, []byte(text), 0o600)
			inFarm(t, "a", func(f *farm) {
				f.o.StateFile = file
				f.pools[0].on["mining.configure"] = hangsUp
				f.start()
				f.after(10 * backoffMin)
				f.wantOn("none")
				f.pools[0].do(func() { clear(f.pools[0].on) })
				f.after(f.goal.failover().BackoffMax)
				f.wantOn("a")
				equal(t, "mask", f.latest().Mask, 0x1fffe000)
			})
		})
	}
}

// A balancer in front of a pool that is dead takes connections and closes them:
// what is asked is not why.
func TestABalancerInFrontOfADeadPool(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		p := f.pools[0]
		p.on["mining.configure"], p.on["mining.subscribe"] = hangsUp, hangsUp
		f.start()
		f.after(10 * time.Minute)
		f.wantOn("none")
		p.do(func() { clear(p.on) })
		f.after(f.goal.failover().BackoffMax + time.Minute)
		f.wantOn("a")
		equal(t, "mask", f.latest().Mask, 0x1fffe000)
	})
}

// A pool that was dead and does close over a request is found out all the same.
func TestADeadPoolThatComesBackAsAnOldOne(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		p := f.pools[0]
		p.on["mining.configure"], p.on["mining.subscribe"] = hangsUp, hangsUp
		f.start()
		f.after(10 * time.Minute)
		p.do(func() { delete(p.on, "mining.subscribe") })
		f.after(2 * f.goal.failover().BackoffMax)
		f.wantOn("a")
		f.after(time.Hour)
		f.wantOn("a")
	})
}

// What is left out is a matter of requests: a connection that ends for another
// reason, or later, leaves nothing out.
func TestTheEndOfAConnectionIsNotPutDownToWhatThePoolBore(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(f *farm, p *scripted)
	}{
		{"after an hour", func(f *farm, p *scripted) {
			f.after(time.Hour)
			p.last().Close()
		}},
		{"over a share that it answered", func(f *farm, p *scripted) {
			f.submit(1, 1)
			p.last().Close()
		}},
		{"by us", func(f *farm, p *scripted) { f.lane().serving.drop(errSilent) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				p := f.pools[0]
				f.o.Failover.Silence = 24 * time.Hour
				p.on["mining.extranonce.subscribe"] = func(*conn, request) bool { return true } // no answer
				f.open()
				f.directory.Start(context.Background())
				f.after(10 * time.Millisecond)
				c.end(f, p)
				f.after(2 * backoffMin)
				f.wantOn("a")
				equal(t, "left out", f.goal.list()[0].skips(time.Now()), 0)
			})
		})
	}
}

// A pool that closes over the session that it is to resume gets a new one.
func TestAPoolThatClosesOverASessionIsSubscribedToAnew(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		p := f.pools[0]
		p.on["mining.subscribe"] = func(c *conn, r request) bool { return len(r.Params) > 1 && hangsUp(c, r) }
		f.start()
		p.last().Close()
		f.after(4 * backoffMin)
		f.wantOn("a")

		// In time it is tried again.
		p.do(func() { clear(p.on) })
		f.after(trialEvery)
		job := f.latest().Job
		p.lane().Close()
		f.after(time.Second)
		equal(t, "the epoch goes on", f.latest().Job.Epoch, job.Epoch)
	})
}

// A pool that closes over a worker's name gets all shares under its user.
func TestAPoolThatClosesOverANameIsNotAskedForNames(t *testing.T) {
	for name, direct := range map[string]bool{"a name among many": false, "the one name of a link": true} {
		t.Run(name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				p := f.pools[0]
				f.others.Pools[0].PassWorkers, f.others.Pools[0].Direct = true, direct
				p.on["mining.authorize"] = func(c *conn, r request) bool {
					return strings.Contains(string(r.Params[0]), ".") && hangsUp(c, r)
				}
				f.start()
				l := f.goal.Join(Member{Prefix: Prefix{Value: 0x0102, Len: 2}, Login: "farm.rig1"})
				f.after(10 * backoffMin)
				wantLaneOn(t, l, "a")
				s := share(l.Latest().Job, 1)
				s.Worker = f.book.Worker("farm.rig1")
				l.Submit(s)
				f.after(10 * backoffMin)
				wantLaneOn(t, l, "a")
				s = share(l.Latest().Job, 2)
				s.Worker = f.book.Worker("farm.rig1")
				l.Submit(s)
				f.after(time.Second)
				f.wantFate(2, 2, work.Accepted)
				equal(t, "the last one's user", p.shares()[len(p.shares())-1].User, "farm")
				if n := strings.Count(p.methods(), "mining.authorize"); n > 6 {
					t.Errorf("%d times authorized", n)
				}
			})
		})
	}
}

// A pool that granted version bits once, and then none, is known for it.
func TestThatBitsWereGrantedIsNotForgotten(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		p := f.pools[0]
		f.start()
		p.do(func() { p.mask = "" })
		p.last().Close()
		f.after(2 * backoffMin)
		equal(t, "mask", f.latest().Mask, 0)
		p.do(func() { p.mask, p.on["mining.configure"] = "1fffe000", hangsUp })
		p.last().Close()
		f.after(2 * backoffMin)
		equal(t, "left out", f.goal.list()[0].skips(time.Now()), 0)
	})
}

// The operator hears of what is left out: once, however often it is tried.
func TestWhatIsLeftOutIsSaidOnce(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		var log strings.Builder
		f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.o.Failover.Silence = 24 * time.Hour
		f.pools[0].on["mining.configure"] = hangsUp
		f.start()
		f.after(time.Hour)
		equal(t, "times said", strings.Count(log.String(), "the pool closes the connection over a request"), 1)
		wantPart(t, "log", log.String(), `request=mining.configure`)
		equal(t, "failures of the pool", f.goal.list()[0].book.Failures.Load(), 1)
	})
}

// A pool that gives fewer version bits than before is said, and counted.
func TestFewerVersionBitsAreSaidAndCounted(t *testing.T) {
	for _, c := range []struct {
		name  string
		end   func(f *farm, p *scripted)
		mask  string
		times uint64
	}{
		{"by set_version_mask", func(f *farm, p *scripted) {
			p.lane().say(`{"id":null,"method":"mining.set_version_mask","params":["00c00000"]}`)
		}, "00c00000", 1},
		{"to the next link", func(f *farm, p *scripted) {
			p.do(func() { p.mask = "" })
			p.lane().Close()
		}, "00000000", 1},
		{"more are no matter", func(f *farm, p *scripted) {
			p.lane().say(`{"id":null,"method":"mining.set_version_mask","params":["3fffe000"]}`)
		}, "3fffe000", 0},
		{"nor as many at the next link", func(f *farm, p *scripted) { p.lane().Close() }, "1fffe000", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFarm(t, "a", func(f *farm) {
				var log strings.Builder
				f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
				f.start()
				c.end(f, f.pools[0])
				f.after(2 * backoffMin)
				book := f.goal.list()[0].book
				equal(t, "mask", fmt.Sprintf("%08x", book.VersionMask.Load()), c.mask)
				equal(t, "counted", book.VersionBitsReduced.Load(), c.times)
				equal(t, "said", strings.Count(log.String(), "fewer version bits"), int(c.times))
			})
		})
	}
}

func TestWhoHungUp(t *testing.T) {
	for _, err := range []error{errors.New("x"), errSilent, errClosed, os.ErrDeadlineExceeded, nil} {
		if hungUp(err) {
			t.Errorf("%v: that was not the pool", err)
		}
	}
}
