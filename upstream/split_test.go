package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// route returns a route for everybody whose login is no account's: goals are written as
// "main 70: a b | alt 30: c".
func route(name, goals string) Entry {
	e := Entry{Kind: Kind{Kept: true}, Route: name}
	for text := range strings.SplitSeq(goals, "|") {
		var g GoalEntry
		head, list, _ := strings.Cut(text, ":")
		fmt.Sscan(head, &g.Name, &g.Weight)
		g.Pools = pools(list)
		e.Goals = append(e.Goals, g)
	}
	return e
}

// inSplit runs a test with routes.
func inSplit(t *testing.T, names string, routes Everybody, test func(f *farm)) {
	t.Helper()
	inHandOver(t, names, func(f *farm) {
		f.directory = NewDirectory(f.o, f)
		f.directory.Set(routes)
		f.run()
		test(f)
	})
}

// goalOf returns a goal of the first route.
func (f *farm) goalOf(name string) *Goal { return f.directory.routesInOrder()[0].Goal(name) }

// come has miners log in and join, and returns how many each goal of the first route has.
func (f *farm) come(logins ...string) string {
	f.t.Helper()
	for _, login := range logins {
		g, _, err := f.directory.LoginFrom(Caller{Login: login})
		if err != nil {
			f.t.Fatal(err)
		}
		x, _ := f.directory.Prefixes().Take(2)
		g.Join(Member{Prefix: x, Login: login})
	}
	return f.shares()
}

// shares returns how many miners each goal of the first route has.
func (f *farm) shares() string {
	var list []string
	for _, g := range f.directory.routesInOrder()[0].Goals() {
		list = append(list, fmt.Sprint(g.Name(), " ", g.Members()))
	}
	return strings.Join(list, ", ")
}

// ten are the logins of ten miners.
var ten = strings.Fields("r.1 r.2 r.3 r.4 r.5 r.6 r.7 r.8 r.9 r.10")

func TestWhereNewcomersGo(t *testing.T) {
	for _, q := range []struct {
		what, goals string
		down        string // pools
		ordered     map[string]PoolOrder
		there       string // who is there when somebody looks
		steering    *Steering
		want        string // after ten have come
	}{
		{what: "as the weights say", goals: "main 70: a | alt 30: b", want: "main 7, alt 3"},
		{what: "of three", goals: "one 5: a | two 3: b | three 2: c", want: "one 5, two 3, three 2"},
		{what: "nobody to a weight of 0", goals: "main 1: a | alt 0: b", want: "main 10, alt 0"},
		{what: "nobody where all is down", goals: "main 70: a | alt 30: b", down: "b", want: "main 10, alt 0"},
		{what: "where a backup is up", goals: "main 70: a | alt 30: b c", down: "b", want: "main 7, alt 3"},
		{what: "to a weight of 0 when the others are down", goals: "main 1: a | alt 0: b", down: "a", want: "main 0, alt 10"},
		{what: "as the weights say when all is down", goals: "main 70: a | alt 30: b", down: "a b", want: "main 7, alt 3"},
		{what: "nobody to a drained pool", goals: "main 70: a | alt 30: b", ordered: map[string]PoolOrder{"a": Drained}, want: "main 0, alt 10"},
		{what: "nobody to a disabled pool", goals: "main 70: a | alt 30: b", ordered: map[string]PoolOrder{"b": Disabled}, want: "main 10, alt 0"},
		{
			what: "as is wished now", goals: "main 70: a | alt 30: b", want: "main 1, alt 9",
			steering: &Steering{Goals: map[string]Steer{"main": {Wish: .1}, "alt": {Wish: .9}}},
		},
		{
			what: "where work is missing", goals: "main 50: a | alt 50: b", there: "r.a r.b r.c r.d", want: "main 5, alt 9",
			steering: &Steering{Goals: map[string]Steer{"main": {Wish: .5, Rate: 400}, "alt": {Wish: .5}}},
		},
		{
			what: "each counts like one of those that are there", goals: "main 50: a | alt 50: b", there: "r.0 r.00", want: "main 5, alt 7",
			steering: &Steering{Goals: map[string]Steer{"main": {Wish: .5, Rate: 500}, "alt": {Wish: .5, Rate: 100}}},
		},
		{
			what: "where they are pinned", goals: "main 70: a | alt 30: b", want: "main 9, alt 1",
			steering: &Steering{
				Goals: map[string]Steer{"main": {Wish: 1}, "alt": {Wish: 0}},
				Pins:  map[string]string{"r.3": "alt", "r.4": "gone"},
			},
		},
	} {
		t.Run(q.what, func(t *testing.T) {
			inSplit(t, "a b c", Everybody{route("hall", q.goals)}, func(f *farm) {
				for _, p := range f.pools {
					if strings.Contains(q.down, p.name) {
						p.do(func() { p.refuse = true })
						for _, c := range p.every() {
							c.Close()
						}
					}
				}
				f.after(time.Minute)
				f.directory.Order(q.ordered)
				f.come(strings.Fields(q.there)...)
				f.directory.Routes()[0].Steer(q.steering)
				equal(t, "miners", f.come(ten...), q.want)
			})
		})
	}
}

