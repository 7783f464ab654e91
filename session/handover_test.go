package session

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/internal/golden"
	"farmproxy/work"
)

// In each state that a transcript reaches, a session is handed over to another
// process, which started at another time and numbers lanes, works and an agent's jobs
// differently. It continues there as if nothing had happened: the miner gets the same
// bytes.
func TestTranscriptsGoOnInAnotherProcess(t *testing.T) {
	f := func(pattern string, play func(t *testing.T, script string, handsOver func(line int) bool) string) {
		golden.Each(t, pattern, 5, func(t *testing.T, _, want string) {
			t.Parallel()
			check := func(name string, handsOver func(line int) bool) {
				t.Helper()
				if got := play(t, want, handsOver); got != want {
					t.Errorf("handed over %s, it is:\n%s", name, got)
				}
			}
			check("after each line", func(int) bool { return true })
			for at, line := range strings.Split(want, "\n") {
				if !t.Failed() && !strings.HasPrefix(line, "miner<") && !strings.HasPrefix(line, "#") {
					check("after "+line, func(n int) bool { return n == at })
				}
			}
		})
	}
	f("testdata/*.txt", func(t *testing.T, script string, handsOver func(int) bool) string {
		return newStage(t).play(script, handsOver)
	})
	f("testdata/agent/*.txt", func(t *testing.T, script string, handsOver func(int) bool) string {
		return newAgentStage(t).play(script, handsOver)
	})
}

// All these numbers differ between two processes.
const (
	laterBegan  = 7 * time.Hour // differs between the processes
	higherLanes = 100
	higherWorks = 70_000 // more than the bits that a slot has for them
	higherJobs  = 1000   // an agent's: a miner names them by their ids
)

// next switches to the next process, and returns how to read a session there.
func (g *stage) next() *Translation {
	g.process++
	moment := g.env.Now
	g.env.Now = laterBegan * time.Duration((g.process+1)%3)
	if g.parked != nil {
		g.parked.moment += g.env.Now - moment
	}
	g.higher += higherWorks
	t := &Translation{Moment: g.env.Now, Lanes: map[uint32]Renumbered{}}
	for lane := range g.feed.Lane + g.before.Lane + 1 {
		t.Lanes[lane] = Renumbered{lane + higherLanes, higherWorks}
	}
	return t
}

// renumber renumbers the feeds for another process.
func (g *stage) renumber(ids uint32, also ...**work.Job) {
	known := map[*work.Job]*work.Job{nil: nil}
	renumber := func(j **work.Job) {
		if _, is := known[*j]; !is {
			renumbered := **j
			renumbered.Work += higherWorks
			renumbered.ID += ids
			known[*j] = &renumbered
		}
		*j = known[*j]
	}
	for _, f := range []*Feed{&g.feed, &g.before} {
		if f.Lane != 0 {
			f.Lane += higherLanes
		}
		for i := range f.jobs {
			renumber(&f.jobs[i])
		}
		renumber(&f.last)
	}
	for _, j := range also {
		renumber(j)
	}
}

func (g *stage) handOver() {
	booked := func(said string) string { return "farm." + said }
	data := g.session.Append([]byte("before"), g.env.Now, booked)[6:]
	var parked []byte
	if g.parked != nil {
		parked = g.parked.headers.Append(g.parked.state.Append(nil))
	}
	translation := g.next()
	g.renumber(0)
	session, names, rest, err := Decode(append(data, "after"...), translation)
	if err != nil || string(rest) != "after" {
		g.t.Fatalf("%v, %q follows", err, rest)
	}
	for i, name := range names {
		if said := session.nameOf(Worker(i + 1)); name != (Name{said, booked(said)}) {
			g.t.Errorf("worker %d is %q, and read as %q", i+1, said, name)
		}
	}
	g.session = session
	if g.parked == nil {
		return
	}
	if g.parked.state, parked, err = DecodeState(parked); err != nil {
		g.t.Fatal(err)
	}
	if g.parked.headers, parked, err = DecodeHeaders(parked); err != nil || len(parked) > 0 {
		g.t.Fatalf("%v, %q follows", err, parked)
	}
	if translation.memory(&g.parked.headers); g.parked.headers.Slots() > 2*maxSlots {
		g.t.Errorf("%d slots are parked", g.parked.headers.Slots())
	}
}