// Who is at a goal stays there, whenever it logs in again, as long as it is up.
func TestWhoIsAtAGoalStays(t *testing.T) {
	inSplit(t, "a b", Everybody{route("hall", "main 70: a | alt 30: b")}, func(f *farm) {
		main, alt := f.goalOf("main"), f.goalOf("alt")
		at := func(on *Goal, route string) *Goal {
			g, _, _ := f.directory.LoginFrom(Caller{Login: "r.1", On: on, Route: route})
			return g
		}
		f.directory.Routes()[0].Steer(&Steering{Goals: map[string]Steer{"main": {Wish: 1}, "alt": {Wish: 0}}})
		equal(t, "a newcomer", at(nil, "hall"), main)
		equal(t, "who is there", at(alt, "hall"), alt)
		f.directory.Order(map[string]PoolOrder{"b": Drained})
		equal(t, "who was there until it was drained", at(alt, "hall"), main)
	})
}

// Each listener has its route; one that names none has the first.
func TestRoutesOfListeners(t *testing.T) {
	inSplit(t, "a b c", Everybody{route("hall-1", "main 1: a | alt 1: b"), route("hall-2", "main 1: c")}, func(f *farm) {
		for _, q := range []struct{ route, want string }{
			{"", "hall-1 a"}, {"hall-1", "hall-1 a"}, {"hall-2", "hall-2 c"}, {"gone", "hall-1 a"},
		} {
			g, account, err := f.directory.LoginFrom(Caller{Login: "farm.rig", Route: q.route})
			if err != nil || account != "" {
				t.Fatal(account, err)
			}
			pool, _ := g.Names()
			equal(t, "route "+q.route, g.Route().ID().Route+" "+pool, q.want)
		}
		equal(t, "links", fmt.Sprint(f.pools[0].links(), f.pools[1].links(), f.pools[2].links()), "1 1 1")
		equal(t, "routes that are split", len(f.directory.Routes()), 1)
	})
}

// Another division moves only those who must: goals that are gone or lead elsewhere send
// their miners to the others, and who only has another weight or name is left alone.
func TestARouteThatIsDividedAnew(t *testing.T) {
	const before = "main 70: a b | alt 30: c"
	for _, q := range []struct {
		what  string
		after Everybody
		gone  string // the goals whose miners log in again
		goOn  string // the goals that the others are now
	}{
		{"the same", Everybody{route("hall", before)}, "", "main alt"},
		{"other weights", Everybody{route("hall", "main 10: a b | alt 90: c")}, "", "main alt"},
		{"a goal more", Everybody{route("hall", before+"| new 5: d")}, "", "main alt"},
		{"in another order", Everybody{route("hall", "alt 30: c | main 70: a b")}, "", "main alt"},
		{"a goal less", Everybody{route("hall", "main 70: a b")}, "alt", "main"},
		{"another backup", Everybody{route("hall", "main 70: a d | alt 30: c")}, "", "main alt"},
		{"other pools", Everybody{route("hall", "main 70: a b | alt 30: d")}, "alt", "main"},
		{"another name", Everybody{route("hall", "first 70: a b | alt 30: c")}, "", "first alt"},
		{"names exchanged", Everybody{route("hall", "alt 70: a b | main 30: c")}, "", "alt main"},
		{"the route has another name", Everybody{route("row", before)}, "", "main alt"},
		{"one list of pools", Everybody{{Kind: Kind{Kept: true}, Goals: Whole(pools("a b")...)}}, "alt", ""},
		{"a route more", Everybody{route("hall", before), route("row", "main 1: d")}, "", "main alt"},
		{"only others", Everybody{route("row", "x 1: d")}, "main alt", ""},
	} {
		t.Run(q.what, func(t *testing.T) {
			inSplit(t, "a b c d", Everybody{route("hall", before)}, func(f *farm) {
				f.come(ten...)
				was := map[string]*Goal{"main": f.goalOf("main"), "alt": f.goalOf("alt")}
				names := map[*Goal]string{was["main"]: "main", was["alt"]: "alt"}
				f.directory.Set(q.after)
				f.after(time.Second)
				var gone []string
				for _, g := range f.rerouted {
					gone = append(gone, names[g])
				}
				equal(t, "whose miners log in again", strings.Join(gone, " "), q.gone)
				var goOn []string
				for _, name := range []string{"main", "alt"} {
					if g := was[name]; g.Route().has(g) {
						goOn = append(goOn, g.Name())
					}
				}
				if got := strings.Join(goOn, " "); !strings.HasPrefix(got, q.goOn) {
					t.Errorf("the goals go on as %q, want %q", got, q.goOn)
				}
				for _, g := range f.rerouted {
					next, _, err := f.directory.LoginFrom(Caller{Login: "r.1", Route: "hall", On: g})
					if err != nil || next == g {
						t.Errorf("who was at %s logs in to %v, %v", names[g], next, err)
					}
				}
			})
		})
	}
}