func (g *agentStage) handOver() {
	data := g.agent.Append([]byte("before"), g.env.Now)[6:]
	translation := g.next()
	translation.Jobs = map[uint32]uint32{}
	for _, j := range g.agent.jobs {
		if j.job != 0 {
			translation.Jobs[j.job] = j.job + higherJobs
		}
	}
	g.ids += higherJobs
	g.renumber(higherJobs, &g.candidate[0].Job)
	agent, rest, err := DecodeAgent(append(data, "after"...), translation)
	if err != nil || string(rest) != "after" {
		g.t.Fatalf("%v, %q follows", err, rest)
	}
	if agent.slots != g.agent.slots {
		g.t.Errorf("%d slots are counted, there were %d", agent.slots, g.agent.slots)
	}
	g.agent = *agent
}

// decoded returns a session after encoding and decoding.
func decoded(t *testing.T, s *Session, now time.Duration) *Session {
	t.Helper()
	data := s.Append(nil, now, strings.Clone)
	back, _, rest, err := Decode(data, &Translation{Moment: now})
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes follow", err, len(rest))
	}
	return &back
}

// plain lists the fields of a value, and fails if one is not a number.
func plain(t *testing.T, v reflect.Value, name string) (fields []field) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fields = append(fields, plain(t, v.Field(i), name+"."+v.Type().Field(i).Name)...)
		}
	case reflect.Array:
		for i := range v.Len() {
			fields = append(fields, plain(t, v.Index(i), fmt.Sprintf("%s[%d]", name, i))...)
		}
	case reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
		fields = []field{{name, reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()}}
	default:
		t.Errorf("%s is a %s: it means nothing in another process", name, v.Kind())
	}
	return fields
}

type field struct {
	name  string
	value reflect.Value
}

// set sets a field to a valid value.
func (f *field) set() {
	switch v := f.value; {
	case v.CanUint():
		v.SetUint(1)
	case v.CanInt():
		v.SetInt(1)
	case v.CanFloat():
		v.SetFloat(1)
	default:
		v.SetBool(true)
	}
}

// A state is plain data, and all of it is encoded, in the stated number of bytes.
func TestAStateIsPlainDataAndAllOfItIsWrittenOut(t *testing.T) {
	type part interface{ layout(*cursor) }
	f := func(size int, create func() part) {
		t.Helper()
		write := func(x part) []byte {
			c := cursor{}
			x.layout(&c)
			return c.data
		}
		zero := write(create())
		if len(zero) != size {
			t.Errorf("%T takes %d bytes, not %d", create(), len(zero), size)
		}
		fields := plain(t, reflect.ValueOf(create()).Elem(), "")
		for i := range fields {
			x := create()
			one := plain(t, reflect.ValueOf(x).Elem(), "")[i]
			if strings.HasPrefix(one.name, ".subscribe.") {
				continue // of another package
			}
			one.set()
			back, c := create(), cursor{data: write(x), reading: true}
			if back.layout(&c); c.err != nil || !reflect.DeepEqual(back, x) {
				t.Errorf("%T%s is not read as it was: %v", x, one.name, c.err)
			}
		}
	}
	f(StateSize, func() part { return new(State) })
	f(agentStateSize, func() part { return new(agentState) })
}