// Who splits a list of pools moves nobody that has a place in the first part of it.
func TestAListOfPoolsIsSplit(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.start()
		lane := f.lane()
		f.directory.Set(Everybody{route("hall", "main 70: a | alt 30: b")})
		f.after(time.Minute)
		equal(t, "goals that miners had to leave", len(f.rerouted), 0)
		equal(t, "the goal", f.goalOf("main"), f.goal)
		equal(t, "its lane", f.joined, lane)
		equal(t, "links", fmt.Sprint(f.pools[0].links(), f.pools[1].links()), "1 1")
		f.submit(1, 1)
		f.wantFate(1, 1, work.Accepted)
	})
}

// A share is worked at the goal that its job came from, and only an accepted one.
func TestTheWorkOfAGoal(t *testing.T) {
	inSplit(t, "a b", Everybody{route("hall", "main 1: a | alt 1: b")}, func(f *farm) {
		main := f.goalOf("main").Join(Member{Prefix: Prefix{Value: 1, Len: 2}})
		f.submitOn(main, main.Latest().Job, 1, 3)
		f.pools[0].do(func() { f.pools[0].answer = func(submit) string { return `"result":null,"error":[23,"low",null]` } })
		f.submitOn(main, main.Latest().Job, 4, 4)
		main.Kept(2, 10, main.Latest().Job.Epoch)
		equal(t, "main", f.goalOf("main").Work(), 3*64+10)
		equal(t, "alt", f.goalOf("alt").Work(), 0)
	})
}

func TestWhoFits(t *testing.T) {
	const all, few, other = 0x1fffe000, 0x00c00000, 0x00003000
	for _, q := range []struct {
		what       string
		size       int
		mask, bits uint32 // the pool's, and what the miner rolls
		len        uint8
		want       Fit
	}{
		{"room and bits", 8, all, all, 2, Fits},
		{"4 bytes and a prefix of 2", 4, all, all, 2, Fits},
		{"3 bytes and a prefix of 2", 3, all, all, 2, TooSmall},
		{"3 bytes and a prefix of 1", 3, all, all, 1, Fits},
		{"2 bytes", 2, all, all, 1, TooSmall},
		{"it has no prefix yet", 3, all, all, 0, Fits},
		{"it rolls fewer bits", 8, all, few, 2, Fits},
		{"it rolls more bits", 8, few, all, 2, FewerBits},
		{"it rolls other bits", 8, few, other, 2, FewerBits},
		{"it rolls none", 8, few, 0, 2, Fits},
		{"the pool grants none", 8, 0, all, 2, FewerBits},
		{"nobody rolls", 8, 0, 0, 2, Fits},
	} {
		d := NewDirectory(DirectoryOptions{}, nobody{})
		d.Set(Everybody{route("hall", "main 1: a | alt 1: b")})
		g := d.routesInOrder()[0].Goal("alt")
		d.learn(g.list()[0], q.size, q.mask, true)
		equal(t, q.what, g.Fit(Prefix{Len: q.len}, q.bits), q.want)
	}
}