// What no longer exists in the other process can't be answered there, and does no
// harm.
func TestWhatIsGoneIsForgotten(t *testing.T) {
	s := Session{name: "a", state: State{prefixLen: 2, swept: 5}}
	s.remember(5, 64)
	s.remember(6, 128)
	s.headers.lane, s.headers.from = 1, 3
	s.headers.grow(maxSlots)
	s.headers.put(7<<16, 9)
	s.Enter(&Feed{Lane: 2}, 4)
	s.Enter(&Feed{Lane: 3}, 6)
	back, _, _, err := Decode(s.Append(nil, 0, strings.Clone), &Translation{
		Jobs:  map[uint32]uint32{6: 6},
		Lanes: map[uint32]Renumbered{1: {11, 100}, 3: {13, 100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := back.recall(5); ok || back.swept != 0 {
		t.Error("a job is still there")
	}
	if d, ok := back.recall(6); !ok || d != 128 || back.LastJob() != 6 {
		t.Errorf("job 6 has difficulty %v; the last is %d", d, back.LastJob())
	}
	if back.headers.lane != 13 || back.headers.from != 106 || len(back.left.lanes) != 1 {
		t.Fatalf("it is on %+v, was on %+v", back.headers, back.left.lanes)
	}
	back.Enter(&Feed{Lane: 11}, 0)
	if h := &back.headers; h.from != 103 || h.newest != 109 || !h.has(7<<16) {
		t.Errorf("of lane 1 it has %+v", *h)
	}
	if back.headers.sweep(110); back.headers.has(7<<16) || back.headers.from != 110 {
		t.Errorf("its header is not of work 109: %+v", back.headers)
	}
}

// The headers of an agent's miners follow their lane's new numbers, even those of
// unregistered miners, and are dropped with the lane.
func TestAnAgentsHeadersFollowItsLane(t *testing.T) {
	a, e, _ := agentAtWork(t)
	e.Feed.Lane = 5
	a.Job(e, true, nil)
	for session := range uint16(2) {
		a.Registered(e, session, "farm.w", 0)
		h := &a.miner(session).headers
		h.from = 3
		h.grow(maxSlots)
		h.put(7<<16, 9)
	}
	a.unregister(0)
	a.gone.from, a.gone.swept = 2, 1
	read := func(jobs map[uint32]uint32, lanes map[uint32]Renumbered) *Agent {
		back, _, err := DecodeAgent(a.Append(nil, 0), &Translation{Jobs: jobs, Lanes: lanes})
		if err != nil {
			t.Fatal(err)
		}
		return back
	}
	back := read(map[uint32]uint32{1: 11}, map[uint32]Renumbered{5: {15, 100}})
	if back.lane != 15 || back.gone.from != 102 || back.gone.swept != 11 || back.LastJob() != 11 {
		t.Errorf("lane %d, from %d, swept at %d, last job %d", back.lane, back.gone.from, back.gone.swept, back.LastJob())
	}
	for name, h := range map[string]headers{"there": back.miner(1).headers, "gone": back.gone.headers[0]} {
		if h.sweep(109); h.from != 103 || !h.has(7<<16) {
			t.Errorf("who is %s: %+v", name, h)
		}
		if h.sweep(110); h.has(7 << 16) {
			t.Errorf("who is %s has a header of work 110", name)
		}
	}
	back = read(nil, map[uint32]Renumbered{})
	if back.slots != 0 || len(back.gone.headers) != 0 || back.miner(1).Slots() != 0 || back.lane != 0 {
		t.Errorf("without its lane %d headers are there", back.slots)
	}
}

// The answer to mining.authorize made an agent's answers more than the next process took,
// and a single such agent kept all miners from being handed over.
func TestAnAgentWithAsManyAnswersAsMayBeIsHandedOver(t *testing.T) {
	a, e, d := new(Agent), &Env{Terms: &Terms{}}, codec.NewDecoder()
	var r codec.Request
	say := func(line string) (effect Effect) {
		if err := d.DecodeRequest([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		_, effect = a.Step(e, &r, nil)
		return effect
	}
	say(`{"id":1,"method":"mining.subscribe","params":["btccom-agent/2"]}`)
	const pong = len(`{"id":1,"result":"pong","error":null}` + "\n")
	for len(a.held)+pong <= maxHeld {
		say(`{"id":1,"method":"mining.ping","params":[]}`)
	}
	if effect := say(`{"id":` + strings.Repeat("2", codec.MaxID) + `,"method":"mining.authorize","params":["farm"]}`); effect.Kind != WantAuthorize {
		t.Fatalf("with %d bytes of answers: %+v", len(a.held), effect)
	}
	id := r
	for name, answer := range map[string]func() []byte{
		"accepted": func() []byte { return a.Authorized(&id, "farm", nil) },
		"refused":  func() []byte { return a.Refused(&id, strings.Repeat("x", 200), nil) },
	} {
		before := a.held
		answer()
		if _, _, err := DecodeAgent(a.Append(nil, 0), &Translation{}); err != nil || len(a.held) <= maxHeld {
			t.Errorf("%s, with %d bytes of answers: %v", name, len(a.held), err)
		}
		a.held = before
	}
	if effect := say(`{"id":3,"method":"mining.ping","params":[]}`); effect.Kind != Hangup {
		t.Errorf("it may go on: %+v", effect)
	}
}

// A session of another layout is rejected, whichever part it is in, and so is a
// truncated one.
func TestWhatCantBeReadIsRefused(t *testing.T) {
	s := Session{name: "a", state: State{prefixLen: 2}}
	s.headers.lane = 1
	s.headers.grow(maxSlots)
	s.headers.put(7<<16, 9)
	s.Enter(&Feed{Lane: 2}, 0)
	data := s.Append(nil, 0, strings.Clone)
	names := len(s.state.Append(nil))
	headers := len(data) - len(s.memory.Append(nil))
	for at, want := range map[int]string{
		0:       "state of a session has version 257, expected 1: it was written by another version of farmproxy, and its miner has to connect again",
		names:   "names of a session has version 257, expected 1: it was written by another version of farmproxy, and its miner has to connect again",
		headers: "memory of a session's headers has version 257, expected 1: it was written by another version of farmproxy, and its miner has to connect again",
	} {
		other := slices.Clone(data)
		other[at+1] = 1
		if _, _, _, err := Decode(other, &Translation{}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	var a Agent
	a.Registered(&Env{}, 1, "a.w", 0)
	agent := a.Append(nil, 0)
	for n := range data {
		if _, _, _, err := Decode(data[:n], &Translation{}); err == nil {
			t.Fatalf("%d bytes of %d are enough", n, len(data))
		}
	}
	for n := range agent {
		if _, _, err := DecodeAgent(agent[:n], &Translation{}); err == nil {
			t.Fatalf("%d bytes of %d are enough for an agent", n, len(agent))
		}
	}
	agent[1] = 1
	if _, _, err := DecodeAgent(agent, &Translation{}); err == nil || !strings.HasPrefix(err.Error(), "state of an agent has version 257, expected 1") {
		t.Error(err)
	}
}

// FuzzDecode reads any bytes. Whatever can be decoded is as long when it is encoded again,
// stays the same from then on (times and difficulties of another process are rounded
// once), and is a session that can continue.
func FuzzDecode(f *testing.F) {
	s, _, _ := authorized(f)
	s.add("b")
	f.Add(false, s.Append(nil, 0, strings.Clone))
	for i := range uint64(30) {
		if s.headers.full() {
			s.headers.grow(maxSlots)
		}
		s.headers.put((i*0x9e3779b97f4a7c15|1)<<16, 1)
	}
	s.Enter(&Feed{Lane: 9}, 3)
	f.Add(false, s.Append(nil, time.Hour, strings.Clone))
	a, e, _ := agentAtWork(f)
	for session := range uint16(3) {
		a.Registered(e, session, "farm.w", 0)
		a.miner(session).headers = s.left.lanes[0]
	}
	a.unregister(1)
	f.Add(true, a.Append(nil, 0))
	f.Fuzz(func(t *testing.T, agent bool, data []byte) {
		same := &Translation{}
		if agent {
			a, rest, err := DecodeAgent(data, same)
			if err != nil {
				return
			}
			once := a.Append(nil, 0)
			if len(once)+len(rest) != len(data) {
				t.Fatal("an agent of another length is written out")
			}
			if a, _, err = DecodeAgent(once, same); err != nil || !bytes.Equal(a.Append(nil, 0), once) {
				t.Fatalf("another agent is written out: %v", err)
			}
			return
		}
		s, names, rest, err := Decode(data, same)
		if err != nil {
			return
		}
		written := func(s *Session, names []Name) []byte {
			at := 0
			return s.Append(nil, 0, func(string) string {
				at++
				return names[at-1].Booked
			})
		}
		once := written(&s, names)
		if len(once)+len(rest) != len(data) {
			t.Fatal("a session of another length is written out")
		}
		again, names, _, err := Decode(once, same)
		if err != nil || !bytes.Equal(written(&again, names), once) {
			t.Fatalf("another session is written out: %v", err)
		}
		_, e, _ := authorized(t)
		for _, h := range append([]headers{s.headers}, s.left.all()...) {
			for _, slot := range h.slots() {
				if slot != 0 && !h.has(slot&^workBits) {
					t.Fatalf("header %x is not found", slot)
				}
			}
		}
		s.Job(e, true, nil)
		s.Tick(e, nil)
	})
}

// all returns the headers of all lanes.
func (l *left) all() []headers {
	if l == nil {
		return nil
	}
	return l.lanes
}