// Miners of a split route roll only what all its pools allow that allow any: so they can
// go to each of these.
func TestMinersRollWhatAllGoalsAllow(t *testing.T) {
	d := NewDirectory(DirectoryOptions{}, nobody{})
	d.Set(Everybody{route("hall", "a 1: a | b 1: b | c 1: c"), route("row", "main 1: d")})
	r := d.routesInOrder()[0]
	for i, mask := range []uint32{0x1fffe000, 0x0fffe000, 0} {
		d.learn(r.Goals()[i].list()[0], 8, mask, true)
	}
	equal(t, "granted", fmt.Sprintf("%08x", d.Mask("hall")), "0fffe000")
	equal(t, "at the first goal", fmt.Sprintf("%08x", r.Goals()[0].Mask(0x1fffe000)), "0fffe000")
	equal(t, "where none are allowed", fmt.Sprintf("%08x", r.Goals()[2].Mask(0)), "00000000")
	equal(t, "at another route", fmt.Sprintf("%08x", d.Mask("row")), "1fffe000")
	equal(t, "who rolls them fits at b", r.Goals()[1].Fit(Prefix{Len: 2}, 0x0fffe000), Fits)
	equal(t, "who rolls them fits at c", r.Goals()[2].Fit(Prefix{Len: 2}, 0x0fffe000), FewerBits)
}

// The goals of a split route go over to the next process with their links, shares and work.
// One that is called something else there, or is the first that was a list of pools, is
// known by its pools.
func TestGoalsAreHandedOver(t *testing.T) {
	list := func(names string) Everybody {
		return Everybody{{Kind: Kind{Kept: true}, Goals: Whole(pools(names)...)}}
	}
	const halves = "main 50: a | alt 50: b"
	for _, q := range []struct {
		what          string
		before, after Everybody
		on            string // which goals the links to a and b are on then
	}{
		{"the same", Everybody{route("hall", halves)}, Everybody{route("hall", halves)}, "main alt"},
		{"other weights", Everybody{route("hall", halves)}, Everybody{route("hall", "main 1: a | alt 9: b")}, "main alt"},
		{"another order", Everybody{route("hall", halves)}, Everybody{route("hall", "alt 1: b | main 1: a")}, "main alt"},
		{"other names", Everybody{route("hall", halves)}, Everybody{route("hall", "one 1: a | two 9: b")}, "one two"},
		{"names exchanged", Everybody{route("hall", halves)}, Everybody{route("hall", "alt 1: a | main 9: b")}, "alt main"},
		{"another route's", Everybody{route("hall", halves)}, Everybody{route("row", halves)}, "main alt"},
		{"a goal is gone", Everybody{route("hall", halves)}, Everybody{route("hall", "main 1: a")}, "main none"},
		{"a list", Everybody{route("hall", halves)}, list("a"), " none"},
		{"from a list", list("a b"), Everybody{route("hall", halves)}, "main none"},
	} {
		t.Run(q.what, func(t *testing.T) {
			inSplit(t, "a b", q.before, func(f *farm) {
				var lanes []uint32
				for i, g := range f.directory.routesInOrder()[0].Goals() {
					l := g.Join(Member{Prefix: Prefix{Value: uint16(i), Len: 2}})
					lanes = append(lanes, l.ID())
					f.submitOn(l, l.Latest().Job, uint32(i), uint32(i))
				}
				dials := f.pools[0].dialled()
				f.handOver(func() { f.directory.Set(q.after) })
				var on []string
				for i, p := range f.pools {
					name := "none"
					f.directory.eachLane(func(l *Lane) {
						if i < len(lanes) && l.ID() == lanes[i] {
							name = l.Goal().Name()
							wantLaneOn(t, l, p.name)
							equal(t, "work at "+name, l.Goal().Work(), 64)
							f.submitOn(l, l.Latest().Job, uint32(10+i), uint32(10+i))
							f.wantFate(uint32(10+i), uint32(10+i), work.Accepted)
						}
					})
					on = append(on, name)
				}
				equal(t, "the links are on", strings.Join(on, " "), q.on)
				equal(t, "dials of a", f.pools[0].dialled(), dials)
			})
		})
	}
}

// What an older process can't know is where it does not look: it would take two goals of
// one account for one.
func TestAnOlderProcessSeesNoGoals(t *testing.T) {
	d := NewDirectory(DirectoryOptions{}, nobody{})
	d.Set(Everybody{route("hall", "main 1: a | alt 1: b")})
	d.Freeze()
	image, _, err := d.State(noRelay)
	if err != nil || !strings.Contains(string(image), `"routes":null,"goals":[{"name":"","route":"hall","goal":"main"`) {
		t.Errorf("%s, %v", image, err)
	}
}
